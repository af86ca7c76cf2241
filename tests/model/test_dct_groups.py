"""Groups of DCT components: the order of the authors, and the bases that they name."""

from __future__ import annotations

import numpy as np
import pytest

from mechcore.errors import InvalidValue
from mechcore.model.dct_groups import component_counts, components, dct_bases, dct_groups


def test_the_groups_of_3x3_are_those_of_the_authors() -> None:
    groups = [sorted(places) for places in dct_groups(3).values()]
    theirs = [[(0, 0)], [(0, 1), (1, 0)], [(1, 1)], [(0, 2), (2, 0)], [(1, 2), (2, 1)], [(2, 2)]]
    assert groups == theirs
    assert component_counts(3) == [1, 3, 4, 6, 8, 9]


@pytest.mark.parametrize("size", [2, 3, 5])
def test_bases_are_orthonormal_and_odd_where_their_frequencies_add_up_to_odd(size: int) -> None:
    bases = dct_bases(size)
    lines = bases.reshape(size**2, -1)
    # Sums over at most 25 products of numbers below one.
    np.testing.assert_allclose(lines @ lines.T, np.eye(size**2), atol=1e-14)
    v, u = np.indices((size, size))
    sign = np.where((v + u) % 2, -1, 1)[..., np.newaxis, np.newaxis]
    np.testing.assert_array_equal(bases[..., ::-1, ::-1], sign * bases)


@pytest.mark.parametrize(
    ("restriction", "count"),
    [("all", 9), ("9", 9), ("1", 1), ("6", 6), ("d01", 2), ("d11-d22", 2), ("d00-d01", 3)],
)
def test_a_restriction_leaves_components(restriction: str, count: int) -> None:
    assert components(restriction, 3).sum() == count


@pytest.mark.parametrize("restriction", ["2", "d03", "d00-", "", "many"])
def test_what_is_no_restriction_is_refused(restriction: str) -> None:
    with pytest.raises(InvalidValue, match="expected all, 1, 3, 4, 6, 8, 9, or groups"):
        components(restriction, 3)
