"""The kernels of a network as points: asymmetric part with its direction, and symmetric part."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from mechcore.filters.bank_file import BankAnalysis
from mechcore.report.figures.figure import FigureData
from mechcore.report.figures.filter_layers import (
    INSIDE_LAYER,
    bank_figure,
    kernels_of,
    strongest_of_layers,
    with_depth,
)
from mechcore.report.figures.layout import line, marks, panel_grid
from mechcore.report.figures.series import draw_series, order_styles
from mechcore.report.figures.style import THEORY, Style
from mechcore.results.results import Results

POINT = ["point_x", "point_y", "point_z"]
AXIS = ["covariance_major", "covariance_angle", "anisotropy"]
COLUMNS = ["number", "layer", *INSIDE_LAYER, "known", *POINT, *AXIS]
POINTS_SHOWN = 360
"""In all layers together: more would hide each other, and make the file too large."""

LABELS = {
    "point_x": r"$|a|\,\cos\theta$",
    "point_y": r"$|a|\,\sin\theta$",
    "point_z": r"$\pm|s|$",
}


def _table(results: Results, bank: str) -> pd.DataFrame:
    analysis = results.banks[bank].analysis
    kernels = kernels_of(analysis, POINT)
    rows = strongest_of_layers(kernels, POINTS_SHOWN).merge(_axes(analysis), on=["number", "out"])
    return rows.assign(known=len(kernels))[COLUMNS]


def _axes(analysis: BankAnalysis) -> pd.DataFrame:
    """The axes of the covariance of each filter's channels."""
    filters = pd.concat(analysis.filters.values(), ignore_index=True)
    return filters.assign(number=filters.layer.astype(int) + 1)[["number", "out", *AXIS]]


def _draw(data: FigureData) -> Figure:
    table = with_depth(data.table)
    styles = order_styles(list(table.depth.unique()))
    legend = [*marks(styles, str, mew=0), line("axis of a filter", THEORY, 1.2)]
    figure, panels = panel_grid((1, 3), (1.75, 1.75), legend, legend_columns=4, gap=(0.62, 0.3))
    reach = 1.05 * float(table[POINT].abs().max().max())
    for axes, (x, y) in zip(panels.flat, combinations(POINT, 2), strict=True):
        axes.axhline(0.0, color="0.8", lw=0.6, zorder=1)
        axes.axvline(0.0, color="0.8", lw=0.6, zorder=1)
        draw_series(axes, table, (x, y), "depth", styles, alpha=0.85, ms=3.0, mew=0)
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel=LABELS[x], ylabel=LABELS[y])
    # As images: y is downwards in a kernel.
    panels[0, 0].invert_yaxis()
    _draw_axes(panels[0, 0], table)
    return figure


def _draw_axes(axes: Any, table: pd.DataFrame) -> None:
    """The major axis of the filter with the strongest kernel of each layer, one deviation long."""
    first = table.drop_duplicates("number").dropna(subset=["covariance_major"])
    length, angle = np.sqrt(first.covariance_major), np.radians(first.covariance_angle)
    for x, y in zip(length * np.cos(angle), length * np.sin(angle), strict=True):
        axes.plot([-x, x], [-y, y], color=THEORY, lw=1.2, zorder=4, gid="axis")


def _alt_text(data: FigureData) -> str:
    table = data.table
    radius = float(np.nanmedian(np.hypot(table.point_x, table.point_y)))
    positive = (table.point_z > 0).mean()
    return (
        f"{len(table)} kernels of {data.topic} as points in space. {positive:.0%} "
        f"have a positive sum, {_undirected(table)} no direction. Median norm of the asymmetric "
        f"part {radius:.3f}, of the symmetric part {table.point_z.abs().median():.3f}; median "
        f"anisotropy of the filters {_anisotropy(table):.2f}."
    )


def _caption(data: FigureData) -> str:
    table, count = data.table, _undirected(data.table)
    undirected = f" {count} kernels have no gradient, and are not drawn." if count else ""
    return (
        "Kernels at their energies, seen along the three axes: a is the part that the symmetries "
        "of the square do not keep, at the angle θ of the kernel's gradient (y downwards in the "
        "kernel), s the part that they keep, with the sign of the sum of the taps. Black: major "
        "axis of the covariance of all channels of a filter, one standard deviation long, for the "
        f"filter with the strongest kernel of each layer.{undirected} Shown are {len(table)} of "
        f"{table.known.iloc[0]} kernels, those of the most energy of each layer."
    )


def _anisotropy(table: pd.DataFrame) -> float:
    return float(table.drop_duplicates(["number", "out"]).anisotropy.fillna(0.0).median())


def _undirected(table: pd.DataFrame) -> int:
    return int(table.point_x.isna().sum())


def _turnable(data: FigureData) -> dict[str, object]:
    """The points in units of the farthest, and their colours."""
    table = with_depth(data.table.dropna(subset=POINT))
    styles: dict[Any, Style] = order_styles(list(table.depth.unique()))
    points = table[POINT] / table[POINT].abs().max().max()
    return {
        "points": points.round(3).to_numpy().tolist(),
        "colours": [to_hex(styles[depth]["color"]) for depth in table.depth],
    }


FIGURE = bank_figure("point_z", _table, _draw, _alt_text, _caption, _turnable)
