"""Which way the kernels of each layer of a network point: roses of their momenta."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mechcore.io.arrays import Array
from mechcore.report.figures.figure import FigureData
from mechcore.report.figures.filter_layers import (
    bank_figure,
    known_before,
    layer_histograms,
    layer_panels,
    rows_shown,
    shown_layers,
    untrained_line,
)
from mechcore.report.figures.layout import Margins, line, say_nothing_known
from mechcore.report.figures.series import in_words
from mechcore.report.figures.style import BEFORE_TRAINING, THEORY
from mechcore.results.results import Results

BINS = 16
STEP = 360 / BINS
"""Width of a bin in degrees. Bins are centred on its multiples: a kernel that points along an axis
or a diagonal is in the middle of one."""

COLUMNS = [
    *("number", "layer", "kernels", "alignment", "directed", "angle", "share", "untrained"),
]
PETALS = "#6797c4"

LEAST_REACH = 1.7
"""Radius that a panel shows at least, in units of the circle: chance is not blown up."""


def _table(results: Results, bank: str) -> pd.DataFrame:
    columns = ["odd_energy_ratio", "momentum_angle"]
    table = layer_histograms(results, bank, columns, _rose, BINS)
    return table.assign(angle=STEP * table.bin).rename(columns={"counted": "directed"})[COLUMNS]


def _rose(kernels: pd.DataFrame) -> Array:
    bins = np.round(kernels.momentum_angle.to_numpy(float) / STEP).astype(int) % BINS
    odd = kernels.odd_energy_ratio * kernels.energy
    return np.bincount(bins, odd / odd.sum(), BINS).astype(np.float64)


def _draw(data: FigureData) -> Figure:
    legend = [
        Patch(color=PETALS, label="odd energy by direction"),
        line("no preferred direction", THEORY, 0.9),
        *untrained_line(data.table),
    ]
    free = 0.1 + 0.53 * max(6 - data.table.number.nunique(), 0)
    figure, panels = layer_panels(
        data.table,
        (1.0, 1.0),
        legend,
        most_columns=6,
        legend_columns=3,
        gap=(0.15, 0.75),
        margins=Margins(left=free, right=free, bottom=0.55),
        subplot_kw={"projection": "polar"},
    )
    for axes, rows in panels:
        _draw_rose(axes, rows)
    return figure


def _alt_text(data: FigureData) -> str:
    def leading(rows: pd.DataFrame) -> str:
        row = rows.iloc[int(rows.share.argmax())]
        return f"{row.angle:g}° ({row.share:.0%}), alignment {row.alignment:.2f}"

    known = rows_shown(data.table).dropna(subset=["share"])
    return (
        f"Roses of the momenta of the kernels of {data.topic} in {BINS} directions, weighted by "
        f"odd energy, {1 / BINS:.0%} each without a preferred one. Most are towards: "
        f"{in_words(known, 'layer', leading)}."
    )


def _caption(data: FigureData) -> str:
    layers = data.table.drop_duplicates("number")
    without = int((layers.kernels - layers.directed).sum())
    left_out = f" {without} kernels without a direction are left out." if without else ""
    return (
        "Share of the odd energy (p²) of the layer by the direction of the first moment, x to the "
        "right, y downwards; the area of a petal is its share, the circle is that of a layer "
        "without a preferred direction; each panel to its own scale. A: length of the mean "
        "momentum over the mean length, 1 if all n kernels point one way; in brackets 1/√n, about "
        f"what random kernels of one scale give.{left_out}{shown_layers(data.table)}"
    )


def _draw_rose(axes: Axes, rows: pd.DataFrame) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    if rows.share.isna().any():
        say_nothing_known(axes, "no direction")
        return
    angles, width = np.radians(rows.angle), np.radians(STEP)
    radii = rows[["share", "untrained"]].mul(BINS) ** 0.5
    reach = 1.12 * max(float(np.nanmax(radii)), LEAST_REACH)
    axes.set(theta_direction=-1, xticks=[0, np.pi / 2], ylim=(0, reach))
    axes.set_xticklabels(["x", "y"], fontsize=7, color="0.45")
    axes.tick_params(pad=-4, grid_color="0.8")
    axes.bar(angles, radii.share, width, fc=PETALS, ec="white", lw=0.4, zorder=2)
    if known_before(rows):
        outline = {"fc": "none", "ec": BEFORE_TRAINING, "lw": 0.7, "zorder": 3}
        axes.bar(angles, radii.untrained, width, **outline)
    axes.plot(np.linspace(0, 2 * np.pi, 49), np.ones(49), color=THEORY, lw=1.0, zorder=4)
    layer = rows.iloc[0]
    text = f"A = {layer.alignment:.2f} ({layer.directed**-0.5:.2f})\nn = {layer.directed}"
    axes.text(0.5, -0.14, text, transform=axes.transAxes, ha="center", va="top", fontsize=7.5)


FIGURE = bank_figure("share", _table, _draw, _alt_text, _caption)
