"""What a judge returns: a verdict, the figures behind it, and where it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mechcore.claims.verdict import IN_PART, NOT_REPRODUCED, REPRODUCED, Figure
from mechcore.experiment.paths import TRAJECTORIES


@dataclass(frozen=True)
class Judgement:
    """The outcome of a test."""

    verdict: str
    figures: list[Figure]
    """The first one decides; readers see the others on request."""
    range: str


def verdict(holds: pd.Series, *, partly: bool | None = None) -> str:
    """Return the verdict on a claim: by its cases, and by what counts as a part of it.

    >>> verdict(pd.Series([True, False]))
    'reproduced in part'
    """
    if len(holds) and holds.all():
        return REPRODUCED
    some = bool(holds.any()) if partly is None else partly
    return IN_PART if some else NOT_REPRODUCED


def measured(name: str, value: float, unit: str = "1", source: str | None = None) -> Figure:
    """Return a figure; JSON has no NaN or infinity, so these become None."""
    known = float(value) if np.isfinite(value) else None
    return Figure(name=name, value=known, unit=unit, source=source)


def percentage(name: str, share: float, source: str | None = None) -> Figure:
    """Return a share as a figure in per cent."""
    return measured(name, 100 * share, "%", source)


def with_interval(name: str, interval: Sequence[float], unit: str, source: str) -> list[Figure]:
    """Return a mean and the ends of its interval as figures; shares in per cent."""
    names = (name, f"{name}: at least", f"{name}: at most")
    scale = 100 if unit == "%" else 1
    values = zip(names, interval, strict=True)
    return [measured(each, scale * value, unit, source) for each, value in values]


def largest(
    rows: pd.DataFrame, column: str, name: str, unit: str = "1", source: str | None = None
) -> Figure:
    """Return the largest value of a column; its source is that file, or its cell's trajectories."""
    known = rows[np.isfinite(rows[column])]
    if known.empty:
        return Figure(name=name, value=None, unit=unit)
    row = known.loc[known[column].idxmax()]
    return measured(name, row[column], unit, source or trajectories_file(row))


def trajectories_file(row: pd.Series) -> str:
    """Return the file of the trajectories behind a row of a table."""
    return f"{TRAJECTORIES}/{row['cell']}.nc"
