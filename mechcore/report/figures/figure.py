"""What every figure of the report consists of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from mechcore.report.figures.panels import Panels
from mechcore.results.results import Results


@dataclass(frozen=True)
class FigureData:
    """What one figure shows."""

    results: Results
    topic: str
    """A kernel family, a bank or another part of the results; empty if the figure shows all."""
    table: pd.DataFrame
    """The numbers that are drawn, also written beside the figure."""


@dataclass(frozen=True)
class ReportFigure:
    """A question, and how a figure answers it; drawn for each topic that has results."""

    name: str
    """What its files begin with, and its anchor in the page."""
    question: str
    table: Callable[[Results, str], pd.DataFrame]
    draw: Callable[[FigureData], Panels]
    caption: Callable[[FigureData], str]
    """The answer, in at most two sentences."""
    value: str
    """The column of the table that is drawn; without any value there is no figure."""
    groups: tuple[str, ...] = ("activation", "size")
    """The columns that tell the series apart."""
    shows: str = ""
    """What is drawn, for those who cannot see it, where the labels of the axes do not say it."""
    topics: Callable[[Results], Sequence[str]] = lambda _: ("",)
    main: bool = False
    """Whether the first topic stands on the page; all others are in the appendix."""
    space: Callable[[FigureData], dict[str, object]] | None = None
    """Points in space that the page turns, each from -1 to 1, and their colours."""

    def data(self, results: Results) -> list[FigureData]:
        """Return what is known of each topic."""
        every = [
            FigureData(results, topic, self.table(results, topic)) for topic in self.topics(results)
        ]
        return [data for data in every if data.table[self.value].notna().any()]

    def stem(self, data: FigureData) -> str:
        """Return the name of the files, without suffix."""
        return "-".join(filter(None, (self.name, data.topic)))

    def alt_text(self, data: FigureData, figure: Figure) -> str:
        """Return the alternative text: what is drawn, and the range of each series."""
        known = data.table.dropna(subset=[self.value])
        of_topic = f" ({data.topic})" if data.topic else ""
        shows = self.shows or f"{figure.get_supylabel()} against {figure.get_supxlabel()}"
        return f"{shows}{of_topic}. {in_words(known, self.groups, self.value)}."


def in_words(rows: pd.DataFrame, groups: Sequence[str], value: str) -> str:
    """Return the range of a column in each group of rows.

    >>> table = pd.DataFrame({"size": [2, 2, 3], "speed": [0.0, 0.5, 0.8]})
    >>> in_words(table, ["size"], "speed")
    'k = 2: 0 to 0.5; k = 3: 0.8'
    """
    ranges = rows.groupby(list(groups), sort=False)[value].agg(["min", "max"])
    names = ranges.index if ranges.index.nlevels > 1 else [(name,) for name in ranges.index]
    return "; ".join(
        f"{', '.join(map(_named, groups, name))}: {_range(low, high)}"
        for name, (low, high) in zip(names, ranges.to_numpy(float), strict=True)
    )


SYMBOLS = {"size": "k = ", "beta": "β = ", "number": "layer ", "odd_energy_ratio": "ρ = "}


def _named(column: str, value: object) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else str(value)
    return SYMBOLS.get(column, "") + text


def _range(low: float, high: float) -> str:
    ends = dict.fromkeys(f"{round(end, 9):z.3g}" for end in (low, high))
    return " to ".join(ends)
