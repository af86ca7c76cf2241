"""The exact theory for K >= 0: simulations of both engines must follow it to rounding."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechcore.engines.trajectories import Trajectories
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.decomposition import MOMENTUM_ROUNDING, first_moments, parities
from mechcore.model.geometry import light_speed
from mechcore.model.kernels import even_part, kernel, odd_part
from mechcore.model.theory import beta_star, has_no_negative_tap, theory, velocities
from tests.helpers.oracles import (
    EXACT_ACTIVATIONS,
    PARITIES,
    POSITIVE_FAMILIES,
    SIZES,
    Array,
    any_kernels,
    arrays_of,
    of,
    run_one,
    seeded_kernels,
)

EXACT = 1e-9
"""Relative agreement that is promised; what is measured is about 1e-13."""

STRAIGHT = [0, 45, 90, 135, 180, 225, 270, 315]
SHARES = (0.0, 0.37, 1.0)
"""Odd shares as fractions of beta*."""

each_family = pytest.mark.parametrize("family", POSITIVE_FAMILIES)
each_size = pytest.mark.parametrize("size", SIZES)
each_activation = pytest.mark.parametrize("activation", EXACT_ACTIVATIONS)


def star_of(family: str, size: int, angle: float = 0.0) -> float:
    return beta_star(even_part(family, size), odd_part(family, size, angle))


def positive_kernel(family: str, size: int, share: float, angle: float) -> Array:
    """Return the kernel at a share of beta*, without the taps of -1e-17 that rounding may leave."""
    taps = kernel(family, size, share * star_of(family, size, angle), angle)
    assert taps.min() >= -1e-15  # one subtraction of taps below 1
    return np.maximum(taps, 0.0)


def assert_follows_theory(taps: Array, run: Trajectories, activation: str = "relu") -> None:
    """Check centroid, variances and covariance of a run from a single pixel, at every layer."""
    prediction = theory(taps, activation)
    assert prediction.exact
    layers = np.arange(run.record.shape[1])
    # A first moment below MOMENTUM_ROUNDING of its terms counts as zero; there are two axes, and
    # the terms are as long as the reach of the support. Rounding is a tenth of that.
    reach = layers[-1] * max(prediction.light_speed, 1)
    zero = 2 * MOMENTUM_ROUNDING * reach
    centroid = np.stack([of(run, "mu_x")[0], of(run, "mu_y")[0]], axis=-1)
    expected = prediction.centroid(layers)
    np.testing.assert_allclose(centroid, expected, rtol=EXACT, atol=zero)
    growth = prediction.covariance_growth(layers)
    x, y, xy = (of(run, name)[0] for name in ("sigma_x", "sigma_y", "cov_xy"))
    for actual, axes in ((x**2, (0, 0)), (y**2, (1, 1)), (xy, (0, 1))):
        np.testing.assert_allclose(actual, growth[:, *axes], rtol=EXACT, atol=zero * reach)


@pytest.mark.parametrize(("engine", "steps"), [("compiled", 24), ("reference", 6)])
@each_family
@each_size
@each_activation
def test_engines_follow_the_exact_theory(
    engine: str, steps: int, family: str, size: int, activation: str
) -> None:
    for angle, share in zip((0, 45, 250), SHARES, strict=True):
        taps = positive_kernel(family, size, share, angle)
        run = run_one(taps, engine=engine, activation=activation, steps=steps)
        assert_follows_theory(taps, run, activation)


@given(
    st.sampled_from(POSITIVE_FAMILIES),
    st.sampled_from(list(SIZES)),
    st.floats(0, 1),
    st.floats(-360, 360),
    st.sampled_from(EXACT_ACTIVATIONS),
)
def test_any_angle_and_share_follows_the_exact_theory(
    family: str, size: int, share: float, angle: float, activation: str
) -> None:
    taps = positive_kernel(family, size, share, angle)
    assert_follows_theory(taps, run_one(taps, activation=activation, steps=32), activation)


@given(
    st.one_of(seeded_kernels(signed=False), arrays_of(0, 2, 5)), st.sampled_from(EXACT_ACTIVATIONS)
)
def test_kernels_without_negative_taps_follow_the_theory(taps: Array, activation: str) -> None:
    assert_follows_theory(taps, run_one(taps, activation=activation, steps=16), activation)


@each_family
@pytest.mark.parametrize("size", [2, 3])
def test_theory_holds_over_many_layers(family: str, size: int) -> None:
    taps = positive_kernel(family, size, 0.8, 30)
    assert_follows_theory(taps, run_one(taps, steps=400))


@each_family
@each_size
def test_the_pattern_only_adds_its_own_width(family: str, size: int) -> None:
    taps = positive_kernel(family, size, 0.5, 45)
    image = np.random.default_rng(size).random((4, 6))
    run, alone = run_one(taps, image, steps=12), run_one(taps, steps=12)
    for name, power in (("mu_x", 1), ("mu_y", 1), ("sigma_x", 2), ("sigma_y", 2), ("cov_xy", 1)):
        actual = of(run, name)[0] ** power
        expected = actual[0] + of(alone, name)[0] ** power
        # The covariance crosses zero; it is compared on the scale of the variances.
        np.testing.assert_allclose(actual, expected, rtol=EXACT, atol=EXACT * size**2)


@each_family
@each_size
def test_beta_star_is_exact(family: str, size: int) -> None:
    for angle in [*STRAIGHT, 22.5, 100.1]:
        star = star_of(family, size, angle)
        at = kernel(family, size, star, angle)
        # A tap that should be zero is the difference of two numbers below 1.
        assert at.min() >= -1e-15
        assert kernel(family, size, star * (1 + 1e-9), angle).min() < -1e-15 * at.max()
        assert kernel(family, size, star * (1 - 1e-9), angle).min() > 0


@each_family
def test_well_beyond_beta_star_rectification_acts(family: str) -> None:
    taps = kernel(family, 3, 0.95)
    linear, relu = (run_one(taps, activation=name, steps=32) for name in ("identity", "relu"))
    assert abs(of(linear, "mu_x")[0, -1] - of(relu, "mu_x")[0, -1]) > 0.1


@given(
    any_kernels() | st.just(kernel("dct", 3, star_of("dct", 3) * (1 + 1e-9))),
    st.sampled_from(list(ACTIVATIONS)),
)
def test_exact_means_no_negative_tap_and_identity_on_positive(taps: Array, activation: str) -> None:
    for values in (taps, np.abs(taps)):
        expected = values.min() >= 0 and activation in EXACT_ACTIVATIONS
        assert theory(values, activation).exact == expected


@each_size
def test_dc_diffuses_by_the_root_of_the_layers(size: int) -> None:
    coefficient = math.sqrt((size**2 - 1) / 12)
    assert theory(even_part("dct", size)).diffusion_speed == pytest.approx(coefficient, rel=1e-14)
    run = run_one(even_part("dct", size), steps=49)
    expected = coefficient * np.sqrt(np.arange(50))
    for name in ("sigma_x", "sigma_y"):
        np.testing.assert_allclose(of(run, name)[0], expected, rtol=EXACT)


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_gradient_and_relu_move_a_pixel_by_half_a_pixel_a_layer(engine: str) -> None:
    run = run_one(odd_part("dct", 2), engine=engine, steps=40)
    # Two taps remain, and what they leave is clipped: half-integers up to rounding.
    np.testing.assert_allclose(of(run, "mu_x")[0], np.arange(41) / 2, rtol=1e-13)
    np.testing.assert_allclose(of(run, "mu_y")[0], 0, atol=1e-13)


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_modulus_splits_a_pixel_symmetrically_at_beta_one(engine: str, size: int) -> None:
    run = run_one(odd_part("dct", size), engine=engine, activation="modulus", steps=20)
    # Sums of a symmetric state, which spans up to 80 pixels.
    np.testing.assert_allclose([of(run, "mu_x")[0], of(run, "mu_y")[0]], 0, atol=1e-12)


@each_family
@each_size
def test_contraction_is_a_lorentz_factor(family: str, size: int) -> None:
    taps = positive_kernel(family, size, 0.9, 0)
    moving, resting = run_one(taps, steps=30), run_one(even_part(family, size), steps=30)
    along, across = (
        of(moving, name)[0, -1] / of(resting, name)[0, -1] for name in ("sigma_x", "sigma_y")
    )
    prediction = theory(taps)
    factor = math.sqrt(1 - (prediction.speed / prediction.diffusion_speed) ** 2)
    assert prediction.contraction == pytest.approx(factor, rel=1e-14)  # the same formula
    # Across the motion nothing contracts.
    assert (along, across) == pytest.approx((factor, 1), rel=EXACT)


@given(
    st.sampled_from(POSITIVE_FAMILIES),
    st.sampled_from(list(SIZES)),
    st.floats(0.01, 0.99),
    st.floats(-360, 360),
)
def test_speed_is_linear_in_the_celerity(family: str, size: int, beta: float, angle: float) -> None:
    even, odd = even_part(family, size), odd_part(family, size, angle)
    x = np.arange(size) - (size - 1) / 2
    moment = np.hypot(np.sum(x * odd), np.sum(x[:, np.newaxis] * odd))
    celerity = beta / math.sqrt(1 - beta**2)
    expected = moment / even.sum() * celerity
    # 1e-11: quotients of sums, where gamma of 0.99 amplifies rounding sevenfold.
    assert theory(kernel(family, size, beta, angle)).speed == pytest.approx(expected, rel=1e-11)


@given(seeded_kernels(signed=False))
def test_kernels_without_negative_taps_stay_below_light_and_diffusion_speed(taps: Array) -> None:
    prediction = theory(taps)
    assert np.max(np.abs(prediction.velocity)) <= prediction.light_speed * (1 + 1e-14)  # rounding
    variances = np.linalg.eigvalsh(prediction.covariance_rate)
    assert variances.min() >= -1e-12  # rounding of second moments below 10 px^2


@given(any_kernels())
def test_beta_star_does_not_depend_on_the_norms(taps: Array) -> None:
    even, odd = np.abs(taps + taps[::-1, ::-1]), taps - taps[::-1, ::-1]
    star = beta_star(even, odd)
    scaled = beta_star(3e5 * even, 7e-5 * odd)
    assert scaled == pytest.approx(star, rel=1e-12, nan_ok=True)  # norms and quotients
    assert math.isnan(star) or 0 <= star <= 1


@pytest.mark.parametrize(("family", "size"), PARITIES)
def test_beta_star_of_a_kernel_is_that_of_its_family(family: str, size: int) -> None:
    actual = theory(kernel(family, size, 0.3, 45)).beta_star
    # The parity split of mixed taps.
    assert actual == pytest.approx(star_of(family, size, 45), rel=1e-9, nan_ok=True)


def test_beta_star_needs_both_parities_and_an_even_part_that_is_positive() -> None:
    odd = odd_part("dct", 3)
    assert math.isnan(beta_star(even_part("highpass", 3), odd))
    assert math.isnan(beta_star(np.zeros((3, 3)), odd))
    assert math.isnan(beta_star(even_part("dct", 3), np.zeros((3, 3))))
    # An odd part that is all but along x may have taps of 1e-311 across it; they do not matter.
    for angle in (1e-309, 1e-320, -1e-310):
        subnormal = odd_part("dct", 3, angle)
        assert beta_star(np.ones((3, 3)), subnormal) == beta_star(np.ones((3, 3)), odd)


def test_speeds_of_boxes_and_of_kernels_without_mass_or_spread() -> None:
    for shape, speed in {(1, 1): 0, (2, 2): 0.5, (1, 4): 1.5, (5, 2): 2}.items():
        # Half the longer side less one, without momentum.
        assert theory(np.ones(shape)).light_speed == speed
    for size in (2, 3, 4):
        prediction = theory(odd_part("dct", size))
        assert np.all(np.isnan([*prediction.velocity, prediction.speed, prediction.contraction]))
    sharpen = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
    assert math.isnan(theory(sharpen).diffusion_speed)
    assert np.all(theory(sharpen).velocity == 0)


@pytest.mark.parametrize("angle", [0, 30, 45, 90, 200, 315])
def test_light_speed_is_that_along_the_momentum(angle: float) -> None:
    # 1e-14: the angle is that of a sum of taps.
    expected = pytest.approx(light_speed(3, angle), rel=1e-14)
    assert theory(kernel("binomial", 3, 0.3, angle)).light_speed == expected
    assert theory(kernel("dct", (1, 5), 0.3)).light_speed == 2.0


@given(seeded_kernels(signed=True), st.floats(1e-300, 1e300))
def test_theory_does_not_depend_on_a_factor(taps: Array, factor: float) -> None:
    first, other = theory(taps), theory(factor / np.linalg.norm(taps) * taps)
    for name in ("velocity", "diffusion_speed", "light_speed", "beta_star"):
        values = getattr(other, name)
        # 1e-9: a sum of taps of both signs may cancel to a millionth.
        np.testing.assert_allclose(values, getattr(first, name), rtol=1e-9, atol=1e-9)


@given(st.tuples(st.integers(1, 6), st.integers(1, 6)), st.integers(0, 999), st.booleans())
def test_theory_of_a_stack_is_that_of_its_kernels(
    shape: tuple[int, int], seed: int, positive: bool
) -> None:
    kernels = np.random.default_rng(seed).standard_normal((4, *shape))
    kernels = np.abs(kernels) if positive else kernels
    even, odd = parities(kernels)
    motion, stars = velocities(kernels, first_moments(kernels, odd)), beta_star(even, odd)
    for index, prediction in enumerate(map(theory, kernels)):
        np.testing.assert_array_equal(motion[index], prediction.velocity)
        np.testing.assert_array_equal(stars[index], prediction.beta_star)
        assert has_no_negative_tap(kernels)[index] == prediction.exact


def test_a_prediction_is_shown_in_a_line() -> None:
    shown = repr(theory(kernel("dct", 2, beta=0.6)))
    # v = (M1 / M0) p / m with M1 = 1/2 px, M0 = 1, and p / m = 3 / 4.
    assert shown == "Theory of a kernel, exact: v = 0.375, s = 0.5, beta* = 0.7071"
