"""Which frequencies of the DCT hold the energy of the kernels of a network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mechcore.claims.thresholds import DOMINATED, MOST_BY_CHANCE
from mechcore.experiment.representative import spread
from mechcore.filters.bank_file import BankAnalysis
from mechcore.filters.null import CHANCE
from mechcore.report.figures.figure import FigureData
from mechcore.report.figures.filter_layers import (
    bank_figure,
    known_before,
    layer_titles,
    layers_of,
    rows_shown,
    shown_layers,
    untrained_analysis,
)
from mechcore.report.figures.layout import line, mark
from mechcore.report.figures.series import draw_points, in_words
from mechcore.report.figures.style import BEFORE_TRAINING, THEORY, Style, new_figure
from mechcore.results.results import Results

LAYER = ["number", "layer", "height", "width", "kernels"]
SHARES = ["share", "untrained", "chance"]
COLUMNS = [*LAYER, "v", "u", *SHARES, "low_limit"]

LAYERS_SHOWN = 6
BARS_SHOWN = 40
COMPONENTS = 9
"""Coefficients shown of each layer: all of 3x3 kernels."""

LARGEST_MAP = 8
"""Frequencies in the table along each axis: the higher ones hold little."""

DC, GRADIENTS, HIGHER, REST = "#6797c4", "#b3d0e8", "0.75", "0.94"
"""Colours of the parts of the energy, distinct by lightness alone, and under black lines."""

SUM = "0.35"

UNTRAINED: Style = {"color": BEFORE_TRAINING, "marker": "D", "ms": 4.5}

PALE = 0.45
"""How much of its colour a layer keeps that decides nothing."""


def _table(results: Results, bank: str) -> pd.DataFrame:
    table, before = _spectra(results.banks[bank].analysis), untrained_analysis(results, bank)
    keys = ["layer", "height", "width", "v", "u"]
    old = _spectra(before) if before else table.iloc[:0]
    old = old.rename(columns={"share": "untrained"})[[*keys, "untrained"]].drop_duplicates(keys)
    table = table.merge(old, on=keys, how="left", validate="many_to_one")
    return table.assign(chance=1 / (table.height * table.width))[COLUMNS]


def _spectra(analysis: BankAnalysis) -> pd.DataFrame:
    layers = layers_of(analysis).rename(columns={"null_low_frequency_limit": "low_limit"})
    parts = [_spectra_of_shape(slices) for slices in analysis.slices.values()]
    return layers[[*LAYER, "low_limit"]].merge(pd.concat(parts), on="number")


def _spectra_of_shape(slices: xr.Dataset) -> pd.DataFrame:
    """Number, v, u and share of the layers of one shape."""
    spectrum = slices.dct_energy[:, :LARGEST_MAP, :LARGEST_MAP]
    number = (slices.layer + 1).rename("number")
    total = slices.energy.groupby(number).sum()
    share = spectrum.groupby(number).sum() / total.where(total > 0)
    return pd.DataFrame(share.to_dataframe("share").reset_index())


def _low_shares(table: pd.DataFrame) -> pd.DataFrame:
    """Add up the coefficients that are DC and gradients, for each layer."""
    frequency, keys = table.v + table.u, [*LAYER, "low_limit"]
    low = table[frequency <= 1].groupby(keys, sort=False, dropna=False)[SHARES].sum(min_count=1)
    low = low.rename(columns={"share": "low"})
    dc = table[frequency == 0].set_index(keys).share
    return low.assign(dc=dc, decides=low.chance <= MOST_BY_CHANCE).reset_index()


def _draw(data: FigureData) -> Figure:
    shares = _low_shares(data.table)
    figure = new_figure(7.1, 4.2)
    grid = figure.add_gridspec(2, LAYERS_SHOWN, height_ratios=(1, 1.3))
    _draw_components(figure, grid, rows_shown(data.table, LAYERS_SHOWN))
    shown = rows_shown(shares, BARS_SHOWN).reset_index(drop=True)
    axes = figure.add_subplot(grid[1, :])
    _draw_bars(axes, shown)
    _draw_shares(axes, shown)
    few = len(shown) <= BARS_SHOWN // 2
    sizes = [f"\n{row.height}×{row.width}" if few else "" for row in shown.itertuples()]
    names = [f"{number}{size}" for number, size in zip(shown.number, sizes, strict=True)]
    axes.set_xticks(shown.index, names, fontsize=7)
    axes.tick_params(axis="x", bottom=False)
    axes.set_xlabel("layer, and its kernels (px)" if few else "layer")
    figure.legend(handles=_legend(shares), loc="outside upper center", ncols=4)
    return figure


def _alt_text(data: FigureData) -> str:
    shares = _low_shares(data.table).dropna(subset=["low"])
    texts = in_words(rows_shown(shares, LAYERS_SHOWN), "layer", _share_and_limit)
    return (
        "Bars of the energy by DCT-II coefficient, and of the share of DC and the two "
        f"gradients in each of {len(shares)} layers of {data.topic}{_mean_share(shares)}. Share "
        f"and limit of chance: {texts}. {_verdict(shares)}"
    )


def _caption(data: FigureData) -> str:
    shares = _low_shares(data.table)
    numbers = list(shares.number)
    above = spread(numbers, LAYERS_SHOWN)
    only = f" (layers {', '.join(map(str, above))})" if len(above) < len(numbers) else ""
    cropped = f", the first {COMPONENTS}" if _is_cropped(data.table) else ""
    return (
        "Above: share of the layer's energy in each DCT-II coefficient, in the paper's order (sign "
        f"changes downwards, to the right){cropped}, and their sum as a line{only}. Below: share "
        "of DC and the two gradients in each layer. Chance: kernels of the same "
        "energies that point anywhere, their mean and what one layer in a thousand exceeds. Pale: "
        f"chance alone gives more than {MOST_BY_CHANCE:.0%}, the layer decides nothing. "
        f"Grey dashes: {DOMINATED:.0%}. {_verdict(shares)}{shown_layers(shares, BARS_SHOWN)}"
    )


def _share_and_limit(rows: pd.DataFrame) -> str:
    row = rows.iloc[0]
    return f"{row.low:.2f}, {row.low_limit:.2f}"


def _mean_share(shares: pd.DataFrame) -> str:
    rows = shares[shares.decides]
    if rows.empty:
        return ""
    before = f", {rows.untrained.mean():.2f} before training" if known_before(rows) else ""
    return f", on average {rows.low.mean():.2f}{before}"


def _verdict(shares: pd.DataFrame) -> str:
    rows = shares[shares.decides & shares.low.notna()]
    above = rows.low > rows.low_limit
    both = above & (rows.low > DOMINATED)
    return (
        f"Of {len(rows)} layers that can decide, {above.sum()} are above the limit of chance, "
        f"{both.sum()} of them with more than {DOMINATED:.0%} of the energy in DC and gradients."
    )


def _is_cropped(table: pd.DataFrame) -> bool:
    return bool((table.height * table.width).max() > COMPONENTS)


def in_order(spectrum: pd.DataFrame) -> pd.DataFrame:
    """Return coefficients of a layer in the paper's order: 00, 01, 10, 11, 02, 20, 12, 21, 22."""
    keys = {"total": spectrum.v + spectrum.u, "apart": (spectrum.v - spectrum.u).abs()}
    return spectrum.assign(**keys).sort_values(["total", "apart", "v"])


