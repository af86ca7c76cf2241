"""Roses: which way the kernels of each layer of a network point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from mechcore.experiment.representative import spread
from mechcore.filters.bank_file import BankAnalysis
from mechcore.report.figures.banks import (
    BEFORE_TRAINING,
    draw_nothing_known,
    kernels_of,
    layer_titles,
    layers_of,
    nothing_known,
    shown_layers,
    trained_analysis,
    untrained_analysis,
)
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.layout import (
    Margins,
    facets,
    hide_unused,
    panel_grid,
    say_nothing_known,
)
from mechcore.report.figures.style import THEORY
from mechcore.results.results import Results

BINS = 16
STEP = 360 / BINS
"""Width of a bin in degrees. Bins are centred on its multiples: a kernel that points along an axis
or a diagonal is in the middle of one."""

LAYER = ["number", "layer", "kernels", "alignment"]
COLUMNS = [*LAYER, "directed", "angle", "share", "untrained"]

LAYERS_SHOWN = 12
MOST_COLUMNS = 6
PETALS = "#6797c4"

ARC = np.linspace(-STEP / 2, STEP / 2, 4)
"""Angles of the corners of a petal about its middle, degrees."""

LEAST_REACH = 1.7
"""Radius that a panel shows at least, in units of the circle: chance is not blown up."""

NONE_DIRECTED = "it is not analysed yet, or none has a first moment"

WIDTH, LARGEST_SIDE, GAP = 7.1, 1.35, 0.06
"""Inches."""

Array = NDArray[np.float64]


def rose_table(results: Results, bank: str) -> pd.DataFrame:
    """Return how the odd energy of each layer is spread over the directions of the momentum."""
    analysis, before = trained_analysis(results, bank), untrained_analysis(results, bank)
    if analysis is None:
        return pd.DataFrame(columns=COLUMNS)
    roses, old = _roses(analysis), _roses(before) if before else {}
    unknown = (0, np.full(BINS, np.nan))
    angles = STEP * np.arange(BINS)
    parts = []
    for layer in layers_of(analysis)[LAYER].itertuples(index=False):
        directed, share = roses.get(str(layer.layer), unknown)
        rose = {name: getattr(layer, name) for name in LAYER}
        rose |= {"directed": directed, "angle": angles, "share": share}
        rose["untrained"] = old.get(str(layer.layer), unknown)[1]
        parts.append(pd.DataFrame(rose))
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def draw_roses(data: FigureData) -> Figure:
    """Draw a rose of momenta for each layer."""
    table = data.table
    if table.share.notna().sum() == 0:
        return draw_nothing_known()
    titles = layer_titles(table, 11)
    numbers = spread(list(titles), LAYERS_SHOWN)
    rows, columns = facets(len(numbers), MOST_COLUMNS)
    side = min((WIDTH - 0.2) / columns - GAP, LARGEST_SIDE)
    free = (WIDTH - columns * (side + GAP) + GAP) / 2
    figure, panels = panel_grid(
        (rows, columns),
        (side, side),
        _legend(known_before=bool(table.untrained.notna().any())),
        legend_columns=3,
        gap=(GAP, 0.58),
        margins=Margins(left=free, right=free, bottom=0.42),
    )
    for axes, number in zip(panels.flat, numbers, strict=False):
        _draw_rose(axes, table[table.number == number])
        axes.set_title(titles[number], pad=3, fontsize=8)
    hide_unused(panels, len(numbers))
    return figure


def describe_roses(data: FigureData) -> str:
    """Return what the figure of roses shows."""
    known = data.table.dropna(subset=["share"])
    if known.empty:
        return nothing_known(data.topic, NONE_DIRECTED)
    numbers = spread(sorted(data.table.number.unique()), LAYERS_SHOWN)
    texts = [
        f"{rows.layer.iloc[0]} mostly towards {_leading(rows).angle:g}° "
        f"({_leading(rows).share:.0%}), alignment {rows.alignment.iloc[0]:.2f}"
        for number, rows in known.groupby("number")
        if number in numbers
    ]
    return (
        f"Roses of the momenta of the kernels of {data.topic} in {BINS} directions, weighted by "
        f"odd energy, {1 / BINS:.0%} each without a preferred one: {'; '.join(texts)}."
    )


def caption_roses(data: FigureData) -> str:
    """Return what a reader must know to read the figure of roses."""
    known = data.table.dropna(subset=["share"])
    if known.empty:
        return nothing_known(data.topic, NONE_DIRECTED)
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


def _roses(analysis: BankAnalysis) -> dict[str, tuple[int, Array]]:
    """How many kernels have a direction, and the odd energy by direction, by name of the layer."""
    kernels = kernels_of(analysis, ["odd_energy_ratio", "momentum_angle"])
    kernels = kernels.dropna(subset=["momentum_angle"])
    names = analysis.layers.name.to_numpy()
    return {
        str(names[int(str(number)) - 1]): (len(rows), _rose(rows))
        for number, rows in kernels.groupby("number")
    }


def _rose(kernels: pd.DataFrame) -> Array:
    bins = np.round(kernels.momentum_angle.to_numpy(float) / STEP).astype(int) % BINS
    odd = kernels.odd_energy_ratio * kernels.energy
    return np.bincount(bins, odd / odd.sum(), BINS).astype(np.float64)


def _leading(rows: pd.DataFrame) -> pd.Series:
    return rows.iloc[int(rows.share.to_numpy().argmax())]


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
    _draw_outline(axes, rows.untrained.to_numpy(float))
    turn = np.radians(np.linspace(0, 360, 49))
    axes.plot(np.cos(turn), np.sin(turn), color=THEORY, lw=1.0, zorder=4, gid="isotropic")
    _tell(axes, rows.iloc[0])


def _draw_outline(axes: Axes, shares: Array) -> None:
    """The rose before training, where it is known, without the sides between its petals."""
    if np.isfinite(shares).all():
        arcs = np.concatenate([petal[1:-1] for petal in _petals(shares)])
        closed = np.vstack([arcs, arcs[:1]])
        axes.plot(*closed.T, color=BEFORE_TRAINING, lw=0.7, zorder=3, gid="untrained")


def _tell(axes: Axes, layer: pd.Series) -> None:
    chance = 1 / np.sqrt(layer.directed)
    told = f"A = {layer.alignment:.2f} ({chance:.2f})\nn = {layer.directed}"
    axes.text(0.5, -0.02, told, transform=axes.transAxes, ha="center", va="top", fontsize=7.5)


def _draw_cross(axes: Axes, reach: float) -> None:
    look: dict[str, Any] = {"color": "0.8", "lw": 0.6, "zorder": 1}
    axes.plot([-reach, reach], [0, 0], **look)
    axes.plot([0, 0], [-reach, reach], **look)
    axes.text(0.98 * reach, -0.04 * reach, "x", fontsize=7, color="0.45", ha="right", va="bottom")
    axes.text(0.04 * reach, 0.98 * reach, "y", fontsize=7, color="0.45", ha="left", va="bottom")


def _petals(shares: Array) -> list[Array]:
    """Outlines whose areas are the shares; those of equal shares reach to radius 1."""
    radii = np.sqrt(BINS * shares)
    angles = np.radians(STEP * np.arange(BINS)[:, np.newaxis] + ARC)
    arcs = radii[:, np.newaxis, np.newaxis] * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return [np.vstack([[0.0, 0.0], arc, [0.0, 0.0]]) for arc in arcs]


def _legend(*, known_before: bool) -> list[Line2D | Patch]:
    petals = Patch(color=PETALS, label="odd energy by direction")
    before = Line2D([], [], color=BEFORE_TRAINING, lw=0.8, label="untrained")
    circle = Line2D([], [], color=THEORY, lw=0.9, label="no preferred direction")
    return [petals, circle, *([before] if known_before else [])]
