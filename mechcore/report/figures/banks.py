"""What the figures of the kernels of networks share: names of layers, chosen kernels, colours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mechcore.experiment.banks import planned_banks
from mechcore.experiment.representative import spread
from mechcore.filters.bank_file import BankAnalysis
from mechcore.report.figures.layout import panel_grid, say_nothing_known
from mechcore.report.figures.style import MARKERS, colours, plain, shades
from mechcore.results.results import Results

LONGEST_NAME = 17
"""Characters of the name of a layer that fit above a panel of one inch."""

MOST_DEPTHS = 6
"""Shades that can be told apart where marks of all of them are mixed."""

INSIDE_LAYER = ("out", "in", "plane")
"""What tells the kernels of a layer apart."""

BEFORE_TRAINING = colours(4)[3]
"""Colour of the same network before training."""


def trained_analysis(results: Results, name: str) -> BankAnalysis | None:
    """Return what is known of the kernels of a bank."""
    bank = results.banks.get(name)
    return None if bank is None else bank.analysis


def untrained_analysis(results: Results, name: str) -> BankAnalysis | None:
    """Return what is known of the same network before training."""
    plan = planned_banks(results.experiment).get(name)
    before = plan.untrained if plan else None
    return None if before is None else trained_analysis(results, before)


def layers_of(analysis: BankAnalysis) -> pd.DataFrame:
    """Return the layers of a bank with the numbers that figures call them by."""
    layers = analysis.layers.rename(columns={"name": "layer"})
    layers.insert(0, "number", np.arange(1, len(layers) + 1))
    layers.insert(2, "kernels", (layers.slices - layers.zero_slices).astype(int))
    return layers


def kernels_of(analysis: BankAnalysis, columns: Sequence[str]) -> pd.DataFrame:
    """Return the kernels of all shapes that are not zero."""
    parts = [_flat(slices, ["energy", *columns]) for slices in analysis.slices.values()]
    kernels = pd.concat(parts, ignore_index=True)
    return kernels[kernels.energy > 0].sort_values("number", kind="stable", ignore_index=True)


def strongest_of_layers(kernels: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return the kernels with the most energy, as many of each layer."""
    numbers = spread(sorted(kernels.number.unique()), most)
    rows = kernels[kernels.number.isin(numbers)]
    rank = rows.groupby("number").energy.rank(method="first", ascending=False)
    return rows[rank <= most // max(len(numbers), 1)]


def named(kernels: pd.DataFrame, analysis: BankAnalysis) -> pd.DataFrame:
    """Return kernels with the names of their layers, in a column after the numbers."""
    names = analysis.layers.name.to_numpy()[kernels.number.to_numpy(int) - 1]
    rows = kernels.reset_index(drop=True)
    rows.insert(1, "layer", names)
    return rows


def layer_titles(table: pd.DataFrame, most: int = LONGEST_NAME) -> dict[int, str]:
    """Return what layers are called above a panel and in a legend.

    Examples
    --------
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

    Examples
    --------
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


def depth_styles(titles: dict[int, str], most: int = MOST_DEPTHS) -> dict[int, dict[str, Any]]:
    """Return how layers are told apart: by colours from dark to light, and markers.

    Examples
    --------
    >>> looks = depth_styles({number: f"{number}: conv" for number in (1, 2, 3)}, most=2)
    >>> [look["label"] for look in looks.values()]
    ['layers 1 to 2', 'layers 1 to 2', '3: conv']
    """
    groups = np.array_split(np.array(sorted(titles), dtype=int), max(1, min(most, len(titles))))
    looks = zip(groups, shades(len(groups)), MARKERS, strict=False)
    return {
        int(number): {"label": _depth(group.tolist(), titles), "color": colour, "marker": marker}
        for group, colour, marker in looks
        for number in group
    }


def distinct(styles: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each look of `depth_styles` once, for a legend."""
    return list({style["label"]: style for style in styles.values()}.values())


def inch_axes(
    figure: Figure, left: float, bottom: float, width: float, height: float, **more: Any
) -> Axes:
    """Return a panel whose place is given in inches."""
    across, down = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / down, width / across, height / down), **more)


def draw_nothing_known(text: str = "no kernels to show") -> Figure:
    """Return a figure that says why there is nothing to show."""
    figure, panels = panel_grid((1, 1), (4.0, 1.0), [], legend_columns=1)
    panels[0, 0].set(xticks=[], yticks=[])
    say_nothing_known(panels[0, 0], text)
    return figure


def nothing_known(bank: str, reason: str = "it is not analysed yet, or holds only zeros") -> str:
    """Return what is to be said of a figure without data."""
    return f"An empty panel: of the bank {bank}, 0 kernels can be shown here; {reason}."


def shown_layers(shown: int, known: int) -> str:
    """Return which layers a figure shows, if not all of them."""
    if shown >= known:
        return ""
    return f" {shown} of {known} layers are drawn, evenly spaced; the data beside hold all."


def _flat(slices: xr.Dataset, columns: list[str]) -> pd.DataFrame:
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


def _depth(group: list[int], titles: dict[int, str]) -> str:
    return titles[group[0]] if len(group) == 1 else f"layers {group[0]} to {group[-1]}"
