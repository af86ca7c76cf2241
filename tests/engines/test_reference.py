"""The reference engine against scipy and numpy: convolution, boundaries, moments, norms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage, signal, stats

from mechcore.engines.reference import convolve, convolve_within, moments
from mechcore.model.boundaries import BOUNDARIES, crop_start
from mechcore.model.geometry import centred_coordinates
from mechcore.model.kernels import kernel
from mechcore.model.normalisations import NORMALISATIONS, NORMS, l2_norm
from mechcore.model.patterns import pattern_image
from tests.helpers.oracles import (
    ON_FREE_SPACE,
    Array,
    any_images,
    arrays_of,
    of,
    run_one,
    seeded_kernels,
)

ROUNDING = 1e-13
"""Sums of at most 49 products of numbers of order 1 to 10."""

SCIPY = {"zero": "constant", "wrap": "wrap", "reflect": "reflect"}


@given(seeded_kernels(signed=True), any_images())
def test_convolution_is_scipys(taps: Array, image: Array) -> None:
    expected = signal.convolve2d(image, taps, mode="full")
    np.testing.assert_allclose(convolve(image, taps), expected, atol=ROUNDING * image.max())


@given(seeded_kernels(signed=True), seeded_kernels(signed=True))
def test_convolution_is_commutative(first: Array, second: Array) -> None:
    np.testing.assert_allclose(convolve(first, second), convolve(second, first), atol=ROUNDING)


@pytest.mark.parametrize("boundary", list(SCIPY))
@pytest.mark.parametrize("shape", [(3, 3), (1, 5), (7, 3), (1, 1), (2, 2), (4, 6), (2, 3)])
def test_boundaries_are_scipys(
    boundary: str, shape: tuple[int, int], rng: np.random.Generator
) -> None:
    image, taps = rng.random((9, 8)), rng.standard_normal(shape)
    for layer in (1, 2):
        # A zero row and column make even sizes odd; their side tells which middle tap is the
        # centre, and layers alternate between the two.
        after = (1, 0) if layer % 2 else (0, 1)
        odd = np.pad(taps, [(0, 0) if size % 2 else after for size in shape])
        expected = ndimage.convolve(image, odd, mode=SCIPY[boundary])
        actual = convolve_within(image, taps, boundary, layer)
        np.testing.assert_allclose(actual, expected, atol=ROUNDING)


@given(st.integers(1, 20), st.integers(1, 9))
def test_two_layers_of_cropping_take_as_much_from_both_sides(size: int, layer: int) -> None:
    taken = crop_start(size, layer) + crop_start(size, layer + 1)
    assert taken == size - 1


@pytest.mark.parametrize("boundary", list(BOUNDARIES))
def test_boundaries_agree_away_from_the_edge(boundary: str) -> None:
    image = np.pad(np.random.default_rng(1).random((4, 4)), 10)
    run = run_one(kernel("random", 3, 0.5), image, "reference", boundary=boundary, steps=5)
    free = run_one(kernel("random", 3, 0.5), image, "reference", steps=5)
    np.testing.assert_allclose(run.record, free.record, rtol=1e-12, atol=1e-12)  # other sum orders


# Moments.


@given(any_images(), st.floats(-20, 20), st.floats(-20, 20))
def test_moments_are_numpys_weighted_ones(image: Array, top: float, left: float) -> None:
    y, x = top + np.arange(image.shape[0]), left + np.arange(image.shape[1])
    actual = moments(image, y, x, "absolute")
    grid_y, grid_x = np.meshgrid(y, x, indexing="ij")
    points, weights = np.stack([grid_x.ravel(), grid_y.ravel()]), image.ravel()
    mean = np.average(points, axis=1, weights=weights)
    np.testing.assert_allclose([actual["mu_x"], actual["mu_y"]], mean, atol=1e-12)
    from_mean = points - mean[:, np.newaxis]
    covariance = (weights * from_mean) @ from_mean.T / weights.sum()
    rounding = 1e-12 * (1 + np.max(np.abs(points)))  # coordinates below 30, a few hundred terms
    np.testing.assert_allclose(actual["sigma_x"] ** 2, covariance[0, 0], atol=rounding)
    np.testing.assert_allclose(actual["sigma_y"] ** 2, covariance[1, 1], atol=rounding)
    np.testing.assert_allclose(actual["cov_xy"], covariance[0, 1], atol=rounding)
    assert actual["mass"] == pytest.approx(image.sum(), rel=1e-13)  # a sum in another order


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_moments_are_those_of_a_sample_with_these_counts(engine: str) -> None:
    counts = np.random.default_rng(2).integers(0, 9, (6, 5))
    y, x = np.nonzero(counts)
    repeats = counts[y, x]
    sample = {
        "x": np.repeat(x, repeats) - 2.0,
        "y": np.repeat(y, repeats) - 2.5,
    }
    run = run_one(np.ones((1, 1)), counts.astype(float), engine, normalise="none", steps=1)
    for axis, values in sample.items():
        # 1e-12: a few hundred terms.
        close = {"rel": 1e-12, "abs": 1e-13}
        assert of(run, f"mu_{axis}")[0, 1] == pytest.approx(values.mean(), **close)
        assert of(run, f"sigma_{axis}")[0, 1] == pytest.approx(values.std(), **close)
        excess = of(run, f"excess_kurtosis_{axis}")[0, 1]
        assert excess == pytest.approx(stats.kurtosis(values), **close)
    covariance = np.cov(sample["x"], sample["y"], bias=True)[0, 1]
    assert of(run, "cov_xy")[0, 1] == pytest.approx(covariance, rel=1e-12)
    assert of(run, "mass")[0, 1] == counts.sum()


@given(any_images(), st.sampled_from([1e-250, 1e-30, 1e30, 1e250]))
def test_moments_depend_on_density_not_on_brightness_or_sign(image: Array, scale: float) -> None:
    y, x = (centred_coordinates(size) for size in image.shape)
    close = {"rel": 1e-9, "abs": 1e-12, "nan_ok": True}  # rounding
    plain, scaled = (moments(state, y, x, "absolute") for state in (image, -scale * image))
    squared, of_squares = moments(image, y, x, "square"), moments(image**2, y, x, "absolute")
    for name, value in plain.items():
        assert name == "mass" or scaled[name] == pytest.approx(value, **close)
        assert squared[name] == pytest.approx(of_squares[name], **close)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_a_single_pixel_has_no_width_and_no_kurtosis(engine: str) -> None:
    run = run_one(np.array([[0.0, 0.0, 1.0]]), engine=engine, steps=50)
    np.testing.assert_array_equal(of(run, "sigma_x"), 0)
    assert np.all(np.isnan(of(run, "excess_kurtosis_x")))
    np.testing.assert_array_equal(of(run, "mu_x")[0], np.arange(51))


def test_a_uniform_and_a_gaussian_pattern_have_their_kurtosis() -> None:
    side = 15
    uniform = run_one(np.ones((1, 1)), pattern_image("square", side=side), steps=1)
    expected = -6 * (side**2 + 1) / (5 * (side**2 - 1))
    assert of(uniform, "excess_kurtosis_x")[0, 0] == pytest.approx(expected, rel=1e-13)  # rounding
    gaussian = run_one(np.ones((1, 1)), pattern_image("gaussian", sigma=3), steps=1)
    # 1e-3: the blob is cut at five standard deviations, where r^4 still has weight.
    assert of(gaussian, "excess_kurtosis_x")[0, 0] == pytest.approx(0, abs=1e-3)
    assert of(gaussian, "sigma_x")[0, 0] == pytest.approx(3, rel=1e-4)


# Norms.


@given(arrays_of(-5, 5, 5))
def test_norms_are_numpys(state: Array) -> None:
    flat = state.ravel()
    assert NORMS["l2"](state) == pytest.approx(np.linalg.norm(flat), rel=1e-14)  # rounding
    assert NORMS["peak"](state) == np.linalg.norm(flat, np.inf)
    assert NORMS["mass"](state) == pytest.approx(np.linalg.norm(flat, 1), rel=1e-14)


def test_l2_norm_neither_overflows_nor_underflows() -> None:
    for scale in (1e-300, 1e-160, 1e160, 1e300):
        norm = l2_norm(scale * np.array([3.0, 4.0]))
        assert norm == pytest.approx(5 * scale, rel=1e-15)  # rounding
    assert l2_norm(np.zeros(3)) == 0
    assert l2_norm(np.array([1.0, np.inf])) == np.inf
    assert np.isnan(l2_norm(np.array([1.0, np.nan])))


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("normalise", ON_FREE_SPACE)
def test_gain_is_the_norm_before_the_division(engine: str, normalise: str) -> None:
    taps, image = np.array([[3.0, 4.0]]), np.array([[2.0]])
    run = run_one(taps, image, engine, normalise=normalise, steps=1)
    norm = NORMS[NORMALISATIONS[normalise].norm]
    before = 1.0 if NORMALISATIONS[normalise].divides else 2.0
    np.testing.assert_allclose(of(run, "gain")[0], [2.0, norm(before * taps)], rtol=1e-15)
