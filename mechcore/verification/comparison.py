"""One comparer of tables, and one of datasets."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from pandas.api.types import is_numeric_dtype

from mechcore.verification.certificate import Check, failed

SAME_SUMS = 1e-6
"""How far numbers of tables may be apart, relative or absolute: the same sums in another order on
another machine, and curves whose search ends at 1e-8 of their parameters."""


def compared_table(
    name: str, actual: pd.DataFrame, expected: pd.DataFrame, limit: float = SAME_SUMS
) -> Check:
    """Compare two tables value by value.

    Examples
    --------
    >>> first, second = pd.DataFrame({"slope": [1.0, 2.0]}), pd.DataFrame({"slope": [1.0, 2.1]})
    >>> compared_table("fits", first, second).failures
    ['fits: 1 of 2 values of slope differ, the first in row 2: 2.0, expected 2.1']
    """
    wrong = _other_form(actual, expected)
    if wrong:
        return failed("table", name, f"{name}: {wrong}", limit)
    apart = {column: _column_distances(actual, expected, column) for column in expected}
    values = np.concatenate(list(apart.values()))
    excused = int(np.count_nonzero(np.isnan(values)))
    return Check(
        name="table",
        statement=name,
        compared=len(values) - excused,
        excused=excused,
        largest=max(values[np.isfinite(values)].tolist(), default=None),
        limit=limit,
        failures=[
            f"{name}: {_first_wrong(actual[column], expected[column], distance > limit)}"
            for column, distance in apart.items()
            if (distance > limit).any()
        ],
    )


def differences(
    actual: xr.Dataset, expected: xr.Dataset, limit: float, unit: float = 0.0
) -> Iterator[str]:
    """Name the variables of a dataset that are missing, or too far from those expected.

    Distances are relative to the value, with a thousandth of the largest value of the variable
    and a unit added: where terms cancel, or the value is zero, rounding is not.
    """
    for name, variable in expected.variables.items():
        if name not in actual.variables:
            yield f"no variable {name}"
        elif actual[name].sizes != variable.sizes:
            yield f"{name} has the sizes {dict(actual[name].sizes)}, not {dict(variable.sizes)}"
        else:
            values = variable.values
            apart = _distances(actual[name].values, values, unit + _scale(values))
            if (worst := np.max(apart, initial=0.0)) > limit:
                yield f"{name} is {worst:.1e} away from what is expected"


def _distances(
    actual: ArrayLike, expected: ArrayLike, scale: ArrayLike = 1.0
) -> NDArray[np.float64]:
    """How far values are apart: numbers on a scale, other values by 0 or infinity."""
    first, second = np.asarray(actual), np.asarray(expected)
    if not {first.dtype.kind, second.dtype.kind} <= set("iuf"):
        return np.where(first.astype(str) == second.astype(str), 0.0, np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.abs(first.astype(np.float64) - second) / scale
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    return np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart))


def _scale(values: NDArray[np.generic]) -> NDArray[np.float64]:
    if values.dtype.kind not in "iuf":
        return np.ones(values.shape)
    size = np.abs(values.astype(np.float64))
    largest = float(np.max(size, where=np.isfinite(size), initial=0.0))
    return np.asarray(size + 1e-3 * largest)


def _other_form(actual: pd.DataFrame, expected: pd.DataFrame) -> str:
    """What is wrong with the columns and rows of a table, if anything is."""
    if list(actual) != list(expected):
        return f"other columns than {', '.join(map(str, expected))}"
    if len(actual) != len(expected):
        return f"{len(actual)} rows, expected {len(expected)}"
    rows = zip(actual.index, expected.index, strict=True)
    return next((f"row {row}, expected {other}" for row, other in rows if row != other), "")


def _column_distances(
    actual: pd.DataFrame, expected: pd.DataFrame, column: Hashable
) -> NDArray[np.float64]:
    """How far the values of a column are apart; NaN where they are decided by rounding."""
    first, second = (_values(table[column]) for table in (actual, expected))
    scale = np.fmax(np.abs(second), 1.0) if second.dtype.kind == "f" else 1.0
    return _distances(first, second, scale)


def _values(column: pd.Series) -> NDArray[np.generic]:
    if is_numeric_dtype(column) and column.dtype != bool:
        return column.to_numpy(np.float64, na_value=np.nan)
    return column.to_numpy(str)


def _first_wrong(column: pd.Series, expected: pd.Series, wrong: NDArray[np.bool_]) -> str:
    place = int(np.flatnonzero(wrong)[0])
    row = place + 1 if isinstance(expected.index, pd.RangeIndex) else expected.index[place]
    return (
        f"{wrong.sum()} of {len(wrong)} values of {column.name} differ, the first in row {row}: "
        f"{column.iloc[place]}, expected {expected.iloc[place]}"
    )
