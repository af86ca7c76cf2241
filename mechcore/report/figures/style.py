"""The look of all figures, and how they are written."""

from __future__ import annotations

from contextlib import AbstractContextManager
from io import BytesIO, StringIO
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure

from mechcore.io.atomic import replace_file
from mechcore.model.activations import ACTIVATIONS
from mechcore.report.figures.compact_svg import compact

DOTS_PER_INCH = 150
"""Resolution of figures that are written as PNG."""

PALETTE = sns.color_palette("colorblind").as_hex()
"""Colours that the colour-blind can distinguish."""

FIRST = ("relu", "modulus", "identity")
"""Activations that have the first colours."""


def activation_colours() -> dict[str, str]:
    """Return the colour of each activation, also of the user's own."""
    names = [*FIRST, *(name for name in ACTIVATIONS if name not in FIRST)]
    return dict(zip(names, cycle(PALETTE), strict=False))


MARKERS = ("o", "s", "D", "^", "v", "P", "X", "<", ">", "*")

THEORY, CONE, SHADE = "0.15", "0.55", "0.93"
"""Greys of the theory, the light cone, and the region where rectification acts."""

RULES: dict[Any, Any] = sns.axes_style("ticks") | {
    # Without a salt the ids in an SVG are random, and no two builds are equal.
    "svg.hashsalt": "mechcore",
    # Letters as text: outlines take most of the time and half of the bytes.
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.edgecolor": "0.3",
    "axes.linewidth": 0.8,
    "axes.titlesize": 10,
    "axes.titlepad": 5,
    # Without a place of its own a title looks for one above all labels, which takes a tenth of all.
    "axes.titley": 1.0,
    "axes.labelsize": 10,
    "figure.labelsize": 10.5,
    "font.size": 10,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.4,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
}


def paper_style() -> AbstractContextManager[None]:
    """Set the look of figures that are made and written inside the ``with`` block."""
    return mpl.rc_context(RULES)


def marker(size: int) -> str:
    """Return the shape of the marks of a kernel size, the same in all figures."""
    return MARKERS[(size - 2) % len(MARKERS)]


def colours(count: int) -> list[Any]:
    """Return colours that the colour-blind can distinguish."""
    return list(islice(cycle(PALETTE), count))


def shades(count: int) -> list[Any]:
    """Return colours for ordered values, from dark to light, that the colour-blind can order."""
    return list(sns.color_palette("viridis", count))


def plain(text: object) -> str:
    r"""Return text that matplotlib draws as it is.

    >>> plain("a$b")
    'a\\$b'
    """
    seen = "".join(letter if letter.isprintable() else "?" for letter in str(text))
    return seen.encode("ascii", "backslashreplace").decode().replace("$", r"\$")


def write_svg(figure: Figure, file: Path) -> str:
    """Write a figure as SVG, the same text for the same figure, and return the text."""
    stream = StringIO()
    with paper_style():
        figure.savefig(stream, format="svg", metadata={"Date": None})
    # Where the font is missing, one of the same widths.
    text = compact(stream.getvalue()).replace("'DejaVu Sans'", "'DejaVu Sans',Verdana,sans-serif")
    replace_file(file, lambda draft: draft.write_text(text, encoding="utf-8"))
    return text


def write_png(figure: Figure, file: Path) -> None:
    """Write a figure as PNG."""
    buffer = BytesIO()
    with paper_style():
        figure.savefig(buffer, format="png", dpi=DOTS_PER_INCH)
    replace_file(file, lambda draft: draft.write_bytes(buffer.getvalue()))
