"""What every figure of the report consists of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

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
    """How a figure is made from results."""

    table: Callable[[Results, str], pd.DataFrame]
    draw: Callable[[FigureData], Figure]
    alt_text: Callable[[FigureData], str]
    """What the figure shows, in words and numbers, for those who cannot see it."""
    caption: Callable[[FigureData], str]
    """What a reader must know to read the figure."""
    raster: bool = False
    """Whether the figure is made of images, so that its PNG is the better copy."""

    def data(self, results: Results, topic: str) -> FigureData:
        """Return what the figure of a topic shows."""
        return FigureData(results, topic, self.table(results, topic))
