"""Trajectories: displacement of the centroid against the layer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechcore.analysis.measures import displacement_along
from mechcore.experiment.representative import spread
from mechcore.model.geometry import light_speed
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.layout import (
    facets,
    hide_unused,
    name_axes,
    panel_grid,
    say_nothing_known,
    title,
)
from mechcore.report.figures.style import CONE, shades
from mechcore.results.results import MOST_PANELS, Results

BETAS_SHOWN = 6
COLUMNS = ["activation", "beta", "beta_star", "t", "displacement"]

BEYOND = (0, (3.5, 1.5))
"""Line style beyond beta*, where rectification acts."""


def beta_places(dataset: xr.Dataset, most: int = BETAS_SHOWN) -> list[int]:
    """Return which betas of a cell are shown."""
    return spread([int(place) for place in np.argsort(dataset.beta.values)], most)


def some_betas(results: Results, family: str, activation: str, size: int) -> xr.Dataset | None:
    """Return a few trajectories of a cell, at the angle and of the pattern that stand for all."""
    if results.cell_name(family, activation, size) not in results.finished:
        return None
    dataset = results.dataset(family, activation, size)
    # Chosen before anything is computed: a cell holds hundreds of trajectories.
    return dataset.sel(pattern=results.point).isel(angle=[0], beta=beta_places(dataset))


def trajectory_table(results: Results, family: str) -> pd.DataFrame:
    """Return displacements of the representative size, pattern and angle."""
    tables = [pd.DataFrame(columns=COLUMNS)]
    for activation in results.experiment.activations:
        chosen = some_betas(results, family, activation, results.size)
        if chosen is not None:
            rows = displacement_along(chosen).to_dataframe("displacement").reset_index()
            star = float(chosen.beta_star[0, 0])
            tables.append(rows.assign(activation=activation, beta_star=star)[COLUMNS])
    return pd.concat(tables[1:] or tables, ignore_index=True)


def draw_trajectories(data: FigureData) -> Figure:
    """Draw displacement against the layer, a panel for each activation."""
    table, results = data.table, data.results
    activations = results.experiment.activations
    figure, panels = panel_grid(
        facets(len(activations), MOST_PANELS),
        (1.55, 1.5),
        _legend(table),
        legend_columns=4,
        gap=(0.12, 0.3),
        sharex=True,
        sharey=True,
    )
    for axes, activation in zip(panels.flat, activations, strict=False):
        _draw_lines(axes, table[table.activation == activation])
        _draw_cone(axes, results.experiment.steps, light_speed(results.size, results.angle))
        title(axes, activation)
    hide_unused(panels, len(activations))
    name_axes(figure, "layer $t$", "displacement (px)")
    return figure


def describe_trajectories(data: FigureData) -> str:
    """Return what the figure of trajectories shows."""
    table, results, family = data.table, data.results, data.topic
    last = results.experiment.steps
    ends = table[table.t == last]
    texts = [
        f"{activation} {', '.join(_end(row) for row in rows.itertuples())}"
        for activation, rows in ends.groupby("activation", sort=False)
    ]
    return (
        f"Displacement of the centroid in pixels against the layer, {family}, k = {results.size}, "
        f"pattern {results.point}, one line for each beta. At layer {last}: {'; '.join(texts)}."
    )


def caption_trajectories(data: FigureData) -> str:
    """Return what a reader must know to read the figure of trajectories."""
    results, family = data.results, data.topic
    return (
        f"Displacement of the centroid along the kernel's momentum ({family}, k = {results.size}, "
        f"{results.point}, {results.angle:g}°). A straight line is a constant "
        f"speed. Dashed: β > β*. Grey: light cone, "
        f"{light_speed(results.size, results.angle):.4g} px/layer."
    )


def _end(row: object) -> str:
    value = getattr(row, "displacement", np.nan)
    end = f"{value:z.1f}" if np.isfinite(value) else "extinct"
    return f"{end} at beta {getattr(row, 'beta', np.nan):.3g}"


def _draw_lines(axes: Axes, table: pd.DataFrame) -> None:
    if table.empty:
        say_nothing_known(axes)
    betas = sorted(table.beta.unique())
    for beta, colour in zip(betas, shades(len(betas)), strict=True):
        line = table[table.beta == beta]
        acts = not beta <= line.beta_star.iloc[0]
        x, y = line.t.to_numpy(), line.displacement.to_numpy()
        axes.plot(x, y, color=colour, ls=BEYOND if acts else "-", gid="trajectory")


def _draw_cone(axes: Axes, last: int, fastest: float) -> None:
    axes.plot([0, last], [0, fastest * last], color=CONE, lw=0.8, zorder=1)


def _legend(table: pd.DataFrame) -> list[Line2D]:
    betas = sorted(table.beta.unique())
    lines = [
        Line2D([], [], color=colour, label=rf"$\beta$ = {beta:.3g}")
        for beta, colour in zip(betas, shades(len(betas)), strict=True)
    ]
    return [*lines, Line2D([], [], color=CONE, lw=0.8, label="light cone")]
