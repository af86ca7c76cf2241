"""Which way the kernels of each layer of a network point: roses of their momenta."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mechcore.experiment.representative import spread
from mechcore.io.arrays import Array
from mechcore.report.figures.figure import FigureData
from mechcore.report.figures.filter_layers import (
    bank_figure,
    layer_histograms,
    layer_titles,
    shown_layers,
)
from mechcore.report.figures.layout import Margins, facet_grid, line, say_nothing_known
from mechcore.report.figures.style import BEFORE_TRAINING, THEORY
from mechcore.results.results import Results

BINS = 16
STEP = 360 / BINS
"""Width of a bin in degrees. Bins are centred on its multiples: a kernel that points along an axis
or a diagonal is in the middle of one."""

COLUMNS = [
    *("number", "layer", "kernels", "alignment", "directed", "angle", "share", "untrained"),
]

LAYERS_SHOWN = 12
MOST_COLUMNS = 6
PETALS = "#6797c4"

ARC = np.linspace(-STEP / 2, STEP / 2, 4)
"""Angles of the corners of a petal about its middle, degrees."""

LEAST_REACH = 1.7
"""Radius that a panel shows at least, in units of the circle: chance is not blown up."""

WIDTH, LARGEST_SIDE, GAP = 7.1, 1.35, 0.06
"""Inches."""


def _table(results: Results, bank: str) -> pd.DataFrame:
    columns = ["odd_energy_ratio", "momentum_angle"]
    table = layer_histograms(results, bank, columns, _rose, BINS)
    return table.assign(angle=STEP * table.bin).rename(columns={"counted": "directed"})[COLUMNS]


def _rose(kernels: pd.DataFrame) -> Array:
    bins = np.round(kernels.momentum_angle.to_numpy(float) / STEP).astype(int) % BINS
    odd = kernels.odd_energy_ratio * kernels.energy
    return np.bincount(bins, odd / odd.sum(), BINS).astype(np.float64)


def _draw(data: FigureData) -> Figure:
    table = data.table
    titles = layer_titles(table, 11)
    numbers = spread(list(titles), LAYERS_SHOWN)
    columns = min(len(numbers), MOST_COLUMNS)
    side = min((WIDTH - 0.2) / columns - GAP, LARGEST_SIDE)
    free = (WIDTH - columns * (side + GAP) + GAP) / 2
    figure, panels = facet_grid(
        numbers,
        MOST_COLUMNS,
        (side, side),
        _legend(known_before=bool(table.untrained.notna().any())),
        legend_columns=3,
        gap=(GAP, 0.58),
        margins=Margins(left=free, right=free, bottom=0.42),
    )
    for axes, number in panels:
        _draw_rose(axes, table[table.number == number])
        axes.set_title(titles[number], pad=3, fontsize=8)
    return figure


def _alt_text(data: FigureData) -> str:
    numbers = spread(sorted(data.table.number.unique()), LAYERS_SHOWN)
    known = data.table[data.table.number.isin(numbers)].dropna(subset=["share"])
    texts = []
    for _, rows in known.groupby("number"):
        leading = rows.iloc[int(rows.share.to_numpy().argmax())]
        texts.append(
            f"{leading.layer} mostly towards {leading.angle:g}° ({leading.share:.0%}), "
            f"alignment {leading.alignment:.2f}"
        )
    return (
        f"Roses of the momenta of the kernels of {data.topic} in {BINS} directions, weighted by "
        f"odd energy, {1 / BINS:.0%} each without a preferred one: {'; '.join(texts)}."
    )


def _caption(data: FigureData) -> str:
    layers = data.table.drop_duplicates("number")
    without = int((layers.kernels - layers.directed).sum())
    left_out = f" {without} kernels without a direction are left out." if without else ""
    shown = min(len(layers), LAYERS_SHOWN)
    return (
        "Share of the odd energy (p²) of the layer by the direction of the first moment, x to the "
        "right, y downwards; the area of a petal is its share, the circle is that of a layer "
        "without a preferred direction; each panel to its own scale. A: length of the mean "
        "momentum over the mean length, 1 if all n kernels point one way; in brackets 1/√n, about "
        f"what random kernels of one scale give.{left_out}{shown_layers(shown, len(layers))}"
    )


def _draw_rose(axes: Axes, rows: pd.DataFrame) -> None:
    axes.axis("off")
    if rows.share.isna().any():
        say_nothing_known(axes, "no direction")
        return
    largest = float(np.nanmax(rows[["share", "untrained"]].to_numpy(float)))
    reach = 1.12 * max(np.sqrt(BINS * largest), LEAST_REACH)
    axes.set(xlim=(-reach, reach), ylim=(reach, -reach), aspect="equal")
    _draw_cross(axes, reach)
    # As one outline through the middle: a drawing of many petals is a large file.
    petals = np.concatenate(_petals(rows.share.to_numpy(float)))
    axes.fill(*petals.T, fc=PETALS, ec="white", lw=0.4, zorder=2, gid="petals")
    if rows.untrained.notna().all():
        _draw_outline(axes, rows.untrained.to_numpy(float))
    turn = np.radians(np.linspace(0, 360, 49))
    axes.plot(np.cos(turn), np.sin(turn), color=THEORY, lw=1.0, zorder=4, gid="isotropic")
    layer = rows.iloc[0]
    chance = 1 / np.sqrt(layer.directed)
    text = f"A = {layer.alignment:.2f} ({chance:.2f})\nn = {layer.directed}"
    axes.text(0.5, -0.02, text, transform=axes.transAxes, ha="center", va="top", fontsize=7.5)


def _draw_cross(axes: Axes, reach: float) -> None:
    line: dict[str, Any] = {"color": "0.8", "lw": 0.6, "zorder": 1}
    axes.plot([-reach, reach], [0, 0], **line)
    axes.plot([0, 0], [-reach, reach], **line)
    text: dict[str, Any] = {"fontsize": 7, "color": "0.45", "va": "bottom"}
    axes.text(0.98 * reach, -0.04 * reach, "x", ha="right", **text)
    axes.text(0.04 * reach, 0.98 * reach, "y", ha="left", **text)


def _draw_outline(axes: Axes, shares: Array) -> None:
    """A rose without the sides between its petals."""
    arcs = np.concatenate([petal[1:-1] for petal in _petals(shares)])
    closed = np.vstack([arcs, arcs[:1]])
    axes.plot(*closed.T, color=BEFORE_TRAINING, lw=0.7, zorder=3, gid="untrained")


def _petals(shares: Array) -> list[Array]:
    """Outlines whose areas are the shares; those of equal shares reach to radius 1."""
    radii = np.sqrt(BINS * shares)
    angles = np.radians(STEP * np.arange(BINS)[:, np.newaxis] + ARC)
    arcs = radii[:, np.newaxis, np.newaxis] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return [np.vstack([[0.0, 0.0], arc, [0.0, 0.0]]) for arc in arcs]


def _legend(*, known_before: bool) -> list[Artist]:
    before = [line("untrained", BEFORE_TRAINING, 0.8)] if known_before else []
    petals = Patch(color=PETALS, label="odd energy by direction")
    return [petals, line("no preferred direction", THEORY, 0.9), *before]


FIGURE = bank_figure(
    COLUMNS,
    _table,
    _draw,
    _alt_text,
    _caption,
    needs="share",
    reason="it is not analysed yet, or none has a first moment",
)
