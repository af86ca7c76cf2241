"""Straight lines through data with gaps, along the last axis of arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mechcore.io.arrays import Array

FEWEST_POINTS = 3
"""A line through fewer points has no standard error."""


@dataclass(frozen=True)
class Lines:
    """Least-squares lines: slope, its standard error, value at zero; NaN below three points."""

    slope: Array
    slope_se: Array
    intercept: Array


def fit_lines(x: Array, y: Array, *, through_origin: bool = False) -> Lines:
    """Fit least-squares lines along the last axis, leaving out what is not finite.

    ``x`` is (n,) or (..., n), ``y`` (..., n): one line for each leading index.
    """
    known = np.isfinite(x) & np.isfinite(y)
    count = known.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = np.where(known, x, 0.0), np.where(known, y, 0.0)
        mean_x, mean_y = x.sum(axis=-1) / count, y.sum(axis=-1) / count
        if through_origin:
            mean_x, mean_y = np.zeros_like(mean_x), np.zeros_like(mean_y)
        from_x = np.where(known, x - mean_x[..., np.newaxis], 0.0)
        from_y = np.where(known, y - mean_y[..., np.newaxis], 0.0)
        spread = np.sum(from_x**2, axis=-1)
        slope = np.sum(from_x * from_y, axis=-1) / spread
        residual = from_y - slope[..., np.newaxis] * from_x
        slope_se = np.sqrt(np.sum(residual**2, axis=-1) / (count - 2) / spread)
    enough = count >= FEWEST_POINTS
    return Lines(
        np.where(enough, slope, np.nan),
        np.where(enough, slope_se, np.nan),
        np.where(enough, mean_y - slope * mean_x, np.nan),
    )
