"""Panels under a legend, the marks in them, and what the marks say on hover and focus."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mechcore.experiment.representative import spread
from mechcore.report.figures.style import CONE, SHADE, THEORY, activation_colours, marker

MOST_POINTS = 150
"""Marks of a figure that say their values: with more, no key press leads far."""

LEGEND_LINE, TITLE, EDGE = 0.2, 0.3, 0.06
"""Heights of a line of the legend and of a panel's title, and what is free at the edge, in."""


class Point(NamedTuple):
    """A point of a drawing that says its values on hover and focus."""

    x: float
    y: float
    """Its place, as shares of the width and the height from the top left."""
    text: str
    cell: str
    """The id of its cell; empty if there is none."""


@dataclass(frozen=True)
class Panels:
    """A figure, its panels in reading order, and what its marks say."""

    figure: Figure
    axes: list[Axes]
    said: list[tuple[Axes, float, float, str, str]] = field(default_factory=list)
    """Panel, place in its data, text and cell of each mark."""

    def facets(self, table: pd.DataFrame, column: str) -> Iterator[tuple[Axes, pd.DataFrame]]:
        """Yield each panel with its rows: those of a value of the column, as they come."""
        groups = table.groupby(column, sort=False)
        for axes, (_, rows) in zip(self.axes, groups, strict=True):
            yield axes, rows

    def mark(
        self,
        axes: Axes,
        rows: pd.DataFrame,
        places: tuple[str, str],
        says: Callable[[Any], str],
        hollow: pd.Series | None = None,
    ) -> None:
        """Mark rows with columns ``activation`` and ``size`` in their colours and shapes.

        Where activations agree, the marks of each are seen around those of the next.
        """
        x, y = places
        drawn = activations_of(rows)
        rows = rows.assign(
            hollow=False if hollow is None else hollow, order=rows.activation.map(drawn.index)
        ).dropna(subset=[x, y])
        key: Any
        for key, part in rows.groupby(["order", "size", "hollow"]):
            place, size, empty = key
            colour = activation_colours()[drawn[place]]
            look: dict[str, Any] = {"color": colour, "ls": "", "marker": marker(size), "mew": 0.8}
            look |= {"mfc": "white"} if empty else {}
            width = 3.6 + 1.5 * min(len(drawn) - 1 - place, 2)
            axes.plot(part[x], part[y], ms=width, zorder=3, gid=y, **look)
        self.say(axes, rows, places, says)

    def say(
        self, axes: Axes, rows: pd.DataFrame, places: tuple[str, str], says: Callable[[Any], str]
    ) -> None:
        """Let the marks of rows say their values."""
        x, y = places
        for row in rows.dropna(subset=[x, y]).to_dict("records"):
            self.said.append((axes, row[x], row[y], says(row), row.get("cell", "")))

    def points(self) -> list[Point]:
        """Return what the marks say, and where they are once the figure is drawn."""
        inside = [said for said in self.said if _is_inside(*said[:3])]
        return [_point(self.figure, *said) for said in spread(inside, MOST_POINTS)]


def _is_inside(axes: Axes, x: float, y: float) -> bool:
    low, high = sorted(axes.get_xlim())
    bottom, top = sorted(axes.get_ylim())
    return low <= x <= high and bottom <= y <= top


def _point(figure: Figure, axes: Axes, x: float, y: float, text: str, cell: str) -> Point:
    width, height = figure.bbox.size
    across, up = axes.transData.transform((x, y))
    return Point(round(across / width, 4), round(1 - up / height, 4), text, cell)


def draw_panels(
    titles: Sequence[str],
    labels: tuple[str, str],
    legend: Sequence[Artist] = (),
    *,
    panel: tuple[float, float] = (2.15, 2.15),
    columns: int = 3,
    gap: tuple[float, float] = (0.2, 0.4),
    left: float = 0.72,
    bottom: float = 0.55,
    legend_columns: int = 4,
    **sharing: Any,
) -> Panels:
    """Return a panel (in) for each title, in rows under a legend, with common labels.

    All is placed by hand: a solver takes as long as the drawing.
    """
    columns = min(columns, len(titles))
    rows = math.ceil(len(titles) / columns)
    top = 2 * EDGE + LEGEND_LINE * math.ceil(len(legend) / legend_columns) + TITLE
    width = left + columns * (panel[0] + gap[0]) - gap[0] + 0.15
    height = bottom + rows * (panel[1] + gap[1]) - gap[1] + top
    figure = Figure((width, height))
    grid = figure.subplots(rows, columns, squeeze=False, **sharing)
    figure.subplots_adjust(
        left / width,
        bottom / height,
        1 - 0.15 / width,
        1 - top / height,
        gap[0] / panel[0],
        gap[1] / panel[1],
    )
    for axes in grid.flat[len(titles) :]:
        axes.remove()
    for axes, title in zip(grid.flat, titles, strict=False):
        axes.set_title(title)
    middle = (left + width - 0.15) / 2 / width, (bottom + height - top) / 2 / height
    figure.supxlabel(labels[0], x=middle[0], y=EDGE / height, va="bottom")
    figure.supylabel(labels[1], x=EDGE / width, y=middle[1], ha="left")
    if legend:
        _draw_legend(figure, legend, legend_columns, (left / width, 1 - EDGE / height))
    return Panels(figure, list(grid.flat[: len(titles)]))


def _draw_legend(
    figure: Figure, entries: Sequence[Artist], columns: int, corner: tuple[float, float]
) -> None:
    """Draw a legend from the top left, where a phone shows it without scrolling."""
    spacing = {"borderaxespad": 0, "borderpad": 0, "columnspacing": 1.4, "handlelength": 1.6}
    figure.legend(
        handles=list(entries), loc="upper left", bbox_to_anchor=corner, ncols=columns, **spacing
    )


def activations_of(table: pd.DataFrame) -> list[str]:
    """Return the activations of a table, those that the paper is about last."""
    return [name for name in reversed(activation_colours()) if name in set(table.activation)]


def key(table: pd.DataFrame) -> list[Artist]:
    """Return the entries of a legend for the activations and the sizes of a table."""
    return [
        *(
            Patch(color=activation_colours()[name], label=name)
            for name in activations_of(table)[::-1]
        ),
        *(mark(f"k = {size}", marker(size)) for size in sorted(table["size"].unique())),
    ]


def line(label: str, colour: Any = THEORY, width: float = 1.4, **look: Any) -> Line2D:
    """Return an entry of a legend: a line."""
    return Line2D([], [], color=colour, lw=width, label=label, **look)


def mark(label: str, shape: str = "o", colour: Any = CONE, **look: Any) -> Line2D:
    """Return an entry of a legend: a mark."""
    usual = {"ls": "", "ms": 5, "marker": shape, "color": colour}
    return Line2D([], [], label=label, **usual | look)


def shade_entry() -> Patch:
    """Return the entry of a legend for what `shade` draws."""
    return Patch(color=SHADE, label="beyond β*")


def shade(axes: Axes, start: float) -> None:
    """Shade where rectification acts on all kernels: beyond beta*, or all where there is none."""
    axes.axvspan(start if math.isfinite(start) else 0.0, 1.0, color=SHADE, lw=0, zorder=0)


def few(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return the rows of a few betas: marks at more would touch each other."""
    return rows[rows.beta.isin(spread(sorted(rows.beta.unique()), most))]


def setting(row: Any) -> str:
    """Return which simulation a mark is of."""
    return f"{row['activation']}, k = {row['size']}, ρ = {row['odd_energy_ratio']:.2f}"
