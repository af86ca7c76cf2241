"""Ranges of beta that are fitted: all, those at which the exact theory holds, those beyond."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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
    points: Mapping[str, NDArray[Any]]
    """Its columns: tables of a few rows cost pandas a millisecond a question."""


def samples(points: pd.DataFrame) -> Iterator[Sample]:
    """Yield a sample for each cell, pattern and domain, as they first appear; it may be empty."""
    inside = {domain: belongs(points).to_numpy(bool) for domain, belongs in DOMAINS.items()}
    columns = {str(name): points[name].to_numpy() for name in points}
    numbers = points.groupby(["cell", "pattern"], sort=False).ngroup().to_numpy()
    for number in range(numbers.max(initial=-1) + 1):
        rows = np.flatnonzero(numbers == number)
        cell, pattern = (str(columns[name][rows[0]]) for name in ("cell", "pattern"))
        for domain, chosen in inside.items():
            used = rows[chosen[rows]]
            of_sample = {name: values[used] for name, values in columns.items()}
            yield Sample(cell, pattern, domain, of_sample)


def known_rows(sample: Sample, *names: str) -> list[NDArray[Any]]:
    """Return columns of a sample at the points where the first two are known, which are fitted."""
    known = ~np.isnan(sample.points[names[0]] + sample.points[names[1]])
    return [sample.points[name][known] for name in names]
