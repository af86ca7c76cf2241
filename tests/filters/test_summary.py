"""Many kernels as one."""

from __future__ import annotations

import numpy as np
import pytest

from mechcore.filters.analysis import analyse
from mechcore.filters.summary import effective_numbers, kernel_table, summarise


def test_effective_numbers_of_any_scale() -> None:
    energies = [[1e300, 1.0, 0.0], [1e-300] * 3, [0.0] * 3]
    numbers = effective_numbers(np.ravel(energies), np.repeat(np.arange(4), [3, 3, 3, 0]), 4)
    assert numbers == pytest.approx([1, 3, 0, 0], rel=1e-12)


def test_alignment_is_one_if_all_kernels_point_the_same_way() -> None:
    gradient = np.array([[-1.0, 1.0], [-1.0, 1.0]])
    same, opposed = np.stack([gradient, 2 * gradient]), np.stack([gradient, -gradient])
    groups = np.zeros(2, dtype=int)
    for kernels, expected in ((same, 1.0), (opposed, 0.0)):
        row = summarise(kernel_table(analyse(kernels)), groups, 1)
        assert row.alignment[0] == pytest.approx(expected, abs=1e-12)
