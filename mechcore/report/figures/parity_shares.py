"""Parity: how odd the kernels of a network are, beside what chance gives."""

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
from mechcore.filters.null import null_law
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
    name_axes,
    panel_grid,
    say_nothing_known,
)
from mechcore.report.figures.style import THEORY
from mechcore.results.results import Results

BINS = 20
EDGES = np.linspace(0.0, 1.0, BINS + 1)
"""Of beta: nothing is smoothed over the bounds, which pure parities lie on."""

LAYER = ["number", "layer", "height", "width", "kernels"]
COLUMNS = [
    *LAYER,
    *("beta_from", "beta_to", "share", "chance", "untrained", "beta_energy", "beta_chance"),
]

LAYERS_SHOWN = 12
MOST_COLUMNS = 4
BARS = "#a9cbe6"


def parity_table(results: Results, bank: str) -> pd.DataFrame:
    """Return how many kernels of each layer have which beta."""
    analysis, before = trained_analysis(results, bank), untrained_analysis(results, bank)
    if analysis is None:
        return pd.DataFrame(columns=COLUMNS)
    counts, old = _counts(analysis), _counts(before) if before else {}
    parts = [_bins(layer, counts, old) for layer in layers_of(analysis).itertuples()]
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def draw_parity(data: FigureData) -> Figure:
    """Draw histograms of beta, a panel for each layer."""
    table = data.table
    if table.share.notna().sum() == 0:
        return draw_nothing_known()
    titles = layer_titles(table)
    numbers = spread(list(titles), LAYERS_SHOWN)
    rows, columns = facets(len(numbers), MOST_COLUMNS)
    figure, panels = panel_grid(
        (rows, columns),
        ((6.5 - 0.12 * columns) / max(columns, 3), 1.05),
        _legend(known_before=bool(table.untrained.notna().any())),
        legend_columns=5,
        gap=(0.12, 0.3),
        margins=Margins(left=0.32, right=0.12 + max(3 - columns, 0) * 2.1),
        sharex=True,
    )
    for axes, number in zip(panels.flat, numbers, strict=False):
        _draw_layer(axes, table[table.number == number])
        axes.set_title(titles[number], pad=3, fontsize=8)
    hide_unused(panels, len(numbers))
    name_axes(figure, r"$\beta = p/E$", "share of the kernels")
    return figure


def describe_parity(data: FigureData) -> str:
    """Return what the figure of parity shows."""
    known = data.table.dropna(subset=["share"])
    if known.empty:
        return nothing_known(data.topic)
    numbers = spread(sorted(known.number.unique()), LAYERS_SHOWN)
    texts = [
        f"{rows.layer.iloc[0]} {_median(rows, 'share'):.2f} ({_median(rows, 'chance'):.2f})"
        for number, rows in known.groupby("number")
        if number in numbers
    ]
    return (
        f"Histograms of beta of the kernels of {data.topic}, {known.number.nunique()} layers, with "
        f"the law of independent normal weights. Median of beta, to {1 / BINS:g}, and by chance: "
        f"{'; '.join(texts)}."
    )


def caption_parity(data: FigureData) -> str:
    """Return what a reader must know to read the figure of parity."""
    known = data.table.dropna(subset=["share"])
    if known.empty:
        return nothing_known(data.topic)
    layers = data.table.drop_duplicates("number")
    shown = min(len(layers), LAYERS_SHOWN)
    return (
        f"How many kernels have which β = p/E, of {layers.kernels.sum()} kernels that are not "
        f"zero, in {BINS} bins, each panel to its own height (n: kernels of the layer). Chance: β² "
        "of k independent normal taps of which d are odd (half of k, rounded down) follows "
        "Beta(d/2, (k − d)/2), whatever their scale; the smaller the kernel, the wider. Triangles: "
        f"root of the odd share of the energy of the whole layer.{shown_layers(shown, len(layers))}"
    )


def _counts(analysis: BankAnalysis) -> dict[str, NDArray[np.float64]]:
    """Share of the kernels in each bin, by the name of the layer."""
    kernels = kernels_of(analysis, ["beta"])
    names = analysis.layers.name.to_numpy()
    return {
        str(names[int(str(number)) - 1]): _histogram(rows.beta.to_numpy(float))
        for number, rows in kernels.groupby("number")
    }


def _histogram(betas: NDArray[np.float64]) -> NDArray[np.float64]:
    # Rounding makes the beta of an odd kernel a little more than one.
    return np.histogram(betas.clip(0.0, 1.0), EDGES)[0] / len(betas)


def _bins(
    layer: Any,
    counts: dict[str, NDArray[np.float64]],
    old: dict[str, NDArray[np.float64]],
) -> pd.DataFrame:
    name, unknown = str(layer.layer), np.full(BINS, np.nan)
    law = null_law("odd_energy_ratio", layer.height, layer.width)
    return pd.DataFrame(
        {
            **{column: getattr(layer, column) for column in LAYER},
            "beta_from": EDGES[:-1].round(9),
            "beta_to": EDGES[1:].round(9),
            "share": counts.get(name, unknown),
            "chance": np.diff(law.cdf(EDGES**2)),
            "untrained": old.get(name, unknown),
            "beta_energy": layer.odd_energy_ratio**0.5,
            "beta_chance": float(law.mean()) ** 0.5,
        }
    )


def _median(rows: pd.DataFrame, column: str) -> float:
    """Upper edge of the bin that the middle kernel is in."""
    # Shares add up to a half but for rounding.
    place = int(np.searchsorted(rows[column].cumsum().to_numpy(float), 0.5 - 1e-9))
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
    _tell(axes, rows.iloc[0], highest)


def _tell(axes: Axes, layer: pd.Series, highest: float) -> None:
    """What is known of a layer as a whole."""
    for column, face in (("beta_energy", "black"), ("beta_chance", "white")):
        axes.plot(layer[column], 1.13 * highest, "v", mec="black", mfc=face, ms=5, gid=column)
    axes.text(
        0.98,
        1.0,
        f"{layer.height}×{layer.width}, n = {layer.kernels}",
        transform=axes.transAxes,
        ha="right",
        va="top",
        fontsize=7,
        color="0.35",
    )


def _legend(*, known_before: bool) -> list[Line2D | Patch]:
    bars = Patch(color=BARS, label="kernels")
    before = Line2D([], [], color=BEFORE_TRAINING, lw=1.0, ls="--", label="untrained")
    chance = Line2D([], [], color=THEORY, lw=1.1, label="chance")
    look: dict[str, Any] = {"ls": "", "marker": "v", "ms": 5, "mec": "black"}
    return [
        bars,
        *([before] if known_before else []),
        chance,
        Line2D([], [], label="layer, by energy", mfc="black", **look),
        Line2D([], [], label="layer, by chance", mfc="white", **look),
    ]
