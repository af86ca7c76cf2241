"""Grids of panels with a legend above, placed by hand: a solver takes seconds for so many."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from mechcore.report.figures.style import CONE, Style, new_figure, plain
from mechcore.results.results import MOST_PANELS

LEGEND_LINE = 0.175
TITLE = 0.24
EDGE = 0.05
"""Heights of a line of the legend and of a panel's title, and what is free at the edge, in."""


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
    legend_columns: int = 4,
    gap: tuple[float, float] = (0.12, 0.3),
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
        figure.legend(
            handles=list(handles),
            loc="upper center",
            bbox_to_anchor=(0.5, 1 - EDGE / height),
            ncols=legend_columns,
            borderaxespad=0,
            borderpad=0,
            columnspacing=1.4,
            handlelength=1.8,
        )
    return figure, panels


def facet_grid(
    names: Sequence[Any],
    panel: tuple[float, float],
    handles: Sequence[Artist],
    *,
    most_columns: int = MOST_PANELS,
    text: Callable[[Any], str] = plain,
    **options: Any,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with a titled panel for each name, see `panel_grid`."""
    columns = min(len(names), most_columns)
    shape = (math.ceil(len(names) / columns), columns)
    figure, panels = panel_grid(shape, panel, handles, **options)
    for place, axes in enumerate(panels.flat):
        if place >= len(names):
            axes.set_visible(False)
            continue
        axes.set_title(text(names[place]), pad=3)
        if place + columns >= len(names):
            axes.tick_params(labelbottom=True)
    return figure, list(panels.flat[: len(names)])


def facets(
    table: pd.DataFrame, column: str, names: Sequence[Any], panels: Sequence[Axes]
) -> Iterator[tuple[Axes, pd.DataFrame]]:
    """Yield each panel with the rows of its name; a panel without rows says so."""
    for axes, name in zip(panels, names, strict=True):
        rows = table[table[column] == name]
        if rows.empty:
            say_nothing_known(axes)
        yield axes, rows


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
    return [mark(text(name), **look | style) for name, style in styles.items()]


def rectified_mark() -> Line2D:
    """Return the entry of a legend for open points."""
    return mark(r"$\beta > \beta^*$", mfc="none", mec=CONE)


def size_text(size: int) -> str:
    """Return the size of a kernel as legends and titles write it."""
    return f"k = {size}"


def beta_text(beta: float) -> str:
    """Return a beta as legends write it."""
    return rf"$\beta$ = {beta:.3g}"


def name_axes(figure: Figure, horizontal: str, vertical: str) -> None:
    """Write the labels that all panels share at the lower and the left edge."""
    width, height = figure.get_size_inches()
    place = figure.subplotpars
    x, y = (place.left + place.right) / 2, (place.bottom + place.top) / 2
    figure.supxlabel(horizontal, x=x, y=EDGE / height, va="bottom")
    figure.supylabel(vertical, x=EDGE / width, y=y, ha="left")


def name_rows(panels: NDArray[Any], names: Sequence[str]) -> None:
    """Write the name of each row of panels at the right of its last panel."""
    for axes, name in zip(panels[:, -1], names, strict=True):
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
