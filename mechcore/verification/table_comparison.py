"""Two tables that should be the same, value by value."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from mechcore.verification.certificate import Check, failed
from mechcore.verification.distances import distances

SAME_SUMS = 1e-6
"""How far numbers of tables may be apart, relative or absolute: the same sums in another order on
another machine, and curves whose search ends at 1e-8 of their parameters."""

PERFECT = 1e-9
"""Of a line with smaller residuals the information criterion is the logarithm of rounding."""

CRITERIA, RESIDUAL = ("aic", "delta_aic"), "worst_residual"


def compared_table(
    table: pd.DataFrame,
    again: pd.DataFrame,
    name: str,
    *,
    columns: Iterable[str] | None = None,
    limit: float = SAME_SUMS,
) -> Check:
    """Compare two tables with the same rows, column by column.

    Examples
    --------
    >>> first, second = pd.DataFrame({"slope": [1.0, 2.0]}), pd.DataFrame({"slope": [1.0, 2.1]})
    >>> compared_table(first, second, "fits").failures
    ['fits: 1 of 2 values of slope differ, the first in row 2: 2.0, expected 2.1']
    """
    compared = list(again.columns if columns is None else columns)
    if len(table) != len(again):
        wrong = f"{name}: {len(table)} rows, expected {len(again)}"
        return failed("table", name, wrong).model_copy(update={"limit": limit})
    apart = {column: _columns_apart(table, again, column) for column in compared}
    rounding = sum(int(np.isnan(distance).sum()) for distance in apart.values())
    return Check(
        name="table",
        statement=name,
        compared=len(again) * len(compared) - rounding,
        excused=rounding,
        largest=largest_finite(one for distance in apart.values() for one in distance.tolist()),
        limit=limit,
        failures=[
            f"{name}: {_first_wrong(table[column], again[column], distance > limit)}"
            for column, distance in apart.items()
            if (distance > limit).any()
        ],
    )


def values_apart(first: pd.Series, second: pd.Series) -> NDArray[np.float64]:
    """Return how far values are apart.

    Examples
    --------
    >>> values_apart(pd.Series([0.5, 30.0]), pd.Series([0.25, 20.0])).tolist()
    [0.25, 0.5]
    """
    if not all(is_numeric_dtype(one) and one.dtype != bool for one in (first, second)):
        same = (first.astype(str) == second.astype(str)).to_numpy()
        return np.where(same, 0.0, np.inf)
    a, b = (one.to_numpy(float, na_value=np.nan) for one in (first, second))
    return distances(a, b, np.fmax(np.abs(b), 1.0))


def largest_finite(distances: Iterable[float]) -> float | None:
    """Return the largest distance that is finite.

    Examples
    --------
    >>> largest_finite([1.0, math.inf, math.nan])
    1.0
    """
    finite = [one for one in distances if math.isfinite(one)]
    return max(finite, default=None)


def _columns_apart(table: pd.DataFrame, again: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """How far the values of a column are apart; not a number for those that are rounding."""
    distance = values_apart(*(one[column].reset_index(drop=True) for one in (table, again)))
    if column not in CRITERIA or RESIDUAL not in again:
        return distance
    return np.where(again[RESIDUAL].abs() < PERFECT, np.nan, distance)


def _first_wrong(column: pd.Series, again: pd.Series, wrong: NDArray[np.bool_]) -> str:
    """What is told of a column with wrong values."""
    row = int(np.flatnonzero(wrong)[0])
    return (
        f"{wrong.sum()} of {len(wrong)} values of {column.name} differ, the first in row "
        f"{row + 1}: {column.iloc[row]}, expected {again.iloc[row]}"
    )
