"""Kernel families: norms, parities, orientation, mixing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from scipy.fft import idct

from mechcore.model.decomposition import decompose
from mechcore.model.geometry import centred_coordinates, direction_of, unit_vector
from mechcore.model.kernels import (
    FAMILIES,
    as_kernel,
    dct_basis,
    even_part,
    kernel,
    odd_part,
)
from tests.helpers.oracles import KERNELS, PARITIES, SIZES, Array
from tests.helpers.refusals import refused

ANGLES = [*range(-360, 361, 45), 17.3, 200.1, -91.7]

every_family_and_size = pytest.mark.parametrize(("family", "size"), KERNELS)

parities = st.sampled_from(PARITIES)
angles = st.floats(-360, 360)


def first_moment(taps: Array) -> Array:
    x = centred_coordinates(taps.shape[1])
    y = centred_coordinates(taps.shape[0])[:, np.newaxis]
    return np.array([np.sum(x * taps), np.sum(y * taps)])


@every_family_and_size
def test_parts_have_unit_norm_and_exact_parity(family: str, size: int) -> None:
    even, by_parity = even_part(family, size), FAMILIES[family].by_parity
    odd = [(odd_part(family, size, angle), -1) for angle in ANGLES]
    for part, sign in [(even, 1), *odd]:
        # Else they are orthogonal all the same.
        assert abs(np.sum(part * even)) <= 1e-15 or sign == 1
        sign = sign if by_parity else 0
        # The norm is a sum of at most 121 squares and one division: some units in the last place.
        assert np.linalg.norm(part) == pytest.approx(1, abs=1e-14)
        if sign:
            np.testing.assert_array_equal(part, sign * part[::-1, ::-1])


@given(parities, angles, st.integers(0, 2**32 - 1))
def test_any_angle_and_seed_gives_the_moment_along_the_angle(
    pair: tuple[str, int], angle: float, seed: int
) -> None:
    odd = odd_part(*pair, angle, seed)
    moment = first_moment(odd)
    length = np.hypot(*moment)
    # A random kernel may have next to no moment: the direction is good to rounding / length.
    np.testing.assert_allclose(moment, length * unit_vector(angle), atol=1e-12 * pair[1])


@given(parities, st.floats(0, 1), angles)
def test_unit_mixing_has_odd_energy_beta_squared_and_linear_mixing_the_amplitudes_of_the_paper(
    pair: tuple[str, int], beta: float, angle: float
) -> None:
    parts = decompose(kernel(*pair, beta, angle))
    # 1e-12: norms of at most 121 squares, rounded to 1e-16 each.
    assert (parts.odd_energy_ratio, parts.energy) == pytest.approx((beta**2, 1), abs=1e-12)
    parts = decompose(kernel(*pair, beta, angle, "linear"))
    assert (parts.rest_mass, parts.momentum) == pytest.approx((1 - beta, beta), abs=1e-12)


@every_family_and_size
def test_pure_kernels_are_exactly_the_parts(family: str, size: int) -> None:
    np.testing.assert_array_equal(kernel(family, size, 0), even_part(family, size))
    np.testing.assert_array_equal(kernel(family, size, 1, 30), odd_part(family, size, 30))


@pytest.mark.parametrize("size", SIZES)
def test_dct_parts_are_the_scipy_bases(size: int) -> None:
    bases = idct(np.eye(size), norm="ortho", axis=0)
    for frequency in range(size):
        # 1e-14: two cosines of arguments up to 11 pi.
        np.testing.assert_allclose(dct_basis(size, frequency), bases[:, frequency], atol=1e-14)
    np.testing.assert_allclose(even_part("dct", size), np.outer(bases[:, 0], bases[:, 0]))
    # The DCT basis falls from left to right; the odd part is oriented towards +x.
    gradient = -np.outer(bases[:, 0], bases[:, 1])
    np.testing.assert_allclose(odd_part("dct", size), gradient, atol=1e-14)
    np.testing.assert_allclose(odd_part("dct", size, 90), gradient.T, atol=1e-14)


@pytest.mark.parametrize("size", SIZES)
def test_highpass_is_the_highest_dct_basis_and_sums_to_zero_where_it_alternates(size: int) -> None:
    high = idct(np.eye(size), norm="ortho", axis=0)[:, -1]
    even = even_part("highpass", size)
    np.testing.assert_allclose(even, np.outer(high, high), atol=1e-14)  # rounding of cosines
    # 1e-14: taps below 1 that cancel.
    assert even.sum() == pytest.approx(0, abs=1e-14 * size**2)


@pytest.mark.parametrize("size", SIZES)
def test_binomial_parts_are_smoothing_and_sobel(size: int) -> None:
    smooth = special.binom(size - 1, np.arange(size))
    even = even_part("binomial", size)
    np.testing.assert_allclose(even / even[0, 0], np.outer(smooth, smooth), rtol=1e-13)  # rounding
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / np.sqrt(12)
    np.testing.assert_allclose(odd_part("binomial", 3), sobel, rtol=1e-15)  # one division


@pytest.mark.parametrize("size", SIZES)
def test_gaussian_odd_part_is_the_derivative_of_the_even_part(size: int) -> None:
    r = centred_coordinates(size)
    profile = np.exp(-(r**2) / (2 * (size / 4) ** 2))
    derivative = np.outer(profile, profile * r)
    expected = derivative / np.linalg.norm(derivative)
    np.testing.assert_allclose(odd_part("gaussian", size), expected, rtol=1e-13)  # rounding of exp


@pytest.mark.parametrize(("family", "size"), PARITIES)
def test_every_angle_of_size_k_is_a_mixture_of_the_two_axes(family: str, size: int) -> None:
    along_x, along_y = odd_part(family, size), odd_part(family, size, 90)
    # 1e-15: the norm is summed in another order, which may move it by a unit in the last place.
    np.testing.assert_allclose(along_y, along_x.T, rtol=1e-15)
    diagonal = along_x + along_y
    expected = diagonal / np.linalg.norm(diagonal)
    np.testing.assert_allclose(odd_part(family, size, 45), expected, atol=1e-14)  # one division


@every_family_and_size
def test_the_random_family_alone_is_its_seed(family: str, size: int) -> None:
    first, again, other = (kernel(family, size, 0.5, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.array_equal(first, other) == (family != "random")


def test_the_translation_is_a_shift_where_three_quarters_of_the_energy_are_asymmetric() -> None:
    for angle, (x, y) in ((0, (2, 1)), (90, (1, 2)), (180, (0, 1)), (270, (1, 0))):
        shift = np.zeros((3, 3))
        shift[y, x] = 1.0
        taps = kernel("translation", 3, np.sqrt(0.75), angle)
        np.testing.assert_allclose(taps, shift, atol=1e-15)  # rounding of the mixture
        # Half of its energy is odd: its even part keeps both neighbours along the axis.
        assert decompose(taps).odd_energy_ratio == pytest.approx(0.5, abs=1e-15)
    with refused("size: 4 is not allowed, expected an odd size for"):
        kernel("translation", 4, 0.5)


@pytest.mark.parametrize("family", [name for name, entry in FAMILIES.items() if entry.lines])
@pytest.mark.parametrize("size", SIZES)
def test_lines_are_rows_and_columns_that_point_along_themselves(family: str, size: int) -> None:
    row, column = (kernel(family, shape, 0.6) for shape in ((1, size), (size, 1)))
    assert (row.shape, column.shape) == ((1, size), (size, 1))
    parts = decompose(row)
    assert (parts.energy, parts.beta) == pytest.approx((1, 0.6), abs=1e-14)  # norms of k squares
    assert parts.momentum_angle == 0.0
    assert decompose(column).momentum_angle == 90.0
    assert decompose(kernel(family, (1, size), 0.6, 180)).momentum_angle == 180.0
    assert decompose(kernel(family, (size, 1), 0.6, 270)).momentum_angle == 270.0


def test_lines_of_separable_families_are_the_factors_of_the_square() -> None:
    for family in ("dct", "gaussian", "binomial"):
        even = even_part(family, (5, 1)) @ even_part(family, (1, 5))
        np.testing.assert_allclose(even, even_part(family, 5), atol=1e-15)  # norms
        odd = even_part(family, (5, 1)) @ odd_part(family, (1, 5))
        np.testing.assert_allclose(odd, odd_part(family, 5), atol=1e-15)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("translation", (1, 5)), "size: (1, 5) is not allowed, expected an integer: translation"),
        (("dct", (3, 5)), "size: (3, 5) is not allowed, expected an integer k, (1, k) or (k, 1)"),
        (("dct", (1, 1)), "size: (1, 1) is not allowed, expected an integer k, (1, k) or (k, 1)"),
        (("dct", (1, 2.5)), "size: 2.5 is not allowed, expected an integer from 2 to 1024"),
        (("dct", (1, 5), 90), "angle: 90.0 is not allowed, expected 0 or 180 along a row, 90 or"),
        (("dct", (5, 1), 45), "angle: 45.0 is not allowed, expected 0 or 180 along a row, 90 or"),
    ],
)
def test_lines_are_refused_where_there_are_none(arguments: tuple[Any, ...], message: str) -> None:
    with refused(message):
        odd_part(*arguments)


def test_saddles_are_even_and_turn_twice_as_fast() -> None:
    saddle = odd_part("saddle", 5, 20)
    np.testing.assert_allclose(saddle, saddle[::-1, ::-1], atol=1e-15)  # rounding of cosines
    np.testing.assert_allclose(odd_part("saddle", 5, 200), saddle, atol=1e-15)
    np.testing.assert_allclose(odd_part("saddle", 5, 110), -saddle, atol=1e-15)


@given(st.floats(-1000, 1000))
def test_unit_vector_is_on_the_circle_and_turns_with_quarters(angle: float) -> None:
    vector = unit_vector(angle)
    # 1e-15 a radian: the argument is reduced in degrees without error up to one rounding.
    radians = np.radians(angle)
    np.testing.assert_allclose(vector, [np.cos(radians), np.sin(radians)], atol=1e-14)
    assert np.hypot(*vector) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("angle", range(0, 360, 15))
def test_turned_and_mirrored_angles_have_such_unit_vectors_bit_for_bit(angle: int) -> None:
    x, y = unit_vector(angle)
    for other, expected in ((angle + 90, [-y, x]), (90 - angle, [y, x]), (-angle, [x, -y])):
        np.testing.assert_array_equal(unit_vector(other), expected)


@given(st.floats(0, 360, exclude_max=True))
def test_direction_of_inverts_unit_vector(angle: float) -> None:
    actual = direction_of(*unit_vector(angle))
    assert 0 <= actual <= 360
    # 1e-12 degrees on the circle: 360 degrees to 16 digits.
    assert abs((actual - angle + 180) % 360 - 180) <= 1e-12
    assert np.isnan(direction_of(0.0, 0.0))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, 3, 0.5), "family: 3 is not allowed"),
        (("dct", True, 0.5), "size: True is not allowed, expected an integer from 2 to 1024"),
        (("dct", 3, np.nan), "beta: nan is not allowed, expected a finite number"),
        (("dct", 3, 0.5, 0.0, "unity"), "'unity' is not allowed, expected one of unit, linear"),
    ],
)
def test_mistakes_are_refused(arguments: tuple[object, ...], message: str) -> None:
    with refused(message):
        kernel(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.ones((2, 2, 2)), "two-dimensional"),
        (3.0, "two-dimensional"),
        (np.ones((0, 3)), "at least one tap"),
        ([[1.0, np.nan]], "finite taps"),
        (np.zeros((3, 3)), "tap that is not zero"),
        ([["a", "b"]], "real numbers"),
        ([[1j, 2]], "real numbers"),
        ([[1, 2], [3]], "array of real numbers"),
        ({"a": 1}, "real numbers"),
    ],
)
def test_what_is_not_a_kernel_is_refused(values: object, expected: str) -> None:
    with refused("mine: ", " expected ", expected):
        as_kernel(values, "mine")


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.float32, np.float64, np.bool_])
def test_real_arrays_of_any_type_become_new_floats(dtype: type) -> None:
    values = np.ones((2, 3), dtype=dtype)
    taps = as_kernel(values)
    assert taps.dtype == np.float64
    taps[:] = 5
    np.testing.assert_array_equal(values, np.ones((2, 3)))
