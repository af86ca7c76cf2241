"""Decomposition: orthogonal parts and the mechanical quantities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechcore.model.decomposition import (
    Decomposition,
    decompose,
    first_moments,
    isotropic_part,
    measured_betas,
    parities,
)
from mechcore.model.kernels import even_part, kernel, odd_part
from tests.helpers.oracles import Array, any_kernels, family_kernels, of, run_one, seeded_kernels

CLOSE = 1e-14
"""Relative rounding of sums of at most 121 products of taps."""


def symmetries(taps: Array) -> list[Array]:
    """All symmetries of the square, or of the rectangle."""
    turned = [taps, taps.T] if taps.shape[0] == taps.shape[1] else [taps]
    return [view[::i, ::j] for view in turned for i in (1, -1) for j in (1, -1)]


def parts_of(parts: Decomposition) -> list[Array]:
    return [parts.isotropic, parts.anisotropic, parts.odd]


@given(any_kernels())
def test_parts_add_up_are_orthogonal_and_share_the_energy(taps: Array) -> None:
    parts = decompose(taps)
    scale = np.sum(taps**2)
    np.testing.assert_allclose(sum(parts_of(parts)), taps, atol=CLOSE * math.sqrt(scale))
    np.testing.assert_allclose(parts.even + parts.odd, taps, atol=CLOSE * math.sqrt(scale))
    for i, first in enumerate(parts_of(parts)):
        for second in parts_of(parts)[:i]:
            assert abs(np.sum(first * second)) <= CLOSE * scale
    for squares in (
        parts.rest_mass**2 + parts.momentum**2,
        sum(np.sum(part**2) for part in parts_of(parts)),
    ):
        assert squares == pytest.approx(parts.energy**2, rel=CLOSE)
    np.testing.assert_array_equal(parts.even, parts.even[::-1, ::-1])
    np.testing.assert_array_equal(parts.odd, -parts.odd[::-1, ::-1])


@given(any_kernels())
def test_mechanics_obey_the_identities_of_relativity(taps: Array) -> None:
    parts = decompose(taps)
    assert 0 <= parts.beta <= 1 + CLOSE
    assert parts.odd_energy_ratio == pytest.approx(parts.beta**2, rel=CLOSE)
    if parts.rest_mass > 1e-3 * parts.energy:
        assert parts.celerity == pytest.approx(parts.gamma * parts.beta, rel=CLOSE)
        # 1e-8: 1 - beta^2 loses up to six digits at a gamma of a thousand.
        assert parts.gamma == pytest.approx(1 / math.sqrt(1 - parts.beta**2), rel=1e-8)
        assert parts.rapidity == pytest.approx(math.atanh(parts.beta), rel=1e-8)
        assert math.cosh(parts.rapidity) == pytest.approx(parts.gamma, rel=1e-12)  # a log, an exp


@given(seeded_kernels(signed=True), st.floats(1e-6, 1e6))
def test_ratios_do_not_depend_on_scale_or_sign(taps: Array, scale: float) -> None:
    first, other = decompose(taps), decompose(-scale * taps)
    for name in ("beta", "gamma", "celerity", "rapidity"):
        # 1e-9: gamma of a nearly odd kernel has lost digits in the even part.
        assert getattr(first, name) == pytest.approx(getattr(other, name), rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(
        other.momentum_vector, -scale * first.momentum_vector, rtol=1e-9, atol=1e-11 * scale
    )


@given(seeded_kernels(signed=True), st.floats(1e-300, 1e300))
def test_nothing_overflows_or_vanishes_at_any_scale(taps: Array, scale: float) -> None:
    unit = taps / np.linalg.norm(taps)
    first, other = decompose(unit), decompose(scale * unit)
    # 1e-14: the taps are rounded once, and the sums of their squares.
    assert other.beta == pytest.approx(first.beta, rel=CLOSE, abs=CLOSE)
    sizes = [first.energy, first.rest_mass, first.momentum, *first.momentum_vector]
    scaled = [other.energy, other.rest_mass, other.momentum, *other.momentum_vector]
    np.testing.assert_allclose(scaled, scale * np.array(sizes), atol=1e-12 * scale)


@pytest.mark.parametrize("factor", [2.0**-1021, 2.0**1023])
def test_at_the_ends_of_the_range_of_numbers_ratios_stay_exact(factor: float) -> None:
    taps = np.array([[1.0, 1.75, 0.5]])
    first, other = decompose(taps), decompose(factor * taps)
    for name in ("beta", "gamma", "celerity", "rapidity", "momentum_angle"):
        assert getattr(other, name) == getattr(first, name)
    np.testing.assert_array_equal(other.odd, factor * first.odd)
    np.testing.assert_array_equal(other.momentum_vector, factor * first.momentum_vector)
    with np.errstate(over="ignore"):
        assert other.energy == np.multiply(factor, first.energy)  # infinite for the large one


@given(any_kernels())
def test_isotropic_part_is_the_mean_over_the_symmetries(taps: Array) -> None:
    parts = decompose(taps)
    size = np.linalg.norm(taps)
    group = symmetries(taps)
    assert len(group) == (8 if taps.shape[0] == taps.shape[1] else 4)
    np.testing.assert_allclose(parts.isotropic, np.mean(group, axis=0), atol=CLOSE * size)
    for view in symmetries(parts.isotropic):
        np.testing.assert_allclose(view, parts.isotropic, atol=CLOSE * size)


@given(any_kernels())
def test_decomposing_twice_changes_nothing(taps: Array) -> None:
    parts = decompose(taps)
    for name in ("even", "odd", "isotropic"):
        part = getattr(parts, name)
        # A part at the level of rounding has no further structure to keep.
        if np.linalg.norm(part) > 1e-12 * np.linalg.norm(taps):
            again = getattr(decompose(part), name)
            np.testing.assert_allclose(again, part, atol=CLOSE * np.linalg.norm(taps))


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_pure_parts_are_at_rest_or_at_light_speed(size: int) -> None:
    for family in ("dct", "gaussian", "binomial"):
        even = decompose(even_part(family, size))
        assert np.linalg.norm(even.anisotropic) <= CLOSE  # a kernel of unit norm
        assert (even.momentum, even.gamma, even.rapidity) == (0, 1, 0)
    odd = decompose(odd_part("dct", size))
    assert (odd.beta, odd.rest_mass) == (1, 0)
    assert (odd.gamma, odd.celerity, odd.rapidity) == (math.inf,) * 3


def test_a_laplacian_is_isotropic_and_a_saddle_is_not() -> None:
    laplacian = decompose([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    saddle = decompose([[0, 1, 0], [-1, 0, -1], [0, 1, 0]])
    assert not np.any(laplacian.anisotropic)
    assert not np.any(saddle.isotropic)
    assert laplacian.total == 0


@given(family_kernels())
def test_momentum_vector_is_the_first_moment_of_the_whole_kernel(taps: Array) -> None:
    y, x = (np.arange(side) - (side - 1) / 2 for side in taps.shape)
    moment = [np.einsum("yx,x->", taps, x), np.einsum("yx,y->", taps, y)]
    # 1e-11: moments below 1e-12 of sum(abs(r K)), itself below 100, are set to zero.
    np.testing.assert_allclose(decompose(taps).momentum_vector, moment, atol=1e-10)


@given(seeded_kernels(signed=True))
def test_momentum_turns_with_the_kernel(taps: Array) -> None:
    x, y = decompose(taps).momentum_vector
    size = np.sum(np.abs(taps)) * 4
    close = {"atol": 1e-12 * size}  # what counts as rounding, see MOMENTUM_ROUNDING
    np.testing.assert_allclose(decompose(taps.T).momentum_vector, [y, x], **close)
    np.testing.assert_allclose(decompose(taps[:, ::-1]).momentum_vector, [-x, y], **close)
    np.testing.assert_allclose(decompose(taps[::-1]).momentum_vector, [x, -y], **close)


@pytest.mark.parametrize("angle", [0, 30, 90, 135, 180, 270, 300])
def test_momentum_angle_is_that_of_the_odd_part(angle: float) -> None:
    actual = decompose(kernel("gaussian", 5, 0.4, angle)).momentum_angle
    assert actual == pytest.approx(angle, abs=1e-11)  # degrees from sums that are good to 1e-15
    even = decompose(kernel("random", 5, 0.0, angle))
    np.testing.assert_array_equal(even.momentum_vector, [0, 0])
    assert math.isnan(even.momentum_angle)


@pytest.mark.parametrize(
    ("row", "column", "angle"), [(1, 2, 0.0), (2, 1, 90.0), (1, 0, 180.0), (0, 1, 270.0)]
)
def test_a_single_tap_moves_the_centroid_to_its_side(row: int, column: int, angle: float) -> None:
    taps = np.zeros((3, 3))
    taps[row, column] = 2.0
    parts = decompose(taps)
    assert parts.momentum_angle == angle
    moved = run_one(taps, steps=1)
    actual = [of(moved, "mu_x")[0, 1], of(moved, "mu_y")[0, 1]]
    np.testing.assert_array_equal(actual, parts.momentum_vector / parts.total)


@given(st.tuples(st.integers(1, 6), st.integers(1, 6)), st.integers(0, 999))
def test_a_stack_is_decomposed_as_its_kernels_are(shape: tuple[int, int], seed: int) -> None:
    kernels = np.random.default_rng(seed).standard_normal((4, *shape))
    even, odd = parities(kernels)
    stacked = (even, odd, isotropic_part(even), first_moments(kernels, odd))
    names = ("even", "odd", "isotropic", "momentum_vector")
    for index, parts in enumerate(map(decompose, kernels)):
        for name, values in zip(names, stacked, strict=True):
            np.testing.assert_array_equal(values[index], getattr(parts, name))
        assert measured_betas(kernels)[index] == round(parts.beta, 12)


def test_a_decomposition_is_shown_in_a_line() -> None:
    # m and p are 0.8 and 0.6 by construction.
    shown = repr(decompose([[0.1, 0.7], [0.1, 0.7]]))
    assert shown == "Decomposition of a 2 x 2 kernel: E = 1, M = 0.8, P = 0.6, beta = 0.6"
