"""Means and their intervals."""

from __future__ import annotations

from typing import NamedTuple

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A mean and its interval, which is NaN with too few replicates."""

    value: float
    low: float
    high: float
