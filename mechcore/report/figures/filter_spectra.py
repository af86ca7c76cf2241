"""Which frequencies of the DCT hold the energy of the kernels of a network."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch

from mechcore.claims.thresholds import DOMINATED, MOST_BY_CHANCE
from mechcore.experiment.representative import spread
from mechcore.filters.bank_file import BankAnalysis
from mechcore.filters.null import CHANCE
from mechcore.report.figures.figure import FigureData
from mechcore.report.figures.filter_layers import (
    bank_figure,
    layer_titles,
    layers_of,
    shown_layers,
    untrained_analysis,
)
from mechcore.report.figures.layout import inch_axes, line, mark
from mechcore.report.figures.style import BEFORE_TRAINING, THEORY, draw_points, new_figure
from mechcore.results.results import Results

LAYER = ["number", "layer", "height", "width", "kernels"]
COLUMNS = [
    *LAYER,
    *("v", "u", "share", "share_mean", "untrained", "untrained_mean", "chance", "low_limit"),
]

MAPS_SHOWN = 6
BARS_SHOWN = 40
LARGEST_MAP = 8
"""Frequencies along each axis that are shown: the higher ones of large kernels hold little, and
could not be read."""

LEAST_WRITTEN = 0.005
"""Smaller shares are not written into a map: as whole percents they are zero."""

DC, GRADIENTS, REST = "#6797c4", "#b3d0e8", "0.94"
"""Colours of the parts of the energy, told apart by lightness alone, and under black lines."""

PALE = 0.45
"""How much of its colour a layer keeps that decides nothing."""

NAME = 12
"""Characters of the name of a layer that fit above a map."""

WIDTH, HEIGHT = 7.1, 4.16
MAPS_LEFT, MAPS_BOTTOM, MAP, MAP_STEP = 0.42, 3.03, 0.9, 1.035
BARS_BOTTOM, BARS_HEIGHT = 0.52, 1.5
"""Places in inches."""


def _table(results: Results, bank: str) -> pd.DataFrame:
    table, before = _spectra(results.banks[bank].analysis), untrained_analysis(results, bank)
    keys = ["layer", "height", "width", "v", "u"]
    old = _spectra(before) if before else table.iloc[:0]
    old = old.rename(columns={"share": "untrained", "share_mean": "untrained_mean"})
    old = old[[*keys, "untrained", "untrained_mean"]].drop_duplicates(keys)
    table = table.merge(old, on=keys, how="left", validate="many_to_one")
    return table.assign(chance=1 / (table.height * table.width))[COLUMNS]


def _spectra(analysis: BankAnalysis) -> pd.DataFrame:
    layers = layers_of(analysis).rename(columns={"null_low_frequency_limit": "low_limit"})
    parts = [_spectra_of_shape(slices) for slices in analysis.slices.values()]
    return layers[[*LAYER, "low_limit"]].merge(pd.concat(parts), on="number")


def _spectra_of_shape(slices: xr.Dataset) -> pd.DataFrame:
    """Number, v, u, share and share_mean of the layers of one shape."""
    spectrum = slices.dct_energy.values[:, :LARGEST_MAP, :LARGEST_MAP]
    v, u = (index.ravel() for index in np.indices(spectrum.shape[1:]))
    energy = pd.Series(slices.energy.values)
    groups = slices.layer.values.astype(int) + 1
    coefficients = pd.DataFrame(spectrum.reshape(len(spectrum), -1))
    total = energy.groupby(groups).sum()
    alike = coefficients.div(energy.where(energy > 0), axis=0).groupby(groups).mean()
    shares = coefficients.groupby(groups).sum().div(total.where(total > 0), axis=0)
    return pd.DataFrame(
        {
            "number": np.repeat(total.index.to_numpy(), v.size),
            "v": np.tile(v, len(total)),
            "u": np.tile(u, len(total)),
            "share": shares.to_numpy().ravel(),
            "share_mean": alike.to_numpy().ravel(),
        }
    )


def _low_shares(table: pd.DataFrame) -> pd.DataFrame:
    """Add up the coefficients that are DC and gradients, for each layer."""
    frequency = table.v + table.u
    keys = [*LAYER, "low_limit"]
    summed = ["share", "share_mean", "untrained", "untrained_mean", "chance"]
    low = table[frequency <= 1].groupby(keys, sort=False, dropna=False)[summed].sum(min_count=1)
    low = low.rename(columns={"share": "low", "share_mean": "low_mean"})
    dc = table[frequency == 0].set_index(keys).share
    return low.assign(dc=dc, decides=low.chance <= MOST_BY_CHANCE).reset_index()


def _draw(data: FigureData) -> Figure:
    figure = new_figure(WIDTH, HEIGHT, constrained=False)
    _draw_maps(figure, data.table)
    shares = _low_shares(data.table)
    shown = shares[shares.number.isin(spread(list(shares.number), BARS_SHOWN))]
    axes = inch_axes(figure, 0.62, BARS_BOTTOM, 6.36, BARS_HEIGHT)
    _draw_bars(axes, shown)
    _draw_chance(axes, shown)
    _draw_marks(axes, shown)
    _label_layers(axes, shown)
    figure.legend(
        handles=_legend(known_before=bool(shares.untrained.notna().any())),
        loc="lower center",
        bbox_to_anchor=(0.53, (BARS_BOTTOM + BARS_HEIGHT + 0.1) / HEIGHT),
        ncols=4,
        borderaxespad=0,
        borderpad=0,
        columnspacing=1.4,
        handlelength=1.6,
    )
    return figure


def _alt_text(data: FigureData) -> str:
    shares = _low_shares(data.table).dropna(subset=["low"])
    texts = [
        f"{row.layer} ({row.height}x{row.width}) {row.low:.2f}, {row.low_limit:.2f}"
        for row in shares[shares.number.isin(spread(list(shares.number), MAPS_SHOWN))].itertuples()
    ]
    return (
        f"Maps of the energy by DCT-II coefficient, and bars of the share of DC and the two "
        f"gradients in each of {len(shares)} layers of {data.topic}{_mean_share(shares)}. "
        f"Share and limit of chance: {'; '.join(texts)}. {_verdict(shares)}"
    )


def _caption(data: FigureData) -> str:
    shares = _low_shares(data.table)
    numbers = list(shares.number)
    maps = spread(numbers, MAPS_SHOWN)
    drawn = ", ".join(map(str, maps))
    only = f" (layers {drawn} of {len(numbers)})" if len(maps) < len(numbers) else ""
    return (
        f"Above: share of the layer's energy in each DCT-II coefficient, percent; v and u count "
        f"sign changes downwards and to the right; outlined: DC and the two gradients{only}."
        f"{_cropped(data.table)} Below: their share in each layer, weighted by energy (bars, "
        "filled marks) and as the mean over its kernels (open). Chance: kernels of the same "
        "energies that point anywhere, their mean and what one layer in a thousand exceeds. Pale: "
        f"chance alone gives more than {MOST_BY_CHANCE:.0%}, the layer decides nothing. "
        f"Grey dashes: {DOMINATED:.0%}. {_verdict(shares)}"
        f"{shown_layers(min(BARS_SHOWN, len(numbers)), len(numbers))}"
    )


def _mean_share(shares: pd.DataFrame) -> str:
    rows = shares[shares.decides]
    if rows.empty:
        return ""
    before = f", {rows.untrained.mean():.2f} before training"
    return f", on average {rows.low.mean():.2f}{before if rows.untrained.notna().any() else ''}"


def _verdict(shares: pd.DataFrame) -> str:
    rows = shares[shares.decides & shares.low.notna()]
    above = rows.low > rows.low_limit
    both = above & (rows.low > DOMINATED)
    return (
        f"Of {len(rows)} layers that can decide, {above.sum()} are above the limit of chance, "
        f"{both.sum()} of them with more than {DOMINATED:.0%} of the energy in DC and gradients."
    )


def _cropped(table: pd.DataFrame) -> str:
    large = table[["height", "width"]].to_numpy(int).max() > LARGEST_MAP
    return f" Of larger kernels, the first {LARGEST_MAP} frequencies are shown." if large else ""


def _draw_maps(figure: Figure, table: pd.DataFrame) -> None:
    titles = layer_titles(table, NAME)
    numbers = spread(list(titles), MAPS_SHOWN)
    shown = table[table.number.isin(numbers)]
    largest = float(shown.share.max())
    colours = PowerNorm(0.5, 0.0, largest)
    for place, number in enumerate(numbers):
        axes = inch_axes(figure, MAPS_LEFT + place * MAP_STEP, MAPS_BOTTOM, MAP, MAP)
        image = _draw_map(axes, shown[shown.number == number], colours)
        axes.set_title(titles[number], fontsize=7.5, pad=3)
        axes.set_xlabel("u", labelpad=0, fontsize=8, style="italic")
    figure.axes[0].set_ylabel("v", labelpad=5, fontsize=8, style="italic", rotation=0)
    right = MAPS_LEFT + len(numbers) * MAP_STEP - 0.05
    bar = inch_axes(figure, right, MAPS_BOTTOM, 0.08, MAP)
    ticks = [tick for tick in (0.01, 0.1, 0.25, 0.5, 1) if tick <= largest]
    figure.colorbar(image, cax=bar, ticks=ticks, format=lambda value, _: f"{value:.0%}")
    bar.tick_params(labelsize=7, pad=1, length=2)


def _draw_map(axes: Axes, rows: pd.DataFrame, colours: PowerNorm) -> AxesImage:
    grid = rows.pivot_table(index="v", columns="u", values="share", dropna=False).to_numpy(float)
    palette = sns.color_palette("Blues", as_cmap=True)
    image = axes.imshow(grid, cmap=palette, norm=colours, interpolation="none")
    height, width = grid.shape
    look: dict[str, Any] = {"ha": "center", "va": "center"}
    look["fontsize"] = 7.5 if max(grid.shape) <= 5 else 5.0
    for (v, u), share in np.ndenumerate(grid):
        if share >= LEAST_WRITTEN:
            ink = "white" if colours(share) > 0.6 else "0.1"
            axes.text(u, v, f"{100 * share:.0f}", color=ink, **look)
    _outline(axes, height, width)
    axes.set(xticks=range(width), yticks=range(height), facecolor="0.9")
    axes.tick_params(bottom=False, left=False, labelsize=6.5, pad=2.0)
    axes.spines[:].set_visible(False)
    axes.patch.set(edgecolor="0.6", linewidth=1.0)
    return image


def _outline(axes: Axes, height: int, width: int) -> None:
    """A line about DC and the gradients."""
    right, down = min(2, width) - 0.5, min(2, height) - 0.5
    x = [-0.5, right, right, 0.5, 0.5, -0.5, -0.5]
    y = [-0.5, -0.5, 0.5, 0.5, down, down, -0.5]
    axes.plot(x, y, color="black", lw=1.6, clip_on=False, zorder=4, gid="outline")
    axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5))


def _draw_bars(axes: Axes, shares: pd.DataFrame) -> None:
    """DC, gradients and the rest, on top of each other; pale where a layer decides nothing."""
    known = shares.fillna({"dc": 0.0, "low": 0.0})
    tops = np.array([np.zeros(len(known)), known.dc, known.low, shares.low.notna()], float)
    for below, above, colour in zip(tops, tops[1:], (DC, GRADIENTS, REST), strict=False):
        bars = axes.bar(np.arange(len(known)), above - below, 0.62, below, color=colour)
        for bar, decides in zip(bars, shares.decides, strict=True):
            bar.set_alpha(1.0 if decides else PALE)
    axes.set(ylim=(0, 1.03), xlim=(-0.6, len(shares) - 0.4), ylabel="share of energy")


def _draw_chance(axes: Axes, shares: pd.DataFrame) -> None:
    places = np.arange(len(shares))
    look: dict[str, Any] = {"color": THEORY, "lw": 1.4, "zorder": 2.5}
    for column, style in (("chance", ":"), ("low_limit", "-")):
        known = shares[[column, "low"]].notna().all(axis=1).to_numpy()
        left, right = places[known] - 0.44, places[known] + 0.44
        axes.hlines(shares[column][known], left, right, ls=style, gid=column, **look)
    axes.axhline(DOMINATED, color="0.55", lw=0.6, ls=(0, (6, 3)), zorder=0.5)


def _draw_marks(axes: Axes, shares: pd.DataFrame) -> None:
    """What was measured: filled weighted by energy, open the mean over the kernels."""
    places = np.arange(len(shares))
    trained = {"color": "black", "marker": "o"}
    untrained = {"color": BEFORE_TRAINING, "marker": "D"}
    for column, filled, offset, style in (
        ("low", True, -0.1, trained),
        ("low_mean", False, 0.06, trained),
        ("untrained", True, 0.2, untrained),
        ("untrained_mean", False, 0.32, untrained),
    ):
        draw_points(axes, places + offset, shares[column], filled, style, gid=column, ms=4.0)


def _label_layers(axes: Axes, shares: pd.DataFrame) -> None:
    few = len(shares) <= BARS_SHOWN // 2
    names = [
        f"{row.number}\n{row.height}×{row.width}" if few else f"{row.number}"
        for row in shares.itertuples()
    ]
    axes.set_xticks(np.arange(len(shares)), names, fontsize=7)
    axes.tick_params(axis="x", bottom=False)
    axes.set_xlabel("layer, and its kernels (px)" if few else "layer", labelpad=2)


def _legend(*, known_before: bool) -> list[Artist]:
    now: dict[str, Any] = {"color": "black", "ms": 4.5}
    before: dict[str, Any] = {"color": BEFORE_TRAINING, "marker": "D", "ms": 4.5}
    untrained = [
        mark("untrained, by energy", **before),
        mark("untrained, kernel mean", mfc="none", **before),
    ]
    return [
        Patch(color=DC, label="DC"),
        Patch(color=GRADIENTS, label="two gradients"),
        Patch(color=REST, label="the rest"),
        mark("by energy", **now),
        mark("kernel mean", mfc="none", **now),
        line("chance, mean", THEORY, 1.4, ls=":"),
        line(f"chance, 1 in {1 / CHANCE:.0f}", THEORY, 1.4),
        *(untrained if known_before else []),
    ]


FIGURE = bank_figure(COLUMNS, _table, _draw, _alt_text, _caption, needs="share")