def _draw_components(figure: Figure, grid: Any, table: pd.DataFrame) -> None:
    """The first coefficients of each layer as bars, and their sum as a line."""
    titles = layer_titles(table, 11)
    for place, (number, rows) in enumerate(table.groupby("number")):
        axes = figure.add_subplot(grid[0, place])
        first = in_order(rows).head(COMPONENTS).reset_index(drop=True)
        places, shares = first.index.to_numpy(), first.share.to_numpy(float)
        colours = first.total.map({0: DC, 1: GRADIENTS}).fillna(HIGHER)
        axes.bar(places, np.nan_to_num(shares), 0.75, color=list(colours))
        axes.plot(places, shares.cumsum(), ".-", color=SUM, lw=0.9, ms=3, gid="cumulative")
        axes.axhline(first.chance.iloc[0], color=THEORY, lw=0.9, ls=":", gid="chance")
        names = [f"{v}{u}" for v, u in zip(first.v, first.u, strict=True)]
        axes.set_xticks(places, names, fontsize=5.5, rotation=90)
        axes.set(ylim=(0, 1.03), yticks=[0, 0.5, 1])
        axes.tick_params(axis="x", bottom=False, pad=1)
        axes.tick_params(axis="y", labelleft=place == 0, labelsize=7)
        axes.set_title(titles[int(str(number))], fontsize=7.5, pad=3)


def _draw_bars(axes: Axes, shares: pd.DataFrame) -> None:
    """DC, gradients and the rest, on top of each other; pale where a layer decides nothing."""
    known = shares.fillna({"dc": 0.0, "low": 0.0})
    tops = np.array([np.zeros(len(known)), known.dc, known.low, shares.low.notna()], float)
    for below, above, colour in zip(tops, tops[1:], (DC, GRADIENTS, REST), strict=False):
        bars = axes.bar(known.index, above - below, 0.62, below, color=colour)
        for bar, decides in zip(bars, shares.decides, strict=True):
            bar.set_alpha(1.0 if decides else PALE)
    axes.set(ylim=(0, 1.03), xlim=(-0.6, len(shares) - 0.4), ylabel="share of energy")


def _draw_shares(axes: Axes, shares: pd.DataFrame) -> None:
    """What chance gives, and what the untrained network has."""
    for column, dashes in (("chance", ":"), ("low_limit", "-")):
        known = shares[shares[[column, "low"]].notna().all(axis=1)]
        look: dict[str, Any] = {"color": THEORY, "lw": 1.4, "ls": dashes, "zorder": 2.5}
        axes.hlines(known[column], known.index - 0.44, known.index + 0.44, gid=column, **look)
    axes.axhline(DOMINATED, color="0.55", lw=0.6, ls=(0, (6, 3)), zorder=0.5)
    draw_points(axes, shares.index, shares.untrained, True, UNTRAINED, gid="untrained")  # noqa: FBT003


def _legend(shares: pd.DataFrame) -> list[Artist]:
    parts = {"DC": DC, "two gradients": GRADIENTS, "the rest": REST}
    return [
        *(Patch(color=colour, label=label) for label, colour in parts.items()),
        line("sum", SUM, 0.9, marker=".", ms=3),
        line("chance, mean", THEORY, 1.4, ls=":"),
        line(f"chance, 1 in {1 / CHANCE:.0f}", THEORY, 1.4),
        *([mark("untrained", **UNTRAINED)] if known_before(shares) else []),
    ]


FIGURE = bank_figure("share", _table, _draw, _alt_text, _caption)
