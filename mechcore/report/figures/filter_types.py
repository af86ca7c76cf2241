"""How many of the strongest kernels of each layer are symmetric, mixed and antisymmetric."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mechcore.filters.asymmetry import TYPES
from mechcore.filters.null import null_law
from mechcore.report.figures.figure import FigureData
from mechcore.report.figures.filter_layers import bank_figure, layers_of, rows_shown, shown_layers
from mechcore.report.figures.layout import line, panel_grid
from mechcore.report.figures.series import in_words
from mechcore.report.figures.style import THEORY
from mechcore.results.results import Results

SHARES = ["symmetric", "mixed", "antisymmetric"]
"""From the bottom to the top of a bar."""

COLUMNS = [
    "number",
    "layer",
    "height",
    "width",
    "strongest",
    *SHARES,
    "chance_below",
    "chance_above",
]
COLOURS = {"symmetric": "#d98880", "mixed": "0.9", "antisymmetric": "#6797c4"}
BARS_SHOWN = 40


def _table(results: Results, bank: str) -> pd.DataFrame:
    layers = layers_of(results.banks[bank].analysis)
    shapes = zip(layers.height, layers.width, strict=True)
    laws = [null_law("asymmetric_share", *shape) for shape in shapes]
    return layers.assign(
        chance_below=[float(law.cdf(TYPES["symmetric"][1])) for law in laws],
        chance_above=[float(law.sf(TYPES["antisymmetric"][0])) for law in laws],
    )[COLUMNS]


def _draw(data: FigureData) -> Figure:
    shown = rows_shown(data.table, BARS_SHOWN).reset_index(drop=True)
    patches = [Patch(color=COLOURS[name], label=name) for name in SHARES]
    legend = [*patches, line("chance", THEORY, 1.4)]
    figure, panels = panel_grid((1, 1), (6.4, 1.5), legend)
    axes = panels[0, 0]
    tops = shown[SHARES].fillna(0.0).cumsum(axis=1)
    for name in SHARES:
        heights = shown[name].fillna(0.0)
        axes.bar(shown.index, heights, 0.62, tops[name] - heights, color=COLOURS[name])
    known = shown[shown.mixed.notna()]
    for level in (known.chance_below, 1.0 - known.chance_above):
        axes.hlines(level, level.index - 0.44, level.index + 0.44, color=THEORY, lw=1.4)
    axes.set_xticks(shown.index, shown.number.astype(str), fontsize=7)
    axes.set(ylim=(0, 1.0), xlim=(-0.6, len(shown) - 0.4))
    axes.set(xlabel="layer", ylabel="share of the kernels")
    return figure


def _alt_text(data: FigureData) -> str:
    known = data.table[data.table.mixed.notna()]
    shares = in_words(rows_shown(known, BARS_SHOWN), "layer", _shares)
    return (
        f"Stacked bars of the types of the strongest kernels in {len(known)} layers of "
        f"{data.topic}. Symmetric, mixed and antisymmetric: {shares}."
    )


def _shares(rows: pd.DataFrame) -> str:
    return ", ".join(f"{rows[name].iloc[0]:.2f}" for name in SHARES)


def _caption(data: FigureData) -> str:
    few, most = data.table.strongest.min(), data.table.strongest.max()
    return (
        "Types by the asymmetric share of a kernel's energy, |a|²/|f|², where a is what the "
        "symmetries of the square do not keep, odd or not: symmetric up to "
        f"{TYPES['symmetric'][1]}, antisymmetric from {TYPES['antisymmetric'][0]} on. Counted are "
        "the top tenth of the channels, by energy, in the top tenth of the filters of each layer: "
        f"{few:.0f} to {most:.0f} kernels. Black: between these lines are the mixed kernels among "
        f"untrained weights.{shown_layers(data.table, BARS_SHOWN)}"
    )


FIGURE = bank_figure("mixed", _table, _draw, _alt_text, _caption)
