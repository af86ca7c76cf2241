"""Verdicts and figures of judgements."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.claims.judgement import largest, measured, verdict
from mechcore.claims.verdict import IN_PART, NOT_REPRODUCED, REPRODUCED


def test_no_case_at_all_reproduces_nothing() -> None:
    assert verdict(pd.Series([], dtype=bool)) == NOT_REPRODUCED


def test_a_judge_decides_what_counts_as_a_part() -> None:
    mixed = pd.Series([True, False])
    assert (verdict(mixed), verdict(mixed, partly=False)) == (IN_PART, NOT_REPRODUCED)
    assert verdict(pd.Series([True]), partly=False) == REPRODUCED


def test_figures_without_a_number_have_no_value() -> None:
    assert [measured("", number, "px").value for number in (np.nan, np.inf, 1)] == [None, None, 1.0]


def test_largest_value_names_its_cell_and_skips_gaps() -> None:
    rows = pd.DataFrame({"cell": ["a", "b", "c"], "drift": [1.0, 2.0, np.nan]})
    figure = largest(rows, "drift", "drift", "px")
    assert (figure.value, figure.source) == (2.0, "trajectories/b.nc")
    assert largest(rows, "drift", "drift", "px", "controls.nc").source == "controls.nc"
    assert largest(rows.iloc[2:], "drift", "drift", "px").value is None
