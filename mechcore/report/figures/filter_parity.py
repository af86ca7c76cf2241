"""How odd the kernels of a network are, beside what chance gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mechcore.experiment.representative import spread
from mechcore.filters.bank_file import BankAnalysis
from mechcore.filters.null import null_law
from mechcore.io.arrays import Array
from mechcore.report.figures.figure import FigureData
from mechcore.report.figures.filter_layers import (
    bank_figure,
    kernels_of,
    known_before,
    layer_titles,
    layers_of,
    rows_shown,
    shown_layers,
    untrained_analysis,
)
from mechcore.report.figures.layout import (
    Margins,
    facet_grid,
    facets,
    line,
    mark,
    name_axes,
    say_nothing_known,
)
from mechcore.report.figures.series import in_words
from mechcore.report.figures.style import BEFORE_TRAINING, THEORY
from mechcore.results.results import Results

BINS = 20
EDGES = np.linspace(0.0, 1.0, BINS + 1)
"""Bins of beta: nothing is smoothed over the bounds, where pure parities are."""

COLUMNS = [
    *("number", "layer", "height", "width", "kernels"),
    *("beta_from", "beta_to", "share", "chance", "untrained", "beta_energy", "beta_chance"),
]
LAYERS_SHOWN = 12
BARS = "#a9cbe6"


def _table(results: Results, bank: str) -> pd.DataFrame:
    """The share of each bin in each layer, now and before training, and by chance."""
    analysis, before = results.banks[bank].analysis, untrained_analysis(results, bank)
    layers = layers_of(analysis)
    now, old = _histograms(analysis), _histograms(before) if before else {}
    unknown = np.full(BINS, np.nan)
    parts = []
    for _, layer in layers.iterrows():
        law = null_law("odd_energy_ratio", layer.height, layer.width)
        bins = {
            "beta_from": EDGES[:-1].round(9),
            "beta_to": EDGES[1:].round(9),
            "share": now.get(layer["layer"], unknown),
            "chance": np.diff(law.cdf(EDGES**2)),
            "untrained": old.get(layer["layer"], unknown),
            "beta_energy": layer.odd_energy_ratio**0.5,
            "beta_chance": float(law.mean()) ** 0.5,
        }
        parts.append(pd.DataFrame({**layer, **bins})[COLUMNS])
    return pd.concat(parts, ignore_index=True)


def _histograms(analysis: BankAnalysis) -> dict[str, Array]:
    """The shares of the bins by the name of the layer, where a kernel is not zero."""
    # Rounding makes the beta of an odd kernel a little more than one.
    return {
        str(name): np.histogram(rows.beta.clip(0.0, 1.0), EDGES)[0] / len(rows)
        for name, rows in kernels_of(analysis, ["beta"]).groupby("layer")
    }


def _draw(data: FigureData) -> Figure:
    table, titles = data.table, layer_titles(data.table)
    numbers = spread(list(titles), LAYERS_SHOWN)
    triangle: dict[str, Any] = {"marker": "v", "ms": 5, "mec": "black"}
    untrained = line("untrained", BEFORE_TRAINING, 1.0, ls="--")
    legend = [
        Patch(color=BARS, label="kernels"),
        *([untrained] if known_before(table) else []),
        line("chance", THEORY, 1.1),
        mark("layer, by energy", mfc="black", **triangle),
        mark("layer, by chance", mfc="white", **triangle),
    ]
    figure, panels = facet_grid(
        numbers,
        (1.5, 1.05),
        legend,
        text=titles.__getitem__,
        legend_columns=5,
        gap=(0.2, 0.3),
        # A single row may be too narrow for the legend.
        margins=Margins(left=0.32, right=0.12 + 1.7 * max(4 - len(numbers), 0)),
    )
    for axes, rows in facets(table, "number", numbers, panels):
        _draw_layer(axes, rows)
    name_axes(figure, r"$\beta = p/E$", "share of the kernels")
    return figure


def _alt_text(data: FigureData) -> str:
    known = data.table.dropna(subset=["share"])
    medians = in_words(
        rows_shown(known, LAYERS_SHOWN),
        "layer",
        lambda rows: f"{_median(rows.share):.2f} ({_median(rows.chance):.2f})",
    )
    return (
        f"Histograms of beta of the kernels of {data.topic}, {known.number.nunique()} layers, with "
        f"the law of independent normal weights. Median of beta, to {1 / BINS:g}, and by chance: "
        f"{medians}."
    )


def _caption(data: FigureData) -> str:
    kernels = data.table.drop_duplicates("number").kernels.sum()
    shown = shown_layers(data.table, LAYERS_SHOWN)
    return (
        f"How many kernels have which β = p/E, of {kernels} kernels that are not "
        f"zero, in {BINS} bins, each panel to its own height (n: kernels of the layer). Chance: β² "
        "of k independent normal taps of which d are odd (half of k, rounded down) follows "
        "Beta(d/2, (k − d)/2), whatever their scale; the smaller the kernel, the wider. Triangles: "
        f"root of the odd share of the energy of the whole layer.{shown}"
    )


def _median(shares: pd.Series) -> float:
    """Upper edge of the bin that the middle kernel is in."""
    # Shares add up to a half but for rounding.
    place = int(np.searchsorted(shares.cumsum().to_numpy(float), 0.5 - 1e-9))
    return float(EDGES[min(place, BINS - 1) + 1])


def _draw_layer(axes: Axes, rows: pd.DataFrame) -> None:
    highest = float(np.nanmax(rows[["share", "chance", "untrained"]].to_numpy(float)))
    axes.set(xlim=(0, 1), ylim=(0, 1.42 * highest), yticks=[])
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    if rows.share.isna().any():
        say_nothing_known(axes, "only zeros")
        return
    axes.stairs(rows.share, EDGES, fill=True, color=BARS, gid="share")
    if known_before(rows):
        axes.stairs(rows.untrained, EDGES, color=BEFORE_TRAINING, lw=1.0, ls="--", gid="untrained")
    axes.stairs(rows.chance, EDGES, color=THEORY, lw=1.1, gid="chance")
    layer = rows.iloc[0]
    for column, face in (("beta_energy", "black"), ("beta_chance", "white")):
        axes.plot(layer[column], 1.13 * highest, "v", mec="black", mfc=face, ms=5, gid=column)
    text = f"{layer.height}×{layer.width}, n = {layer.kernels}"
    look: dict[str, Any] = {"ha": "right", "va": "top", "fontsize": 7, "color": "0.35"}
    axes.text(0.98, 1.0, text, transform=axes.transAxes, **look)


FIGURE = bank_figure("share", _table, _draw, _alt_text, _caption)
