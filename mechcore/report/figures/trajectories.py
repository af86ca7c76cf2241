"""Displacement of the centroid against the layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechcore.analysis.measures import displacement_along
from mechcore.experiment.representative import spread
from mechcore.model.geometry import light_speed
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    beta_lines,
    facet_grid,
    line,
    name_axes,
    say_nothing_known,
    title,
)
from mechcore.report.figures.style import BEYOND, CONE, shades
from mechcore.results.results import MOST_PANELS, Results

BETAS_SHOWN = 6
COLUMNS = ["activation", "beta", "beta_star", "t", "displacement"]


def beta_places(dataset: xr.Dataset, most: int = BETAS_SHOWN) -> list[int]:
    """Return which betas of a cell are shown."""
    return spread([int(place) for place in np.argsort(dataset.beta.values)], most)


def trajectory_rows(
    results: Results,
    family: str,
    cells: list[tuple[str, int]],
    quantity: Callable[[xr.Dataset], xr.DataArray],
    columns: list[str],
) -> pd.DataFrame:
    """Return a quantity of some trajectories of the finished cells (activation and size)."""
    parts = []
    for activation, size in cells:
        if results.cell_name(family, activation, size) in results.finished:
            dataset = results.dataset(family, activation, size)
            # Chosen before anything is computed: a cell holds hundreds of trajectories.
            chosen = dataset.sel(pattern=results.point).isel(angle=[0], beta=beta_places(dataset))
            rows = quantity(chosen).to_dataframe(columns[-1]).reset_index()
            star = float(chosen.beta_star[0, 0])
            parts.append(rows.assign(activation=activation, size=size, beta_star=star)[columns])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def beta_colours(rows: pd.DataFrame) -> dict[float, Any]:
    """Return the colour of each beta."""
    betas = sorted(rows.beta.unique())
    return dict(zip(betas, shades(len(betas)), strict=True))


def draw_trajectories(
    axes: Axes,
    rows: pd.DataFrame,
    column: str,
    colours: dict[float, Any],
    solid: float = 1.3,
    dashed: float = 1.3,
) -> None:
    """Draw a line of some width for each beta: solid up to beta*, dashed beyond."""
    for _, part in rows.groupby("beta"):
        acts = not part.beta.iloc[0] <= part.beta_star.iloc[0]
        line, width = (BEYOND, dashed) if acts else ("-", solid)
        colour = colours[part.beta.iloc[0]]
        axes.plot(part.t, part[column], color=colour, ls=line, lw=width, gid=column)
    if rows.empty:
        say_nothing_known(axes)


def _table(results: Results, family: str) -> pd.DataFrame:
    cells = [(activation, results.size) for activation in results.experiment.activations]
    return trajectory_rows(results, family, cells, displacement_along, COLUMNS)


def _draw(data: FigureData) -> Figure:
    table, results = data.table, data.results
    steps, cone = results.experiment.steps, light_speed(results.size, results.angle)
    colours = beta_colours(table)
    figure, panels = facet_grid(
        results.experiment.activations,
        MOST_PANELS,
        (1.55, 1.5),
        [*beta_lines(colours), line("light cone", CONE, 0.8)],
        legend_columns=4,
        gap=(0.12, 0.3),
        sharex=True,
        sharey=True,
    )
    for axes, activation in panels:
        draw_trajectories(axes, table[table.activation == activation], "displacement", colours)
        axes.plot([0, steps], [0, cone * steps], color=CONE, lw=0.8, zorder=1)
        title(axes, activation)
    name_axes(figure, "layer $t$", "displacement (px)")
    return figure


def _alt_text(data: FigureData) -> str:
    results = data.results
    last = results.experiment.steps
    ends = data.table[data.table.t == last]
    texts = [
        f"{activation} {', '.join(_end(row) for _, row in rows.iterrows())}"
        for activation, rows in ends.groupby("activation", sort=False)
    ]
    return (
        f"Displacement of the centroid in pixels against the layer, {data.topic}, "
        f"k = {results.size}, pattern {results.point}, one line for each beta. At layer {last}: "
        f"{'; '.join(texts)}."
    )


def _caption(data: FigureData) -> str:
    results = data.results
    return (
        f"Displacement of the centroid along the kernel's momentum ({data.topic}, "
        f"k = {results.size}, {results.point}, {results.angle:g}°). A straight line is a constant "
        f"speed. Dashed: β > β*. Grey: light cone, "
        f"{light_speed(results.size, results.angle):.4g} px/layer."
    )


def _end(row: pd.Series) -> str:
    known = np.isfinite(row.displacement)
    end = f"{row.displacement:z.1f}" if known else "extinct"
    return f"{end} at beta {row.beta:.3g}"


FIGURE = ReportFigure(_table, _draw, _alt_text, _caption)
