"""How odd the kernels of a network are, beside what chance gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mechcore.experiment.representative import spread
from mechcore.filters.null import null_law
from mechcore.io.arrays import Array
from mechcore.report.figures.figure import FigureData
from mechcore.report.figures.filter_layers import (
    bank_figure,
    layer_histograms,
    layer_titles,
    shown_layers,
)
from mechcore.report.figures.layout import (
    Margins,
    facet_grid,
    line,
    mark,
    name_axes,
    say_nothing_known,
)
from mechcore.report.figures.style import BEFORE_TRAINING, THEORY
from mechcore.results.results import Results

BINS = 20
EDGES = np.linspace(0.0, 1.0, BINS + 1)
"""Of beta: nothing is smoothed over the bounds, where pure parities are."""

COLUMNS = [
    *("number", "layer", "height", "width", "kernels"),
    *("beta_from", "beta_to", "share", "chance", "untrained", "beta_energy", "beta_chance"),
]

LAYERS_SHOWN = 12
MOST_COLUMNS = 4
BARS = "#a9cbe6"


def _table(results: Results, bank: str) -> pd.DataFrame:
    table = layer_histograms(results, bank, ["beta"], _histogram, BINS)
    shapes = table.loc[table.bin == 0, ["height", "width"]].to_numpy(int).tolist()
    laws = [null_law("odd_energy_ratio", height, width) for height, width in shapes]
    return table.assign(
        beta_from=EDGES[table.bin].round(9),
        beta_to=EDGES[table.bin + 1].round(9),
        chance=np.concatenate([np.diff(law.cdf(EDGES**2)) for law in laws]),
        beta_energy=table.odd_energy_ratio**0.5,
        beta_chance=np.repeat([float(law.mean()) ** 0.5 for law in laws], BINS),
    )[COLUMNS]


def _histogram(kernels: pd.DataFrame) -> Array:
    # Rounding makes the beta of an odd kernel a little more than one.
    return np.histogram(kernels.beta.to_numpy(float).clip(0.0, 1.0), EDGES)[0] / len(kernels)


def _draw(data: FigureData) -> Figure:
    table = data.table
    titles = layer_titles(table)
    numbers = spread(list(titles), LAYERS_SHOWN)
    columns = min(len(numbers), MOST_COLUMNS)
    figure, panels = facet_grid(
        numbers,
        MOST_COLUMNS,
        ((6.5 - 0.12 * columns) / max(columns, 3), 1.05),
        _legend(known_before=bool(table.untrained.notna().any())),
        legend_columns=5,
        gap=(0.12, 0.3),
        margins=Margins(left=0.32, right=0.12 + max(3 - columns, 0) * 2.1),
        sharex=True,
    )
    for axes, number in panels:
        _draw_layer(axes, table[table.number == number])
        axes.set_title(titles[number], pad=3, fontsize=8)
    name_axes(figure, r"$\beta = p/E$", "share of the kernels")
    return figure


def _alt_text(data: FigureData) -> str:
    known = data.table.dropna(subset=["share"])
    numbers = spread(sorted(known.number.unique()), LAYERS_SHOWN)
    texts = [
        f"{rows.layer.iloc[0]} {_median(rows.share):.2f} ({_median(rows.chance):.2f})"
        for _, rows in known[known.number.isin(numbers)].groupby("number")
    ]
    return (
        f"Histograms of beta of the kernels of {data.topic}, {known.number.nunique()} layers, with "
        f"the law of independent normal weights. Median of beta, to {1 / BINS:g}, and by chance: "
        f"{'; '.join(texts)}."
    )


def _caption(data: FigureData) -> str:
    layers = data.table.drop_duplicates("number")
    shown = min(len(layers), LAYERS_SHOWN)
    return (
        f"How many kernels have which β = p/E, of {layers.kernels.sum()} kernels that are not "
        f"zero, in {BINS} bins, each panel to its own height (n: kernels of the layer). Chance: β² "
        "of k independent normal taps of which d are odd (half of k, rounded down) follows "
        "Beta(d/2, (k − d)/2), whatever their scale; the smaller the kernel, the wider. Triangles: "
        f"root of the odd share of the energy of the whole layer.{shown_layers(shown, len(layers))}"
    )


def _median(shares: pd.Series) -> float:
    """Upper edge of the bin that the middle kernel is in."""
    # Shares add up to a half but for rounding.
    place = int(np.searchsorted(shares.cumsum().to_numpy(float), 0.5 - 1e-9))
    return float(EDGES[min(place, BINS - 1) + 1])


def _draw_layer(axes: Axes, rows: pd.DataFrame) -> None:
    highest = float(np.nanmax(rows[["share", "chance", "untrained"]].to_numpy(float)))
    axes.set(xlim=(0, 1), ylim=(0, 1.42 * highest), xticks=[0, 0.5, 1], yticks=[])
    axes.set_xticklabels(["0", "0.5", "1"])
    if rows.share.isna().any():
        say_nothing_known(axes, "only zeros")
        return
    axes.stairs(rows.share, EDGES, fill=True, color=BARS, gid="share")
    if rows.untrained.notna().all():
        axes.stairs(rows.untrained, EDGES, color=BEFORE_TRAINING, lw=1.0, ls="--", gid="untrained")
    axes.stairs(rows.chance, EDGES, color=THEORY, lw=1.1, gid="chance")
    layer = rows.iloc[0]
    for column, face in (("beta_energy", "black"), ("beta_chance", "white")):
        axes.plot(layer[column], 1.13 * highest, "v", mec="black", mfc=face, ms=5, gid=column)
    text = f"{layer.height}×{layer.width}, n = {layer.kernels}"
    look: dict[str, Any] = {"ha": "right", "va": "top", "fontsize": 7, "color": "0.35"}
    axes.text(0.98, 1.0, text, transform=axes.transAxes, **look)


def _legend(*, known_before: bool) -> list[Artist]:
    before = [line("untrained", BEFORE_TRAINING, 1.0, ls="--")] if known_before else []
    look: dict[str, Any] = {"marker": "v", "ms": 5, "mec": "black"}
    return [
        Patch(color=BARS, label="kernels"),
        *before,
        line("chance", THEORY, 1.1),
        mark("layer, by energy", mfc="black", **look),
        mark("layer, by chance", mfc="white", **look),
    ]


FIGURE = bank_figure(COLUMNS, _table, _draw, _alt_text, _caption, needs="share")
