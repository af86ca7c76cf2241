"""The look of all figures, and how they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from mechcore.io.atomic import replace_file
from mechcore.report.figures.vector import compact

DOTS_PER_INCH = 150

MARKERS = ("o", "s", "D", "^", "v", "P", "X", "<", ">", "*")
"""Told apart without colour."""

THEORY = "0.15"
CONE = "0.55"
SHADE = "0.945"
"""Greys of the exact theory, the light cone, and the region where rectification acts."""

RULES = {
    # Without a salt the ids in an SVG are random, and no two builds are equal.
    "svg.hashsalt": "mechcore",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "figure.labelsize": 9.5,
    "font.size": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.3,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
}


@contextmanager
def paper_style() -> Iterator[None]:
    """Set the look of figures that are made and written inside the ``with`` block."""
    look = sns.axes_style("ticks") | sns.plotting_context("paper") | RULES
    with mpl.rc_context(look):
        yield


def new_figure(width: float, height: float, *, constrained: bool = True) -> Figure:
    """Return an empty figure that no window or pyplot state knows of."""
    return Figure(figsize=(width, height), layout="constrained" if constrained else None)


def colours(count: int) -> list[Any]:
    """Return colours that the colour-blind can tell apart."""
    return list(sns.color_palette("colorblind", count))


def shades(count: int) -> list[Any]:
    """Return colours for ordered values, from dark to light, that the colour-blind can order."""
    return list(sns.color_palette("viridis", count + 1))[:count]


def category_styles(names: Sequence[Any]) -> dict[Any, dict[str, Any]]:
    """Return how categories are told apart, with and without colour."""
    return {
        name: {"color": colour, "marker": MARKERS[place % len(MARKERS)]}
        for place, (name, colour) in enumerate(zip(names, colours(len(names)), strict=True))
    }


def order_styles(values: Sequence[Any]) -> dict[Any, dict[str, Any]]:
    """Return how ordered values are told apart, with and without colour."""
    return {
        value: {"color": colour, "marker": MARKERS[place % len(MARKERS)]}
        for place, (value, colour) in enumerate(zip(values, shades(len(values)), strict=True))
    }


def draw_points(
    axes: Axes,
    x: Any,
    y: Any,
    filled: Any,
    style: dict[str, Any],
    gid: str = "points",
    size: float = 3.4,
) -> None:
    """Draw points, some filled and some open."""
    x, y, filled = np.asarray(x, float), np.asarray(y, float), np.asarray(filled, bool)
    known = np.isfinite(x) & np.isfinite(y)
    colour = style["color"]
    for chosen, face in ((filled & known, colour), (~filled & known, "none")):
        if chosen.any():
            axes.plot(
                x[chosen],
                y[chosen],
                ls="",
                marker=style["marker"],
                ms=size,
                mec=colour,
                mfc=face,
                mew=0.7,
                zorder=3,
                gid=gid,
            )


def plain(text: object) -> str:
    r"""Return text that matplotlib draws as it is.

    Examples
    --------
    >>> plain("a$b")
    'a\\$b'
    """
    return str(text).encode("ascii", "backslashreplace").decode().replace("$", r"\$")


def name_row(axes: Axes, name: str) -> None:
    """Write the name of a row of panels at the right of its last panel."""
    axes.annotate(
        plain(name),
        (1.0, 0.5),
        (6, 0),
        xycoords="axes fraction",
        textcoords="offset points",
        rotation=270,
        va="center",
        ha="left",
        fontsize=9,
    )


def pixels_per_layer(quantity: str, symbol: str = "") -> str:
    """Return an axis label in px/layer.

    Examples
    --------
    >>> pixels_per_layer("speed")
    'speed (px/layer)'
    """
    return " ".join(part for part in (quantity, symbol, "(px/layer)") if part)


def save(figure: Figure, stem: Path, *, suffixes: Sequence[str] = (".png", ".svg")) -> list[Path]:
    """Write a figure, the same bytes for the same figure."""
    files = [stem.with_name(stem.name + suffix) for suffix in suffixes]
    with paper_style():
        for file in files:
            replace_file(file, partial(WRITERS[file.suffix], figure))
            # The layout is found once; solving it again takes as long as drawing.
            figure.set_layout_engine("none")
    return files


def _write_svg(figure: Figure, draft: Path) -> None:
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    draft.write_text(compact(text.getvalue()), encoding="utf-8")


def _write_png(figure: Figure, draft: Path) -> None:
    buffer = BytesIO()
    # Not packed before it is reduced.
    figure.savefig(buffer, format="rgba", dpi=DOTS_PER_INCH)
    width = int(figure.get_figwidth() * DOTS_PER_INCH)
    size = width, len(buffer.getvalue()) // (4 * width)
    # A palette makes the file three times smaller. The usual one, of medians, gives rare colours
    # away: a mark in a legend would come out in the colour of another.
    whole = Image.frombytes("RGBA", size, buffer.getvalue()).convert("RGB")
    method = Image.Quantize.MAXCOVERAGE
    whole.quantize(256, method=method, dither=Image.Dither.NONE).save(draft, "PNG")


WRITERS: dict[str, Callable[[Figure, Path], None]] = {".png": _write_png, ".svg": _write_svg}
"""How a figure is written, by suffix."""
