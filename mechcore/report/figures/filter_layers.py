"""What the figures of trained kernels share: tables, names and colours of layers, empty figures."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechcore.experiment.representative import spread
from mechcore.filters.bank_file import BankAnalysis
from mechcore.io.arrays import Array
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.layout import empty_figure, mark
from mechcore.report.figures.style import MARKERS, Style, plain, shades
from mechcore.results.results import Results

LONGEST_NAME = 17
"""Characters of the name of a layer that fit above a panel of one inch."""

MOST_DEPTHS = 6
"""Shades that can be told apart where marks of all of them are mixed."""

INSIDE_LAYER = ("out", "in", "plane")
"""What tells the kernels of a layer apart."""


def bank_figure(
    columns: Sequence[str],
    table: Callable[[Results, str], pd.DataFrame],
    draw: Callable[[FigureData], Figure],
    alt_text: Callable[[FigureData], str],
    caption: Callable[[FigureData], str],
    *,
    needs: str,
    empty: str = "no kernels to show",
    reason: str = "it is not analysed yet, or holds only zeros",
) -> ReportFigure:
    """Return a figure of a bank that says why it is empty, if a column has no value."""

    def table_if_analysed(results: Results, bank: str) -> pd.DataFrame:
        known = bank in results.banks
        return table(results, bank) if known else pd.DataFrame(columns=list(columns))

    def or_reason(write: Callable[[FigureData], str]) -> Callable[[FigureData], str]:
        def text(data: FigureData) -> str:
            if data.table[needs].notna().any():
                return write(data)
            bank = data.topic
            return f"An empty panel: of the bank {bank}, 0 kernels can be shown here; {reason}."

        return text

    def draw_or_say(data: FigureData) -> Figure:
        known = data.table[needs].notna().any()
        return draw(data) if known else empty_figure(empty)

    return ReportFigure(table_if_analysed, draw_or_say, or_reason(alt_text), or_reason(caption))


def untrained_analysis(results: Results, bank: str) -> BankAnalysis | None:
    """Return what is known of the same network before training."""
    before = results.banks.get(results.banks[bank].plan.untrained or "")
    return None if before is None else before.analysis


def layers_of(analysis: BankAnalysis) -> pd.DataFrame:
    """Return the layers of a bank with their numbers, from 1."""
    layers = analysis.layers.rename(columns={"name": "layer"})
    layers.insert(0, "number", np.arange(1, len(layers) + 1))
    layers.insert(2, "kernels", (layers.slices - layers.zero_slices).astype(int))
    return layers


def kernels_of(analysis: BankAnalysis, columns: Sequence[str]) -> pd.DataFrame:
    """Return the kernels of all shapes that are not zero, with the names of their layers."""
    parts = [_kernels(slices, ["energy", *columns]) for slices in analysis.slices.values()]
    kernels = pd.concat(parts, ignore_index=True)
    kernels = kernels[kernels.energy > 0].sort_values("number", kind="stable", ignore_index=True)
    kernels.insert(1, "layer", analysis.layers.name.to_numpy()[kernels.number.to_numpy(int) - 1])
    return kernels


def strongest_of_layers(kernels: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return the kernels with the most energy, as many of each layer."""
    numbers = spread(sorted(kernels.number.unique()), most)
    rows = kernels[kernels.number.isin(numbers)]
    rank = rows.groupby("number").energy.rank(method="first", ascending=False)
    return rows[rank <= most // max(len(numbers), 1)].reset_index(drop=True)


def layer_histograms(
    results: Results,
    bank: str,
    columns: list[str],
    histogram: Callable[[pd.DataFrame], Array],
    bins: int,
) -> pd.DataFrame:
    """Return the share of each bin in each layer, now and before training, and its `counted`."""
    analysis = results.banks[bank].analysis
    layers = layers_of(analysis)
    table = layers.loc[layers.index.repeat(bins)].reset_index(drop=True)
    table = table.assign(bin=np.tile(np.arange(bins), len(layers)), counted=0)
    for column, known in (("share", analysis), ("untrained", untrained_analysis(results, bank))):
        table[column] = np.nan
        kernels = kernels_of(known, columns).dropna(subset=columns) if known else table.iloc[:0]
        for name, rows in kernels.groupby("layer"):
            table.loc[table.layer == name, column] = histogram(rows)
            if column == "share":
                table.loc[table.layer == name, "counted"] = len(rows)
    return table


def layer_titles(table: pd.DataFrame, most: int = LONGEST_NAME) -> dict[int, str]:
    """Return what layers are called above a panel and in a legend.

    >>> layer_titles(pd.DataFrame({"number": [1, 2], "layer": ["conv1.weight", "conv2.weight"]}))
    {1: '1: conv1', 2: '2: conv2'}
    """
    layers = table.drop_duplicates("number")
    names = dict(zip(layers.number.astype(int), layers.layer.astype(str), strict=True))
    ending = _common_ending(list(names.values()))
    return {
        number: f"{number}: {short_name(name.removesuffix(ending), most)}"
        for number, name in names.items()
    }


def short_name(name: str, most: int = LONGEST_NAME) -> str:
    """Return the name of a layer for drawing, without its middle if it is long.

    >>> short_name("stage3.block1.conv0.weight")
    'stage3.b…0.weight'
    """
    # Line breaks would move a title, and other controls are not allowed in SVG.
    seen = "".join(letter if letter.isprintable() else "?" for letter in name)
    seen = seen.encode("ascii", "backslashreplace").decode()
    if len(seen) <= most:
        return plain(seen)
    half = (most - 1) // 2
    return f"{plain(seen[:half])}…{plain(seen[-(most - 1 - half) :])}"


def depth_styles(table: pd.DataFrame) -> dict[int, tuple[str, Style]]:
    """Return the label and style of each layer: neighbours share one where there are many."""
    titles = layer_titles(table)
    count = max(1, min(MOST_DEPTHS, len(titles)))
    groups = np.array_split(np.array(sorted(titles), dtype=int), count)
    styles: dict[int, tuple[str, Style]] = {}
    for group, colour, marker in zip(groups, shades(count), MARKERS, strict=False):
        first, last = int(group[0]), int(group[-1])
        label = titles[first] if first == last else f"layers {first} to {last}"
        style = (label, {"color": colour, "marker": marker})
        styles |= {int(number): style for number in group}
    return styles


def depth_marks(styles: dict[int, tuple[str, Style]], **look: Any) -> list[Line2D]:
    """Return an entry of a legend for each style of `depth_styles`."""
    looks = dict(styles.values())
    return [mark(label, ms=4.5, **look, **style) for label, style in looks.items()]


def shown_layers(shown: int, known: int) -> str:
    """Return which layers a figure shows, if not all of them."""
    if shown >= known:
        return ""
    return f" {shown} of {known} layers are drawn, evenly spaced; the data beside hold all."


def _kernels(slices: xr.Dataset, columns: list[str]) -> pd.DataFrame:
    """The kernels of one shape."""
    known = {name: slices[name].values for name in (*INSIDE_LAYER, *columns)}
    table = pd.DataFrame({"number": slices.layer.values.astype(int) + 1, **known})
    table.insert(1 + len(INSIDE_LAYER), "height", slices.sizes["y"])
    table.insert(2 + len(INSIDE_LAYER), "width", slices.sizes["x"])
    return table


def _common_ending(names: list[str]) -> str:
    """Whole words at the end of all names, as ``.weight``; of a single name nothing is common."""
    if len(names) == 1:
        return ""
    endings = (names[0][word.start() :] for word in re.finditer(r"[./]", names[0]))
    shared = (ending for ending in endings if all(name.endswith(ending) for name in names))
    return next(shared, "")
