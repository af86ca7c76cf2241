"""What every figure of the report consists of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from mechcore.report.figures.layout import empty_figure
from mechcore.results.results import Results


@dataclass(frozen=True)
class FigureData:
    """What one figure shows."""

    results: Results
    topic: str
    """A kernel family, an activation or a bank, see `registry`."""
    table: pd.DataFrame
    """The numbers that are drawn, also written beside the figure."""


@dataclass(frozen=True)
class ReportFigure:
    """How a figure is made from results; it says so where there is nothing to show."""

    needs: str
    """The column of the table without whose values there is nothing to show."""
    tabulate: Callable[[Results, str], pd.DataFrame]
    paint: Callable[[FigureData], Figure]
    describe: Callable[[FigureData], str]
    """What the figure shows, in words and numbers, for those who cannot see it."""
    explain: Callable[[FigureData], str]
    """What a reader must know to read the figure."""
    raster: bool = False
    """Whether the figure is made of images, so that its PNG is the better copy."""
    turnable: Callable[[FigureData], dict[str, object]] | None = None
    """Points in space that the page turns, each from -1 to 1, and their colours."""

    def data(self, results: Results, topic: str) -> FigureData:
        """Return what the figure of a topic shows."""
        return FigureData(results, topic, self.tabulate(results, topic))

    def draw(self, data: FigureData) -> Figure:
        """Return the drawing."""
        return self.paint(data) if self._known(data) else empty_figure()

    def alt_text(self, data: FigureData) -> str:
        """Return the alternative text of the drawing."""
        if self._known(data):
            return self.describe(data)
        return f"An empty panel: there are 0 results of {data.topic} that this figure could show."

    def caption(self, data: FigureData) -> str:
        """Return the caption."""
        if self._known(data):
            return self.explain(data)
        return f"0 results of {data.topic} can be shown: none is known yet, or all are undefined."

    def space(self, data: FigureData) -> dict[str, object] | None:
        """Return what the page turns beside the drawing, if there is anything."""
        return self.turnable(data) if self.turnable and self._known(data) else None

    def _known(self, data: FigureData) -> bool:
        return bool(data.table[self.needs].notna().any())
