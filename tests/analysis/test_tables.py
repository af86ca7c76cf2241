"""CSV tables: read as they were written, and anything else is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mechcore.analysis.measures import METRICS
from mechcore.analysis.tables import read_metrics, read_table, write_table
from tests.helpers.refusals import refused
from tests.helpers.simulated import metrics_of, theory

Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    columns = {
        "kernel": ["dct", "dct", "binomial"],
        "beta": [0.0, 0.6, 0.6],
        "size": [2, 2, 3],
        "extinct_at": [None, 4, None],
        "ill_conditioned": [True, False, False],
    }
    write_table(pd.DataFrame(columns).astype({"extinct_at": "Int64"}), tmp_path / "table.csv")
    return tmp_path / "table.csv"


def assert_refused(path: Path, *parts: str) -> None:
    columns = ["kernel", "beta", "size", "extinct_at", "ill_conditioned"]
    with refused(str(path), *parts):
        read_table(path, columns, ["kernel", "beta"])


def test_metrics_are_read_as_they_were_written(tmp_path: Path) -> None:
    table = metrics_of(theory(3)).assign(ill_conditioned=False)
    table = table.astype({"extinct_at": "Int64"})
    table.loc[3, "extinct_at"] = 7
    write_table(table, tmp_path / "metrics.csv")
    read = read_metrics(tmp_path / "metrics.csv")
    assert tuple(read) == (*METRICS, "end_speed_10")
    pd.testing.assert_frame_equal(read, table, check_dtype=False)
    assert read.extinct_at.dtype == "Int64"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns=["size", "beta"]), "no column beta, size"),
        (lambda table: table[:0], "no rows, expected at least one"),
        # To pandas, truth is a number.
        (lambda table: table.assign(beta=True), "beta in line 2 is True, expected a number"),
        (lambda table: table.iloc[[0, 1, 2, 1]], "line 5 repeats kernel dct, beta 0.6"),
    ],
)
def test_another_table_is_refused(path: Path, change: Change, message: str) -> None:
    change(pd.read_csv(path)).to_csv(path, index=False)
    assert_refused(path, message)


@pytest.mark.parametrize("text", ["", "\n", '"', "a,b\n1,2\n1,2,3\n", "\x00\x01"])
def test_other_files_are_no_tables(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")
    assert_refused(path)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("beta", "fast", "beta in line 3 is 'fast', expected a number or nothing"),
        ("beta", "True", "beta in line 3 is 'True', expected a number or nothing"),
        ("beta", "1;5", "beta in line 3 is '1;5', expected a number or nothing"),
        ("ill_conditioned", None, "in line 3 is empty, expected True or False"),
        ("ill_conditioned", "maybe", "in line 3 is 'maybe', expected True or False"),
        ("extinct_at", "2.5", "in line 3 is 2.5, expected a layer or nothing"),
        ("size", "2.5", "size in line 3 is 2.5, expected a whole number"),
        ("size", "inf", "size in line 3 is inf, expected a whole number"),
        ("size", None, "size in line 3 is empty, expected a whole number"),
        ("kernel", None, "kernel in line 3 is empty, expected a name"),
    ],
)
def test_a_wrong_value_is_shown_with_its_line(
    column: str, value: object, message: str, path: Path
) -> None:
    table = pd.read_csv(path, dtype=object)
    table.loc[1, column] = value
    table.to_csv(path, index=False)
    assert_refused(path, message)


def test_a_late_text_in_a_long_column_is_refused_without_a_warning(tmp_path: Path) -> None:
    # pandas reads large files in pieces of a quarter million rows or less.
    values = [*map(str, range(400_000)), "end"]
    pd.DataFrame({"speed": values}).to_csv(tmp_path / "a.csv", index=False)
    with refused("line 400002 is 'end'"):
        read_table(tmp_path / "a.csv", ["speed"])


def test_zeros_have_no_sign(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": [-0.0, 0.0, -1.5], "n": [1, 2, 3], "cell": ["-0.0", "b", "c"]})
    write_table(table, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "x,n,cell\n0.0,1,-0.0\n0.0,2,b\n-1.5,3,c\n"
    assert np.signbit(table.x[0])
