"""Numbers as text."""

from __future__ import annotations

import numpy as np
import pytest

from mechcore.report.numbers import NOTHING, interval, significant, with_error


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (-1.5, 0.25, "−1.50 ± 0.25"),
        (123.4, 31.0, "123 ± 31"),
        (0.5, 0.0, "0.500000 ± 0.000000"),
        (np.nan, np.nan, NOTHING),
        (0.5, np.nan, "0.5"),
    ],
)
def test_digits_follow_the_error(value: float, error: float, text: str) -> None:
    assert with_error(value, error) == text


def test_interval_without_an_end_is_none() -> None:
    assert interval(0.5, np.nan, 0.1) == NOTHING


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (-3.0, "−3"),
        (np.inf, "∞"),
        (1.5e12, "1.5 × 10¹²"),
        (0.123456, "0.1235"),
    ],
)
def test_numbers_without_an_error_keep_four_digits(value: float, text: str) -> None:
    assert significant(value) == text
