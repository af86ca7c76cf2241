"""The look of all figures, and how they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure
from PIL import Image

from mechcore.io.atomic import replace_file
from mechcore.report.figures.compact_svg import compact

DOTS_PER_INCH = 150

MARKERS = ("o", "s", "D", "^", "v", "P", "X", "<", ">", "*")

THEORY = "0.15"
CONE = "0.55"
SHADE = "0.945"
"""Greys of the exact theory, the light cone, and the region where rectification acts."""

BEYOND = (0, (3.5, 1.5))
"""Line style beyond beta*, where rectification acts."""

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

Style = dict[str, Any]
"""Colour and marker: series differ in both."""


@contextmanager
def paper_style() -> Iterator[None]:
    """Set the look of figures that are made and written inside the ``with`` block."""
    look = sns.axes_style("ticks") | sns.plotting_context("paper") | RULES
    with mpl.rc_context(look):
        yield


def new_figure(width: float, height: float, *, constrained: bool = True) -> Figure:
    """Return an empty figure that is part of no window or pyplot state."""
    return Figure(figsize=(width, height), layout="constrained" if constrained else None)


def colours(count: int) -> list[Any]:
    """Return colours that the colour-blind can distinguish."""
    return list(sns.color_palette("colorblind", count))


def shades(count: int) -> list[Any]:
    """Return colours for ordered values, from dark to light, that the colour-blind can order."""
    return list(sns.color_palette("viridis", count + 1))[:count]


BEFORE_TRAINING = colours(4)[3]
"""Colour of the same network before training."""


def plain(text: object) -> str:
    r"""Return text that matplotlib draws as it is.

    >>> plain("a$b")
    'a\\$b'
    """
    return str(text).encode("ascii", "backslashreplace").decode().replace("$", r"\$")


def save(figure: Figure, stem: Path, *, suffixes: Iterable[str] = (".png", ".svg")) -> list[Path]:
    """Write a figure, the same bytes for the same figure."""
    files = [stem.with_name(stem.name + suffix) for suffix in suffixes]
    with paper_style():
        for file in files:
            replace_file(file, partial(WRITERS[file.suffix], figure))
            # The layout is solved once; solving it again takes as long as drawing.
            figure.set_layout_engine("none")
    return files


def _write_svg(figure: Figure, draft: Path) -> None:
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    draft.write_text(compact(text.getvalue()), encoding="utf-8")


def _write_png(figure: Figure, draft: Path) -> None:
    buffer = BytesIO()
    figure.savefig(buffer, format="rgba", dpi=DOTS_PER_INCH)
    # Matplotlib cuts off what is half a pixel, but not what rounding lacks to a whole one.
    width = int(figure.get_figwidth() * DOTS_PER_INCH + 1e-6)
    size = width, len(buffer.getvalue()) // (4 * width)
    # A palette makes the file three times smaller. The usual one, of medians, gives rare colours
    # away: a mark in a legend would come out in the colour of another.
    image = Image.frombytes("RGBA", size, buffer.getvalue()).convert("RGB")
    method = Image.Quantize.MAXCOVERAGE
    image.quantize(256, method=method, dither=Image.Dither.NONE).save(draft, "PNG")


WRITERS: dict[str, Callable[[Figure, Path], None]] = {".png": _write_png, ".svg": _write_svg}
