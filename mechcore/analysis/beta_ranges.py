"""Ranges of beta that are fitted: all, those at which the exact theory holds, those beyond."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

BETA_ROUNDING = 1e-12
"""The betas of the tables are measured on kernels and rounded to 12 digits, beta* is not."""


def within_theory(points: pd.DataFrame) -> pd.Series:
    """Return at which betas no kernel behind a point has a negative tap: those up to beta*.

    ``beta_star`` is the smallest over the angles whose mean a point is. A beta* of NaN, as of a
    ``highpass`` kernel, means that there is none at any beta: rectification acts even at beta = 0.
    """
    return points.beta <= points.beta_star + BETA_ROUNDING


DOMAINS: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "all beta": lambda points: pd.Series(data=True, index=points.index),
    "beta <= beta*": within_theory,
    "beta > beta*": lambda points: ~within_theory(points),
}

EVERYWHERE, UP_TO_BETA_STAR = "all beta", "beta <= beta*"
"""The domain of all points, and that in which the theory can be exact."""

DOMAIN_SYMBOLS = {EVERYWHERE: "all β", UP_TO_BETA_STAR: "β ≤ β*", "beta > beta*": "β > β*"}


@dataclass(frozen=True)
class Sample:
    """The points of a cell and pattern in a domain, rows of `regressions.mean_speeds`."""

    cell: str
    pattern: str
    domain: str
    points: pd.DataFrame


def samples(points: pd.DataFrame) -> Iterator[Sample]:
    """Yield a sample for each cell, pattern and domain; it may be empty."""
    inside = {domain: belongs(points) for domain, belongs in DOMAINS.items()}
    for (cell, pattern), group in points.groupby(["cell", "pattern"], sort=False):
        for domain, chosen in inside.items():
            yield Sample(str(cell), str(pattern), domain, group[chosen[group.index]])
