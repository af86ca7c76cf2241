"""Fitted lines and their confidence bands, from the rows of the table of regressions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from mechcore.domains import EVERYWHERE

POINTS = 13
"""Points along a band, which is a hyperbola."""


def fitted_row(
    regressions: pd.DataFrame, cell: str, pattern: str, predictor: str
) -> pd.Series | None:
    """Return the line through all betas of a cell and pattern.

    Parameters
    ----------
    regressions : pandas.DataFrame
        The table of regressions.
    cell, pattern, predictor : str
        What was fitted.

    Returns
    -------
    pandas.Series or None
        Its row; None without a fit, as with fewer than three points.
    """
    chosen = (
        (regressions.cell == cell)
        & (regressions.pattern == pattern)
        & (regressions.predictor == predictor)
        & (regressions.domain == EVERYWHERE)
    )
    rows = regressions[chosen & np.isfinite(regressions.slope)]
    return rows.iloc[0] if len(rows) else None


def confidence_band(
    row: pd.Series, used: NDArray[np.float64], where: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the half width of the confidence band of a fitted line.

    Parameters
    ----------
    row : pandas.Series
        A row of the table of regressions.
    used : (n,) ndarray
        Values of the predictor that were fitted.
    where : (m,) ndarray
        Values of the predictor at which the band is wanted.

    Returns
    -------
    (m,) ndarray
        Half width of the interval of the mean, px/layer, at the confidence of the table.

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
    """Draw a fitted line with its confidence band.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where.
    row : pandas.Series
        A row of the table of regressions.
    used : (n,) ndarray
        Values of the predictor that were fitted.
    **style : object
        Of the line; its colour is the band's as well.
    """
    where = np.linspace(used.min(), used.max(), POINTS)
    line = row.intercept + row.slope * where
    band = confidence_band(row, used, where)
    axes.fill_between(where, line - band, line + band, color=style["color"], alpha=0.18, lw=0)
    axes.plot(where[[0, -1]], line[[0, -1]], gid="fit", **style)
