"""The comparers: numbers are close by their size, all else is equal or not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from mechcore.verification.comparison import compared_table, differences

NAN = float("nan")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ([1.0, NAN], [1.0, NAN], True),
        ([1.0, NAN], [1.0, 2.0], False),
        ([1.0, np.inf], [1.0, np.inf], True),
        ([1.0, np.inf], [1.0, -np.inf], False),
        ([1e-20, 1.0], [3e-20, 1.0], True),
        ([1e9, 1.0], [1e9 + 1, 1.0], True),
        ([0.0, 1.0], [1e-5, 1.0], False),
        (["a", "b"], ["a", "b"], True),
        (["a", "b"], ["a", "c"], False),
        ([True, False], [True, True], False),
        (pd.array([1, None], dtype="Int64"), pd.array([1, None], dtype="Int64"), True),
        (pd.array([1, None], dtype="Int64"), pd.array([1, 2], dtype="Int64"), False),
    ],
)
def test_columns_are_compared_by_their_size(first: object, second: object, same: bool) -> None:
    tables = (pd.DataFrame({"column": values}) for values in (first, second))
    assert compared_table("table", *tables).holds is same


@pytest.mark.parametrize(
    ("actual", "message"),
    [
        ({"slope": [2.0], "r2": [1.0]}, "fits: 1 rows, expected 2"),
        ({"slope": [1.0, 2.0]}, "fits: other columns than slope, r2"),
        ({"slope": [1.0, 2.0], "r2": [1.0, 0.5]}, "fits: 1 of 2 values of r2 differ, the first in"),
    ],
)
def test_rows_and_columns_must_be_the_same(actual: dict[str, object], message: str) -> None:
    table = pd.DataFrame({"slope": [1.0, 2.0], "r2": [1.0, 1.0]})
    check = compared_table("fits", pd.DataFrame(actual), table)
    assert check.failures[0].startswith(message)
    (failure,) = compared_table("fits", table, table.set_axis(["a", "b"])).failures
    assert failure == "fits: row 0, expected a"


EXPECTED = xr.Dataset(
    {"taps": ("x", [1.0, 1e-9, 0.0]), "edge": ("x", [np.inf, 3.0, NAN]), "name": ((), "conv")}
)


@pytest.mark.parametrize(
    ("name", "variable", "line"),
    [
        ("taps", ("x", [1.0, 1e-9, 0.0]), ""),
        ("taps", ("x", [1.0, 1.001e-9, 1e-13]), ""),
        ("taps", ("x", [1.0, 1e-9, 1e-11]), "taps is 1.0e-08 away"),
        ("taps", ("y", [1.0, 1e-9]), "taps has the sizes {'y': 2}, not {'x': 3}"),
        ("edge", ("x", [np.inf, 4.0, NAN]), "edge is 3.3e-01 away"),
        ("edge", ("x", [9.0, 3.0, NAN]), "edge is inf away"),
        ("edge", ("x", [np.inf, 3.0, 3.0]), "edge is inf away"),
        ("name", ((), "fc"), "name is inf away"),
    ],
)
def test_variables_are_compared_by_their_size(name: str, variable: object, line: str) -> None:
    lines = list(differences(EXPECTED.assign({name: variable}), EXPECTED, limit=1e-9))
    assert len(lines) == bool(line)
    assert (lines or [""])[0].startswith(line)


def test_a_missing_variable_is_named() -> None:
    assert list(differences(xr.Dataset(), EXPECTED[["taps"]], 1e-9)) == ["no variable taps"]
