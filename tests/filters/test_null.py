"""Shares of the energy of untrained weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mechcore.filters.analysis import analyse
from mechcore.filters.null import BetaLaw, null_law, null_limit, subspace_dimensions
from mechcore.filters.summary import effective_numbers


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (5, 5), (1, 5), (3, 5)])
@pytest.mark.parametrize(
    "share", ["odd_energy_ratio", "isotropic_share", "asymmetric_share", "low_frequency_share"]
)
def test_law_of_chance_is_that_of_random_weights(shape: tuple[int, int], share: str) -> None:
    actual = analyse(np.random.default_rng(3).standard_normal((20_000, *shape)))[share].values
    law = null_law(share, *shape)
    # Seeded: a true law would fail so rarely, and one that is a few per cent off always.
    assert stats.kstest(actual, stats.beta(*law).cdf).pvalue > 1e-3


@pytest.mark.parametrize("spread", [0.0, 1.0], ids=["alike", "unequal"])
def test_limit_of_chance_of_many_kernels_is_passed_once_in_a_thousand(spread: float) -> None:
    random, trials, kernels = np.random.default_rng(4), 20_000, 100
    # Energies as a layer has them, directions by chance.
    energies = np.exp(spread * random.standard_normal(kernels))
    shares = random.beta(3 / 2, 6 / 2, (trials, kernels))
    actual = shares @ energies / energies.sum()
    (effective,) = effective_numbers(energies, np.zeros(kernels, int), 1)
    limit = null_limit("low_frequency_share", 3, 3, effective)
    # Twenty are expected; so few or so many come by chance once in a thousand times or less. The
    # law has the mean and the variance of these sums, not all of their shape.
    assert 5 < (actual > limit).sum() < 40
    law = null_law("low_frequency_share", 3, 3, effective)
    assert actual.std() == pytest.approx(stats.beta(*law).std(), rel=0.02)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (2, 2), (3, 3), (3, 5), (8, 8)])
def test_dimensions_of_the_parts_add_up(shape: tuple[int, int]) -> None:
    parts = subspace_dimensions(*shape)
    disjoint = ("odd_energy_ratio", "isotropic_share", "anisotropic_share")
    assert sum(parts[name] for name in disjoint) == np.prod(shape)
    assert parts["asymmetric_share"] == parts["odd_energy_ratio"] + parts["anisotropic_share"]


@pytest.mark.parametrize(
    ("size", "a", "b"), [(2, 1.5, 0.5), (3, 3, 1.5), (5, 9.5, 3), (7, 19.5, 5)]
)
def test_law_of_the_asymmetric_share_is_that_of_the_authors(size: int, a: float, b: float) -> None:
    law = null_law("asymmetric_share", size, size)
    # (n^2 - r)/2 and r/2, r orbits of the taps; 1e-15: a quotient of them.
    assert law == pytest.approx((a, b), rel=1e-15)


@given(st.floats(0.5, 500), st.floats(0.5, 500), st.floats(0.01, 0.99))
def test_functions_of_the_law_are_those_of_scipy(a: float, b: float, x: float) -> None:
    law, expected = BetaLaw(a, b), stats.beta(a, b)
    for name in ("pdf", "cdf", "isf"):
        # Logarithms of some hundreds, to 16 digits.
        assert getattr(law, name)(x) == pytest.approx(getattr(expected, name)(x), rel=1e-9)
