"""Trajectories: displacement of the centroid against the layer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechcore.figures.evidence import MOST_PANELS, Evidence, FigureData, spread
from mechcore.figures.style import CONE, new_figure, shades
from mechcore.geometry import light_speed
from mechcore.measures import displacement_along

BETAS_SHOWN = 6

BEYOND = (0, (3.5, 1.5))
"""Line style beyond beta*, where rectification acts."""


def beta_places(dataset: xr.Dataset, most: int = BETAS_SHOWN) -> list[int]:
    """Return which betas of a cell are shown.

    Parameters
    ----------
    dataset : xarray.Dataset
        Trajectories of a cell.
    most : int, optional
        How many.

    Returns
    -------
    list of int
        Places along the dimension ``beta``, from the smallest beta to the largest.
    """
    return spread([int(place) for place in np.argsort(dataset.beta.values)], most)


def trajectory_table(evidence: Evidence, family: str) -> pd.DataFrame:
    """Return displacements of the representative size, pattern and angle.

    Parameters
    ----------
    evidence : Evidence
        The results.
    family : str
        Kernel family.

    Returns
    -------
    pandas.DataFrame
        Columns activation, beta, beta_star, t, displacement (px).
    """
    tables = []
    for activation in evidence.experiment.activations:
        dataset = evidence.dataset(family, activation, evidence.size)
        chosen = displacement_along(dataset).sel(pattern=evidence.point).isel(angle=0)
        lines = chosen.isel(beta=beta_places(dataset))
        rows = lines.to_dataframe("displacement").reset_index()
        star = float(dataset.beta_star.isel(angle=0, beta=0))
        tables.append(rows.assign(activation=activation, beta_star=star))
    return pd.concat(tables)[["activation", "beta", "beta_star", "t", "displacement"]]


def draw_trajectories(data: FigureData) -> Figure:
    """Draw displacement against the layer, a panel for each activation.

    Parameters
    ----------
    data : FigureData
        Of `trajectory_table`.

    Returns
    -------
    matplotlib.figure.Figure
        With one line for each beta, and the light cone.
    """
    table, evidence = data.table, data.evidence
    activations = evidence.experiment.activations
    columns = min(len(activations), MOST_PANELS)
    rows = -(-len(activations) // columns)
    figure = new_figure(max(4.2, 1.85 * columns + 0.7), 2.2 * rows + 0.9)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axes, activation in zip(panels.flat, activations, strict=False):
        _draw_lines(axes, table[table.activation == activation])
        _draw_cone(axes, table, light_speed(evidence.size, evidence.angle))
        axes.set_title(activation)
    for axes in panels.flat[len(activations) :]:
        axes.set_visible(False)
    figure.supxlabel("layer $t$")
    figure.supylabel("displacement (px)")
    figure.legend(handles=_legend(table), loc="outside upper center", ncols=_columns(columns))
    return figure


def describe_trajectories(data: FigureData) -> str:
    """Return what the figure of trajectories shows.

    Parameters
    ----------
    data : FigureData
        Of `trajectory_table`.

    Returns
    -------
    str
        For readers who do not see it.
    """
    table, evidence, family = data.table, data.evidence, data.topic
    last = int(table.t.max())
    ends = table[table.t == last]
    texts = [
        f"{activation} {', '.join(_end(row) for row in rows.itertuples())}"
        for activation, rows in ends.groupby("activation", sort=False)
    ]
    return (
        f"Displacement of the centroid in pixels against the layer, {family}, k = {evidence.size}, "
        f"pattern {evidence.point}, one line for each beta. At layer {last}: {'; '.join(texts)}."
    )


def caption_trajectories(data: FigureData) -> str:
    """Return what a reader must know to read the figure of trajectories.

    Parameters
    ----------
    data : FigureData
        Of `trajectory_table`.

    Returns
    -------
    str
        The caption.
    """
    evidence, family = data.evidence, data.topic
    return (
        f"Displacement of the centroid along the kernel's momentum ({family}, k = {evidence.size}, "
        f"{evidence.point}, {evidence.angle:g}°). A straight line is a constant "
        f"speed. Dashed: β > β*. Grey: light cone, "
        f"{light_speed(evidence.size, evidence.angle):.4g} px/layer."
    )


def _end(row: object) -> str:
    value = getattr(row, "displacement", np.nan)
    end = f"{value:.1f}" if np.isfinite(value) else "extinct"
    return f"{end} at beta {getattr(row, 'beta', np.nan):.3g}"


def _draw_lines(axes: Axes, table: pd.DataFrame) -> None:
    betas = sorted(table.beta.unique())
    for beta, colour in zip(betas, shades(len(betas)), strict=True):
        line = table[table.beta == beta]
        acts = not beta <= line.beta_star.iloc[0]
        x, y = line.t.to_numpy(), line.displacement.to_numpy()
        axes.plot(x, y, color=colour, ls=BEYOND if acts else "-", gid="trajectory")


def _draw_cone(axes: Axes, table: pd.DataFrame, fastest: float) -> None:
    last = int(table.t.max())
    axes.plot([0, last], [0, fastest * last], color=CONE, lw=0.8, zorder=1)


def _columns(panels: int) -> int:
    return 7 if panels > 2 else 3


def _legend(table: pd.DataFrame) -> list[Line2D]:
    betas = sorted(table.beta.unique())
    lines = [
        Line2D([], [], color=colour, label=rf"$\beta$ = {beta:.3g}")
        for beta, colour in zip(betas, shades(len(betas)), strict=True)
    ]
    return [*lines, Line2D([], [], color=CONE, lw=0.8, label="light cone")]
