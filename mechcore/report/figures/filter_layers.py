"""What the figures of trained kernels share: tables, panels and names of layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mechcore.experiment.representative import spread
from mechcore.filters.bank_file import BankAnalysis
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.style import plain
from mechcore.results.results import Results

LONGEST_NAME = 14
"""Characters of the name of a layer that fit above a panel of one inch."""

MOST_DEPTHS = 6
"""Number of distinct shades where marks of all of them are mixed."""

INSIDE_LAYER = ("out", "in", "plane")
"""What distinguishes the kernels of a layer."""


def bank_figure(
    needs: str,
    table: Callable[[Results, str], pd.DataFrame],
    draw: Callable[[FigureData], Figure],
    alt_text: Callable[[FigureData], str],
    caption: Callable[[FigureData], str],
    turnable: Callable[[FigureData], dict[str, object]] | None = None,
) -> ReportFigure:
    """Return a figure of a bank, which may not be analysed yet."""

    def table_if_analysed(results: Results, bank: str) -> pd.DataFrame:
        known = bank in results.banks
        return table(results, bank) if known else pd.DataFrame(columns=[needs])

    return ReportFigure(needs, table_if_analysed, draw, alt_text, caption, turnable=turnable)


def untrained_analysis(results: Results, bank: str) -> BankAnalysis | None:
    """Return what is known of the same network before training."""
    before = results.banks.get(results.banks[bank].plan.untrained or "")
    return None if before is None else before.analysis


def known_before(rows: pd.DataFrame) -> bool:
    """Return whether the column ``untrained`` has values."""
    return bool(rows.untrained.notna().any())


def layers_of(analysis: BankAnalysis) -> pd.DataFrame:
    """Return the layers of a bank with their numbers, from 1."""
    layers = analysis.layers.rename(columns={"name": "layer"})
    layers.insert(0, "number", np.arange(1, len(layers) + 1))
    layers.insert(2, "kernels", (layers.slices - layers.zero_slices).astype(int))
    return layers


def kernels_of(analysis: BankAnalysis, columns: Sequence[str]) -> pd.DataFrame:
    """Return the kernels of all shapes that are not zero, with the names of their layers."""
    parts = []
    for slices in analysis.slices.values():
        columns_of = {name: slices[name].values for name in (*INSIDE_LAYER, "energy", *columns)}
        parts.append(pd.DataFrame({"number": slices.layer.values.astype(int) + 1, **columns_of}))
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


def rows_shown(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return the rows of the layers that are drawn."""
    return table[table.number.isin(spread(sorted(table.number.unique()), most))]


def layer_titles(table: pd.DataFrame, most: int = LONGEST_NAME) -> dict[int, str]:
    """Return what layers are called above a panel and in a legend.

    >>> layer_titles(pd.DataFrame({"number": [1, 2], "layer": ["conv1.weight", "conv2.weight"]}))
    {1: '1: conv1', 2: '2: conv2'}
    """
    layers = table.drop_duplicates("number")
    return {
        int(number): f"{number}: {short_name(str(name).removesuffix('.weight'), most)}"
        for number, name in zip(layers.number, layers.layer, strict=True)
    }


def short_name(name: str, most: int = LONGEST_NAME) -> str:
    """Return the name of a layer for drawing, without its middle if it is long.

    >>> short_name("stage3.block1.conv0.weight")
    'stage3….weight'
    """
    # Line breaks would move a title, and other controls are not allowed in SVG.
    seen = "".join(letter if letter.isprintable() else "?" for letter in name)
    seen = seen.encode("ascii", "backslashreplace").decode()
    if len(seen) <= most:
        return plain(seen)
    half = (most - 1) // 2
    return f"{plain(seen[:half])}…{plain(seen[-(most - 1 - half) :])}"


def with_depth(table: pd.DataFrame) -> pd.DataFrame:
    """Add the column ``depth``, the name of a layer: neighbours share one where there are many."""
    titles = layer_titles(table)
    labels: dict[int, str] = {}
    for group in np.array_split(sorted(titles), min(MOST_DEPTHS, len(titles))):
        first, last = int(group[0]), int(group[-1])
        name = titles[first] if first == last else f"layers {first} to {last}"
        labels |= dict.fromkeys(map(int, group), name)
    return table.assign(depth=table.number.astype(int).map(labels))


def shown_layers(table: pd.DataFrame, most: int) -> str:
    """Return which layers a figure shows, if not all of them."""
    known = table.number.nunique()
    if known <= most:
        return ""
    return f" {most} of {known} layers are drawn, evenly spaced; the data beside hold all."
