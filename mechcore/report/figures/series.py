"""Series of points: each in a colour and a marker, and the same rows in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mechcore.report.figures.layout import say_nothing_known
from mechcore.report.figures.style import MARKERS, Style, colours, shades

FILLED = "Filled: β ≤ β*; open: rectification acts."
"""What captions say of points that `within_theory` fills."""

ODD = 1 - 1e-9
"""A kernel of a larger beta is odd, and has no finite celerity."""


def category_styles(names: Sequence[Any]) -> dict[Any, Style]:
    """Return a colour and a marker for each category."""
    return _styles(names, colours(len(names)))


def order_styles(values: Sequence[Any]) -> dict[Any, Style]:
    """Return a colour and a marker for each of some ordered values."""
    return _styles(values, shades(len(values)))


def nested(styles: dict[Any, Style], largest: float, step: float) -> dict[Any, Style]:
    """Return the styles with sizes of markers: later, smaller ones hide none below."""
    return {
        name: style | {"ms": max(largest - step * place, 2.0)}
        for place, (name, style) in enumerate(styles.items())
    }


def draw_points(
    axes: Axes, x: Any, y: Any, filled: Any, style: Style, open_face: str = "none", **look: Any
) -> None:
    """Draw the points that are known, some filled and some open."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    known, filled = np.isfinite(x) & np.isfinite(y), np.broadcast_to(filled, x.shape)
    usual: Style = {"ls": "", "ms": 3.4, "mew": 0.7, "zorder": 3, "gid": "points"}
    look = usual | style | look
    colour = look.pop("color")
    for chosen, face in ((known & filled, colour), (known & ~filled, open_face)):
        if chosen.any():
            axes.plot(x[chosen], y[chosen], mec=colour, mfc=face, **look)


def draw_series(
    axes: Axes,
    rows: pd.DataFrame,
    columns: tuple[str, str],
    series: str,
    styles: dict[Any, Style],
    *,
    filled: Callable[[pd.DataFrame], Any] = lambda _: True,
    joined: bool = False,
    apart: float = 0.0,
    **look: Any,
) -> None:
    """Draw the points of each series, over a width of ``apart`` side by side along x."""
    x, y = columns
    offsets = apart * ((np.arange(len(styles)) + 0.5) / max(len(styles), 1) - 0.5)
    for (name, style), offset in zip(styles.items(), offsets, strict=True):
        part = rows[rows[series] == name]
        if joined:
            axes.plot(part[x], part[y], color=style["color"], lw=0.8, gid="line")
        draw_points(axes, part[x] + offset, part[y], filled(part), style, gid=y, **look)
    if len(rows) and rows[y].isna().all():
        say_nothing_known(axes)


def in_words(
    table: pd.DataFrame, groups: str | list[str], words: Callable[[pd.DataFrame], str]
) -> str:
    """Return words about the rows of each group, after its name.

    >>> table = pd.DataFrame({"size": [2, 3], "speed": [0.5, 0.8]})
    >>> in_words(table, "size", lambda rows: f"{rows.speed.max()}")
    'k = 2: 0.5; k = 3: 0.8'
    """
    keys = [groups] if isinstance(groups, str) else groups
    return "; ".join(
        f"{', '.join(_named(keys, names))}: {words(rows)}"
        for names, rows in table.groupby(keys, sort=False)
    )


def _named(keys: list[str], names: tuple[Any, ...]) -> Iterator[str]:
    for key, name in zip(keys, names, strict=True):
        if key == "size":
            yield f"k = {name}"
        else:
            yield f"beta {name:.3g}" if key == "beta" else str(name)


def _styles(names: Sequence[Any], palette: list[Any]) -> dict[Any, Style]:
    looks = zip(palette, cycle(MARKERS), strict=False)
    return {
        name: {"color": colour, "marker": marker}
        for name, (colour, marker) in zip(names, looks, strict=True)
    }
