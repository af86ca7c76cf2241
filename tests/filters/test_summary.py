"""Many kernels as one."""

from __future__ import annotations

import numpy as np
import pytest

from mechcore.filters.analysis import analyse
from mechcore.filters.summary import effective_number, kernel_table, summarise


def test_effective_numbers_of_any_scale() -> None:
    assert effective_number(np.array([1e300, 1.0, 0.0])) == 1.0
    assert effective_number(np.full(7, 1e-300)) == pytest.approx(7, rel=1e-12)
    assert effective_number(np.zeros(3)) == 0.0


def test_alignment_is_one_if_all_kernels_point_the_same_way() -> None:
    gradient = np.array([[-1.0, 1.0], [-1.0, 1.0]])
    same, opposed = np.stack([gradient, 2 * gradient]), np.stack([gradient, -gradient])
    groups = np.zeros(2, dtype=int)
    for kernels, expected in ((same, 1.0), (opposed, 0.0)):
        row = summarise(kernel_table(analyse(kernels)), groups, 1)
        assert row.alignment[0] == pytest.approx(expected, abs=1e-12)
