"""Fitted lines and their confidence bands, from the rows of the table of regressions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mechcore.analysis.beta_ranges import EVERYWHERE

POINTS = 13
"""Points along a band, which is a hyperbola."""

EXTENDED: dict[str, Any] = {"lw": 0.8, "ls": (0, (5, 3)), "alpha": 0.5, "gid": "extension"}
"""A line beyond the points that it was fitted to."""


def fitted_row(
    regressions: pd.DataFrame, cell: str, pattern: str, predictor: str, domain: str = EVERYWHERE
) -> pd.Series | None:
    """Return the line through the betas of a cell and pattern that belong to a domain."""
    chosen = (
        (regressions.cell == cell)
        & (regressions.pattern == pattern)
        & (regressions.predictor == predictor)
        & (regressions.domain == domain)
    )
    rows = regressions[chosen & np.isfinite(regressions.slope)]
    return rows.iloc[0] if len(rows) else None


def confidence_band(
    row: pd.Series, used: NDArray[np.float64], where: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the half width of the confidence band of a fitted line.

    Notes
    -----
    The table holds the slope's standard error s / sqrt(S_xx) and its interval, so the residual
    scatter s and the quantile of Student's t follow without fitting again.
    """
    spread = float(np.sum((used - used.mean()) ** 2))
    half = float(row.ci_high - row.ci_low) / 2
    band: NDArray[np.float64] = half * np.sqrt(spread / len(used) + (where - used.mean()) ** 2)
    return band


def draw_fit(axes: Axes, row: pd.Series, used: NDArray[np.float64], **style: Any) -> None:
    """Draw a fitted line with its confidence band."""
    where = np.linspace(used.min(), used.max(), POINTS)
    line = row.intercept + row.slope * where
    band = confidence_band(row, used, where)
    axes.fill_between(where, line - band, line + band, color=style["color"], alpha=0.18, lw=0)
    axes.plot(where[[0, -1]], line[[0, -1]], gid="fit", **style)


def draw_line(
    axes: Axes, row: pd.Series, used: NDArray[np.float64], end: float, **style: Any
) -> None:
    """Draw a fitted line over what was fitted, and faintly on to the last point."""
    places = np.array([used.min(), used.max(), max(used.max(), end)])
    line = row.intercept + row.slope * places
    axes.plot(places[:2], line[:2], **style)
    axes.plot(places[1:], line[1:], **style | EXTENDED)
