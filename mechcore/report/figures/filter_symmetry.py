"""How symmetric the kernels of each layer are: by the authors' types, and by both splits."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mechcore.filters.asymmetry import TYPES
from mechcore.filters.null import null_law
from mechcore.report.figures.figure import FigureData
from mechcore.report.figures.filter_layers import (
    bank_figure,
    layers_of,
    rows_shown,
    shown_layers,
    untrained_analysis,
)
from mechcore.report.figures.layout import line, marks, panel_grid
from mechcore.report.figures.series import draw_points, in_words
from mechcore.report.figures.style import THEORY, Style
from mechcore.results.results import Results

TYPE_COLOURS = {"symmetric": "#d98880", "mixed": "0.9", "antisymmetric": "#6797c4"}
"""From the bottom to the top of a bar."""

NAMES = list(TYPE_COLOURS)

SPLITS: dict[str, Style] = {
    "asymmetric_share": {"color": "#2b5c8a", "marker": "s"},
    "odd_energy_ratio": {"color": "#b3541e", "marker": "o"},
}
LABELS = {"asymmetric_share": r"asymmetric, $|a|^2/|f|^2$", "odd_energy_ratio": r"odd, $\beta^2$"}

COLUMNS = [
    *("number", "layer", "height", "width", "strongest", *NAMES),
    *("chance_symmetric", "chance_antisymmetric"),
    *(f"{stage}{name}" for name in SPLITS for stage in ("", "null_", "untrained_")),
]
BARS_SHOWN = 40


def _table(results: Results, bank: str) -> pd.DataFrame:
    layers = layers_of(results.banks[bank].analysis)
    before = untrained_analysis(results, bank)
    old = layers_of(before) if before else layers.iloc[:0]
    shapes = zip(layers.height, layers.width, strict=True)
    laws = [null_law("asymmetric_share", *shape) for shape in shapes]
    return layers.assign(
        chance_symmetric=[float(law.cdf(TYPES["symmetric"][1])) for law in laws],
        chance_antisymmetric=[float(law.sf(TYPES["antisymmetric"][0])) for law in laws],
        **{f"untrained_{name}": layers.layer.map(old.set_index("layer")[name]) for name in SPLITS},
    )[COLUMNS]


def _draw(data: FigureData) -> Figure:
    shown = rows_shown(data.table, BARS_SHOWN).reset_index(drop=True)
    patches = [Patch(color=colour, label=name) for name, colour in TYPE_COLOURS.items()]
    legend = [*patches, *marks(SPLITS, LABELS.__getitem__), line("chance", THEORY, 1.2)]
    if data.table.untrained_asymmetric_share.notna().any():
        legend.append(line("untrained", THEORY, 0, marker="o", mfc="none", ms=5))
    figure, panels = panel_grid((2, 1), (6.4, 1.35), legend, sharex=True)
    types, shares = panels[:, 0]
    _draw_types(types, shown)
    _draw_shares(shares, shown)
    shares.set_xticks(shown.index, shown.number.astype(str), fontsize=7)
    shares.set(xlim=(-0.6, len(shown) - 0.4), xlabel="layer", ylabel="share of the energy")
    return figure


def _draw_types(axes: Axes, shown: pd.DataFrame) -> None:
    heights = shown[NAMES].fillna(0.0)
    tops = heights.cumsum(axis=1)
    for name, colour in TYPE_COLOURS.items():
        axes.bar(shown.index, heights[name], 0.62, tops[name] - heights[name], color=colour)
    known = shown[shown.mixed.notna()]
    for level in (known.chance_symmetric, 1.0 - known.chance_antisymmetric):
        axes.hlines(level, level.index - 0.44, level.index + 0.44, color=THEORY, lw=1.2)
    axes.set(ylim=(0, 1), ylabel="share of the kernels")


def _draw_shares(axes: Axes, shown: pd.DataFrame) -> None:
    for name, style in SPLITS.items():
        level = shown[f"null_{name}"]
        axes.hlines(level, shown.index - 0.44, shown.index + 0.44, color=THEORY, lw=1.2)
        draw_points(axes, shown.index, shown[name], True, style, gid=name)  # noqa: FBT003
        before = shown[f"untrained_{name}"]
        draw_points(axes, shown.index, before, False, style, ms=6, gid=f"untrained_{name}")  # noqa: FBT003
    axes.set(ylim=(0, 1))


def _alt_text(data: FigureData) -> str:
    known = data.table[data.table.mixed.notna()]
    shares = in_words(rows_shown(known, BARS_SHOWN), "layer", _in_words)
    return (
        f"Bars of the types of the strongest kernels in {len(known)} layers of {data.topic}, and "
        "points of the shares of their energy. Symmetric, mixed, antisymmetric kernels; "
        f"asymmetric and odd share: {shares}."
    )


def _in_words(rows: pd.DataFrame) -> str:
    row = rows.iloc[0]
    types, splits = (", ".join(f"{row[name]:.2f}" for name in names) for names in (NAMES, SPLITS))
    return f"{types}; {splits}"


def _caption(data: FigureData) -> str:
    few, most = data.table.strongest.min(), data.table.strongest.max()
    return (
        "Above: types of kernels by the asymmetric share of their energy, |a|²/|f|², where a is "
        "what the symmetries of the square do not keep, odd or not: symmetric up to "
        f"{TYPES['symmetric'][1]}, antisymmetric from {TYPES['antisymmetric'][0]} on. Counted are "
        "the top tenth of the channels, by energy, in the top tenth of the filters of each layer: "
        f"{few:.0f} to {most:.0f} kernels. Black: untrained weights would be mixed between these "
        "lines. Below: the asymmetric and the odd share of the energy of each layer. Black: their "
        f"means among untrained weights.{shown_layers(data.table, BARS_SHOWN)}"
    )


FIGURE = bank_figure("asymmetric_share", _table, _draw, _alt_text, _caption)
