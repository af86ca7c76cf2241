"""Grids of panels with a legend above, placed by hand: a solver takes seconds for so many."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mechcore.report.figures.style import CONE, Style, new_figure, plain

Name = TypeVar("Name")

LEGEND_LINE = 0.175
TITLE = 0.24
EDGE = 0.05
"""Heights of a line of the legend and of a panel's title, and what is free at the edge, in."""

FILLED = "Filled: β ≤ β*; open: rectification acts."
"""What captions say of points that `within_theory` fills."""


@dataclass(frozen=True)
class Margins:
    """Inches that stay free around the panels, for labels."""

    left: float = 0.62
    right: float = 0.12
    bottom: float = 0.5


def panel_grid(
    shape: tuple[int, int],
    panel: tuple[float, float],
    handles: Sequence[Artist] = (),
    *,
    legend_columns: int = 1,
    gap: tuple[float, float] = (0.1, 0.1),
    margins: Margins = Margins(),
    **sharing: Any,
) -> tuple[Figure, NDArray[Any]]:
    """Return a figure with a grid of panels of equal size (in) and a legend above them."""
    rows, columns = shape
    lines = math.ceil(len(handles) / legend_columns)
    top = EDGE + LEGEND_LINE * lines + TITLE
    width = margins.left + columns * (panel[0] + gap[0]) - gap[0] + margins.right
    height = margins.bottom + rows * (panel[1] + gap[1]) - gap[1] + top
    figure = new_figure(width, height, constrained=False)
    panels = figure.subplots(rows, columns, squeeze=False, **sharing)
    figure.subplots_adjust(
        margins.left / width,
        margins.bottom / height,
        1 - margins.right / width,
        1 - top / height,
        gap[0] / panel[0],
        gap[1] / panel[1],
    )
    if handles:
        add_legend(figure, handles, legend_columns)
    return figure, panels


def facet_grid(
    names: Sequence[Name],
    most_columns: int,
    panel: tuple[float, float],
    handles: Sequence[Artist],
    **options: Any,
) -> tuple[Figure, list[tuple[Axes, Name]]]:
    """Return a figure with a panel for each name, see `panel_grid`."""
    figure, panels = panel_grid(facets(len(names), most_columns), panel, handles, **options)
    hide_unused(panels, len(names))
    return figure, list(zip(panels.flat, names, strict=False))


def facets(count: int, most_columns: int) -> tuple[int, int]:
    """Return rows and columns that hold so many panels.

    >>> facets(7, 4), facets(2, 4)
    ((2, 4), (1, 2))
    """
    columns = max(1, min(count, most_columns))
    return max(1, math.ceil(count / columns)), columns


def hide_unused(panels: NDArray[Any], used: int) -> None:
    """Hide the panels beyond the used ones; those above them get their tick labels back."""
    columns = panels.shape[1]
    for place, axes in enumerate(panels.flat):
        if place >= used:
            axes.set_visible(False)
        elif place + columns >= used:
            axes.tick_params(labelbottom=True)


def inch_axes(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Return a panel whose place is given in inches."""
    across, down = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / down, width / across, height / down))


def empty_figure(text: str = "no data") -> Figure:
    """Return a figure that says why there is nothing to show."""
    figure, panels = panel_grid((1, 1), (4.0, 1.0))
    panels[0, 0].set(xticks=[], yticks=[])
    say_nothing_known(panels[0, 0], text)
    return figure


def say_nothing_known(axes: Axes, text: str = "no data") -> None:
    """Write into an empty panel why there is nothing to show."""
    look: dict[str, Any] = {"fc": "white", "ec": "none", "pad": 1.5}
    axes.text(0.5, 0.4, text, transform=axes.transAxes, ha="center", color="0.4", bbox=look)


def line(label: str, colour: Any, width: float, **look: Any) -> Line2D:
    """Return an entry of a legend: a line."""
    return Line2D([], [], color=colour, lw=width, label=label, **look)


def mark(label: str, **look: Any) -> Line2D:
    """Return an entry of a legend: a marker."""
    usual: dict[str, Any] = {"ls": "", "ms": 4, "marker": "o"}
    return Line2D([], [], label=label, **usual | look)


def marks(
    styles: dict[Any, Style], text: Callable[[Any], str] = plain, **look: Any
) -> list[Line2D]:
    """Return an entry of a legend for each style."""
    return [mark(text(name), **look, **style) for name, style in styles.items()]


def size_text(size: int) -> str:
    """Return the size of a kernel as legends and titles write it."""
    return f"k = {size}"


def beta_text(beta: float) -> str:
    """Return a beta as legends write it."""
    return rf"$\beta$ = {beta:.3g}"


def rectified_mark(size: float = 4) -> Line2D:
    """Return the entry of a legend for open points."""
    return mark(r"$\beta > \beta^*$", mfc="none", mec=CONE, ms=size)


def add_legend(figure: Figure, handles: Sequence[Artist], columns: int) -> None:
    """Put a legend at the top edge of a figure."""
    top = 1 - EDGE / figure.get_figheight()
    figure.legend(
        handles=list(handles),
        loc="upper center",
        bbox_to_anchor=(0.5, top),
        ncols=columns,
        borderaxespad=0,
        borderpad=0,
        columnspacing=1.4,
        handlelength=1.8,
    )


def add_colour_bar(figure: Figure, colours: ScalarMappable, label: str) -> None:
    """Put a colour bar into the right margin."""
    width = figure.get_figwidth()
    box = figure.axes[-1].get_position()
    height = min(box.height, 2.4 / figure.get_figheight())
    middle = (box.y0 + box.y1 - height) / 2
    place = (box.x1 + 0.1 / width, middle, 0.1 / width, height)
    bar = figure.colorbar(colours, cax=figure.add_axes(place), extend="both", extendfrac=0.03)
    bar.set_label(label, labelpad=2)
    bar.ax.tick_params(labelsize=7)


def name_axes(figure: Figure, horizontal: str, vertical: str) -> None:
    """Write the labels that all panels share at the lower and the left edge."""
    width, height = figure.get_size_inches()
    place = figure.axes[0].get_subplotspec()
    assert place is not None
    bottoms, tops, lefts, rights = map(np.asarray, place.get_gridspec().get_grid_positions(figure))
    x, y = (lefts.min() + rights.max()) / 2, (bottoms.min() + tops.max()) / 2
    figure.supxlabel(horizontal, x=x, y=EDGE / height, va="bottom")
    figure.supylabel(vertical, x=EDGE / width, y=y, ha="left")


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


def title(axes: Axes, text: object) -> None:
    """Write a title that a user may have chosen."""
    axes.set_title(plain(text), pad=3)
