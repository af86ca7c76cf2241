"""What one figure shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    pass
from mechcore.results.results import Results


@dataclass(frozen=True)
class FigureData:
    """What one figure shows."""

    results: Results
    """The results."""
    topic: str
    """What the figure is about, as a kernel family."""
    table: pd.DataFrame
    """The data that are drawn."""
