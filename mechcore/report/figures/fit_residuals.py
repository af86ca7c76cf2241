"""Where on the grid the straight lines miss the speeds, and which way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from mechcore.analysis.regressions import PREDICTORS, residuals
from mechcore.io.arrays import Array
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import (
    Margins,
    add_colour_bar,
    name_axes,
    panel_grid,
    size_text,
)
from mechcore.report.figures.speed_panels import PREDICTOR_LABELS
from mechcore.report.figures.style import THEORY, plain
from mechcore.results.results import Results

COLUMNS = [
    *("activation", "size", "predictor", "beta", "beta_star"),
    *("residual", "relative_residual"),
]
ROW = 0.14
"""Height of the row of a cell, inches: the least at which its label can be read."""

SHARE_IN_COLOUR = 0.98
"""Of the residuals; those beyond have the strongest colour, so that the others differ."""


def _table(results: Results, family: str) -> pd.DataFrame:
    metrics = results.metrics
    chosen = (metrics.kernel == family) & (metrics.pattern == results.point)
    part = metrics[chosen & metrics["size"].isin(results.sizes_shown)]
    keys = ["cell", "pattern", "beta"]
    points = results.mean_speeds[[*keys, "activation", "size", "beta_star"]]
    fits = results.regressions[results.regressions.pattern == results.point]
    table = residuals(part, fits).merge(points, on=keys)
    cone = table["size"].map({size: results.mean_light_speed(size) for size in part["size"]})
    return table.assign(relative_residual=table.residual / cone.astype(float))[COLUMNS]


def _draw(data: FigureData) -> Figure:
    table, cells, limit = data.table, _cells(data.results), _limit(data.table)
    betas = np.unique(data.results.metrics.beta)
    figure, panels = panel_grid(
        (1, len(PREDICTORS)),
        (1.6, max(ROW * len(cells), 0.8)),
        gap=(0.16, 0.1),
        margins=Margins(left=1.2, right=0.75),
        sharex=True,
        sharey=True,
    )
    for axes, predictor in zip(panels[0], PREDICTORS, strict=True):
        mesh = _draw_map(axes, table[table.predictor == predictor], cells, betas, limit)
        axes.set_title(f"line in {PREDICTOR_LABELS[predictor]}", pad=3)
    _name_rows(panels[0, 0], cells)
    name_axes(figure, r"$\beta$", "")
    add_colour_bar(figure, mesh, "residual / light cone")
    return figure


def _alt_text(data: FigureData) -> str:
    texts = [
        f"line in {str(name).replace('_', ' ')} from {rows.relative_residual.min():z.3f} "
        f"to {rows.relative_residual.max():z.3f}"
        for name, rows in data.table.groupby("predictor", sort=False)
    ]
    return (
        f"Map of the residuals of straight lines through the speeds, {data.topic} family, "
        f"pattern {data.results.point}, {len(_cells(data.results))} cells by beta. Residuals as "
        f"a share of the light cone: {'; '.join(texts) or 'no line fitted, 0 residuals'}."
    )


def _caption(data: FigureData) -> str:
    return (
        f"Speed minus the least-squares line through all β ({data.topic}, {data.results.point}), "
        "as a share of the light cone; red: faster than the line. Tick in each row: β*. Grey: no "
        "speed, or, on the right, no finite celerity. The colours end at "
        f"±{_limit(data.table):.2g}."
    )


def _cells(results: Results) -> list[tuple[str, int]]:
    activations, sizes = results.experiment.activations, results.sizes_shown
    return [(activation, size) for activation in activations for size in sizes]


def _limit(table: pd.DataFrame) -> float:
    known = table.relative_residual.abs()
    # Of an exact line only rounding is left, which must not be blown up into colours.
    return max(float(known.quantile(SHARE_IN_COLOUR)), 1e-3) if len(known) else 1.0


def _draw_map(
    axes: Axes, rows: pd.DataFrame, cells: list[tuple[str, int]], betas: Array, limit: float
) -> QuadMesh:
    columns, edges = _edges(betas), np.arange(len(cells) + 1) - 0.5
    axes.set_facecolor("0.85")
    mesh = axes.pcolormesh(
        columns,
        edges,
        _by_cell(rows, cells, betas),
        vmin=-limit,
        vmax=limit,
        cmap=sns.color_palette("vlag", as_cmap=True),
        rasterized=True,
    )
    stars = rows.drop_duplicates(["activation", "size"]).set_index(["activation", "size"]).beta_star
    places = stars.reindex(pd.MultiIndex.from_tuples(cells)).to_numpy(float)
    axes.vlines(places, edges[:-1], edges[1:], color=THEORY, lw=1.2, gid="beta_star")
    sizes = len({size for _, size in cells})
    axes.hlines(edges[sizes:-1:sizes], *columns[[0, -1]], color="white", lw=1.5)
    axes.set(ylim=(edges[-1], edges[0]), xlim=columns[[0, -1]])
    axes.xaxis.set_major_formatter("{x:g}")
    axes.tick_params(axis="y", length=0)
    return mesh


def _by_cell(rows: pd.DataFrame, cells: list[tuple[str, int]], betas: Array) -> Array:
    index = pd.MultiIndex.from_tuples([(*cell, beta) for cell in cells for beta in betas])
    values = rows.set_index(["activation", "size", "beta"]).relative_residual.reindex(index)
    return values.to_numpy(float).reshape(len(cells), len(betas))


def _edges(centres: Array) -> Array:
    """Borders between neighbouring values; a single value is as wide as a tenth."""
    if len(centres) < 2:
        return np.array([centres[0] - 0.05, centres[0] + 0.05])
    inner = (centres[1:] + centres[:-1]) / 2
    first, last = 2 * centres[0] - inner[0], 2 * centres[-1] - inner[-1]
    return np.concatenate([[first], inner, [last]])


def _name_rows(axes: Axes, cells: list[tuple[str, int]]) -> None:
    axes.set_yticks(range(len(cells)), [size_text(size) for _, size in cells], fontsize=7)
    names = dict.fromkeys(activation for activation, _ in cells)
    sizes = len(cells) // len(names)
    where: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "va": "center"}
    for place, name in enumerate(names):
        height = place * sizes + (sizes - 1) / 2
        axes.annotate(plain(name), (-0.27, height), ha="right", fontsize=8, **where)


FIGURE = ReportFigure(_table, _draw, _alt_text, _caption)
