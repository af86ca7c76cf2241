"""Two engines: compiled must equal reference, also where it trims, dies or diverges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mechcore.engines import ENGINES, run
from mechcore.engines.rule import LayerRule, window_offset
from mechcore.engines.trajectories import DENSITIES, QUANTITIES, record_distance
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import BOUNDARIES
from mechcore.model.kernels import FAMILIES, kernel
from mechcore.model.normalisations import NORMALISATIONS
from mechcore.model.patterns import pattern_image
from tests.helpers.oracles import (
    ON_FREE_SPACE,
    Array,
    any_images,
    any_kernels,
    assert_engines_agree,
    family_kernels,
    of,
    rules,
    run_one,
    seeded_kernels,
)

PIXEL = np.ones((1, 1))
TRIMMED = ("identity", "relu", "modulus", "leaky_relu", "tanh")
LAPLACIAN = np.array([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])

each_engine = pytest.mark.parametrize("engine", list(ENGINES))
each_activation = pytest.mark.parametrize("activation", list(ACTIVATIONS))


def zero_sum(size: int, seed: int) -> Array:
    taps = np.random.default_rng(seed).standard_normal((size, size))
    return taps - taps.mean()


# Compiled against reference: everything a layer can do.


@settings(max_examples=400)
@given(any_kernels(), any_images(), rules())
def test_engines_agree_on_anything(taps: Array, image: Array, rule: LayerRule) -> None:
    assert_engines_agree(taps, image, rule)


@settings(max_examples=100)
@given(st.integers(0, 999), st.sampled_from([(2, 3, 3), (3, 1, 4)]), any_images(), rules())
def test_engines_agree_on_kernels_in_turn(
    seed: int, shape: tuple[int, int, int], image: Array, rule: LayerRule
) -> None:
    # Of other sums of absolute taps, which scales and bounds follow.
    draws = np.random.default_rng(seed)
    scales = 10.0 ** draws.uniform(-3, 3, (shape[0], 1, 1))
    assert_engines_agree(scales * draws.standard_normal(shape), image, rule)


@each_activation
@pytest.mark.parametrize("normalise", list(NORMALISATIONS))
@pytest.mark.parametrize("boundary", list(BOUNDARIES))
@pytest.mark.parametrize("density", list(DENSITIES))
def test_engines_agree_on_every_rule(
    activation: str, normalise: str, boundary: str, density: str
) -> None:
    image = pattern_image("disc", radius=3)
    layers, window = (0, 5, 12), 33
    rule = LayerRule(activation, normalise, boundary, density, 12, layers, window)
    for taps in (kernel("dct", 3, 0.8, 30), kernel("random", 2, 0.6)):
        assert_engines_agree(taps, image, rule)
    assert_engines_agree(zero_sum(3, 5), image, replace(rule, steps=40))


@pytest.mark.parametrize("family", list(FAMILIES))
@pytest.mark.parametrize("size", [3, 5, 8])
@pytest.mark.parametrize("activation", ["relu", "modulus"])
def test_engines_agree_on_the_default_grid(family: str, size: int, activation: str) -> None:
    if not FAMILIES[family].has_size(size):
        size += 1
    rule = LayerRule(activation, steps=20, snapshot_layers=(20,))
    for beta in (0.0, 0.3, 0.7, 1.0):
        assert_engines_agree(kernel(family, size, beta, 60), PIXEL, rule)


@each_activation
@pytest.mark.parametrize("boundary", list(BOUNDARIES))
def test_engines_agree_on_kernels_larger_than_the_domain(activation: str, boundary: str) -> None:
    taps = np.random.default_rng(5).standard_normal((7, 6))
    rule = LayerRule(activation, boundary=boundary, steps=5, snapshot_layers=(5,))
    for shape in ((1, 1), (2, 3), (1, 5)):
        assert_engines_agree(taps, np.ones(shape), rule)


# 256 layers: what is cut off must never grow back.

LONG = [
    (LAPLACIAN, "identity"),
    (kernel("highpass", 2, 0.0), "relu"),
    (kernel("highpass", 2, 0.5, 20), "modulus"),
    (kernel("highpass", 3, 0.2), "leaky_relu"),
    (zero_sum(2, 1), "tanh"),
    (zero_sum(3, 2), "identity"),
]
# One row: a cheap domain that is as long as that of a square kernel.
ROWS = (np.array([[1.0, -2, 1]]), zero_sum(3, 4)[:1] - zero_sum(3, 4)[:1].mean())
LONG += [(row, name) for name in TRIMMED for row in (*ROWS, *(row.T for row in ROWS))]


@pytest.mark.parametrize(("taps", "activation"), LONG)
def test_engines_agree_on_zero_sum_kernels_over_256_layers(taps: Array, activation: str) -> None:
    image = np.ones((3, 1)) if taps.shape == (3, 1) else PIXEL
    assert_engines_agree(taps, image, LayerRule(activation, steps=256, snapshot_layers=(256,)))


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_engines_agree_where_the_tails_are_trimmed_over_256_layers(activation: str) -> None:
    # K >= 0: the support spans 513 px, the state about 200.
    rule = LayerRule(activation, steps=256, snapshot_layers=(64, 256), snapshot_window=513)
    assert_engines_agree(kernel("dct", 3, 0.4, 30), PIXEL, rule)


# The bulk gains the sum of the row, or what rectification leaves of it; the edge gains the
# outermost tap. (row, activation)
PULLED = {
    "edge gains 3, bulk gains 1": ([3.0, -5.0, 3.0], "identity"),
    "edge gains 1, bulk cancels": ([1.0, -1.9, 1.0], "identity"),
    "edge to the right alone": ([0.2, -0.9, 1.3], "relu"),
    "leak feeds the front": ([-4.0, 1.0, 0.3], "leaky_relu"),
    "wide kernel of large norm": ([2.0, -3, 2, -3, 2.5], "leaky_relu"),
    "modulus": ([1.5, -2.4, 1.0], "modulus"),
    "not homogeneous": ([-0.27, 0.3, 0.06], "tanh"),
}


def smooth_across(row: list[float]) -> Array:
    """Return a kernel that acts as the row along x and diffuses along y.

    A state of one row has no width along y, and a state without width is never trimmed.
    """
    return np.outer([0.3, 0.4, 0.3], row)


def deep_blob(sigma: int) -> Array:
    """Return a Gaussian with tails down to 1e-43 along x: far below what may be trimmed."""
    x, y = np.arange(-14 * sigma, 14 * sigma + 1), np.arange(-9, 10)
    return np.exp(-(y[:, np.newaxis] ** 2) / 8 - x**2 / (2 * sigma**2))


@pytest.mark.parametrize("name", list(PULLED))
@pytest.mark.parametrize("normalise", ["l2", "none"])
def test_engines_agree_on_fronts_that_are_pulled_by_their_tails(name: str, normalise: str) -> None:
    row, activation = PULLED[name]
    taps, rule = smooth_across(row), LayerRule(activation, normalise, steps=64)
    for image in (PIXEL, deep_blob(3)):
        assert_engines_agree(taps, image, rule)
    assert_engines_agree(taps.T, deep_blob(3).T, rule)


@pytest.mark.parametrize(
    ("row", "activation"),
    [([-0.9, 1.0, 0.2], "relu"), ([-1.5, 0.6, 1.0], "relu"), ([-0.9, 1.0], "leaky_relu")],
)
def test_a_tail_that_outgrows_the_bulk_is_not_trimmed(row: list[float], activation: str) -> None:
    # The bulk cancels and the far tail does not, so after 64 layers the state is what was 1e-20 of
    # it. Nothing here is chaotic: rounding moves these runs by 1e-13, a lost tail by 1e-9 to 1e-7.
    taps, image = smooth_across(row), deep_blob(3)
    fast, slow = (
        run(engine, taps[np.newaxis], image, LayerRule(activation, steps=64)) for engine in ENGINES
    )
    assert of(slow, "mu_x")[0, -1] > 20
    assert record_distance(slow.record, fast.record)[0] <= 1e-12


# Batches and inputs.


@each_engine
def test_a_batch_equals_its_single_runs(engine: str) -> None:
    kernels = np.random.default_rng(3).standard_normal((5, 3, 2))
    rule = LayerRule("leaky_relu", steps=12, snapshot_layers=(3, 12), snapshot_window=9)
    image = pattern_image("disc", radius=2)
    batch = run(engine, kernels, image, rule)
    for index, taps in enumerate(kernels):
        single = run(engine, taps[np.newaxis], image, rule)
        np.testing.assert_array_equal(batch.record[index], single.record[0])
        np.testing.assert_array_equal(batch.snapshots[index], single.snapshots[0])


@each_engine
def test_engines_take_views_and_integers_and_leave_them_alone(engine: str) -> None:
    image, taps = np.arange(12).reshape(3, 4), np.arange(1, 7).reshape(1, 2, 3)
    rule = LayerRule(steps=4)
    plain = run(engine, taps.astype(float), image.astype(float), rule)
    views = run(engine, np.flip(np.flip(taps).copy()), np.asfortranarray(image), rule)
    # numpy sums in the order of memory: some units in the last place.
    assert record_distance(plain.record, views.record)[0] <= 1e-14
    np.testing.assert_array_equal(taps.ravel(), np.arange(1, 7))
    np.testing.assert_array_equal(image.ravel(), np.arange(12))


# Ends: extinction, divergence, and the edges of floating-point numbers.


@each_engine
@pytest.mark.parametrize("normalise", ON_FREE_SPACE)
def test_relu_under_negative_taps_is_extinct_at_once(engine: str, normalise: str) -> None:
    rule = {"normalise": normalise, "snapshot_layers": (0, 1, 3), "snapshot_window": 3}
    ended = run_one(-np.ones((2, 3)), engine=engine, steps=5, **rule)
    assert ended.extinct_at[0] == 1
    assert np.isnan(ended.diverged_at[0])
    assert_ends_with_zeros(ended.record[0], 1)
    assert np.all(np.isfinite(ended.snapshots[0, 0]))
    assert np.all(np.isnan(ended.snapshots[0, 1:]))


def assert_ends_with_zeros(record: Array, layer: int) -> None:
    """Check that a state dies at a layer: its sizes are 0, and nothing else is known."""
    alive = [QUANTITIES.index(name) for name in ("mass", "gain", "peak")]
    undefined = [index for index in range(len(QUANTITIES)) if index not in alive]
    np.testing.assert_array_equal(record[layer, alive], 0)
    assert np.all(np.isnan(record[layer, undefined]))
    assert np.all(np.isnan(record[layer + 1 :]))
    assert np.all(np.isfinite(record[:layer, alive]))


@each_engine
@pytest.mark.parametrize("boundary", ["zero", "wrap", "reflect"])
def test_a_state_that_leaves_a_domain_is_extinct(engine: str, boundary: str) -> None:
    # A step to the right: what leaves is lost, wraps, or piles up at the mirror.
    taps = np.array([[0.0, 0.0, 1.0]])
    ended = run_one(taps, np.ones((1, 4)), engine, boundary=boundary, steps=8)
    if boundary == "zero":
        assert ended.extinct_at[0] == 4
        assert_ends_with_zeros(ended.record[0], 4)
    else:
        assert np.isnan(ended.extinct_at[0])


@each_engine
def test_a_state_may_die_later(engine: str) -> None:
    taps, stairs = np.array([[-1.0, 1.0]]), np.array([[3.0, 2.0, 1.0]])
    ended = run_one(taps, stairs, engine, normalise="none", boundary="reflect", steps=6)
    # 3 2 1 -> 0 1 1 -> 0 0 0: at layer 2 the crop is on the other side.
    assert ended.extinct_at[0] == 2
    assert_ends_with_zeros(ended.record[0], 2)


@each_engine
def test_without_normalisation_states_end_where_normal_numbers_end(engine: str) -> None:
    growing, shrinking = (
        run_one(np.array([[tap]]), engine=engine, normalise="none", steps=1030) for tap in (2, 0.5)
    )
    # 2^1023 is the largest power of two that is a number.
    assert growing.diverged_at[0] == 1024
    assert np.isnan(growing.extinct_at[0])
    assert of(growing, "gain")[0, 1023] == 2.0**1023
    assert np.all(np.isnan(growing.record[0, 1024:]))
    # 2^-1022 is the smallest normal number; a smaller state counts as dead.
    assert shrinking.extinct_at[0] == 1023
    assert of(shrinking, "mass")[0, 1022] == 2.0**-1022
    assert_ends_with_zeros(shrinking.record[0], 1023)


# 0.26^250 is 1e-146: its square, the mass, is still a normal number.
@pytest.mark.parametrize(
    ("density", "scale", "steps"),
    [("absolute", 0.26, 600), ("square", 0.26, 250), ("absolute", 4.0, 600), ("square", 4.0, 600)],
)
def test_engines_agree_up_to_the_ends_of_the_number_range(
    density: str, scale: float, steps: int
) -> None:
    taps = scale * np.array([[0.5, 0.3, 0.2]])
    assert_engines_agree(taps, PIXEL, LayerRule("relu", "none", density=density, steps=steps))


@each_engine
@pytest.mark.parametrize("normalise", ["l2", "peak", "mass"])
@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e200, 1e300])
# Rank 2, and a product, which runs as lines.
@pytest.mark.parametrize("image", [[[1.0, 2.0], [3.0, 0.5]], [[0.5, 1.0], [0.25, 0.5]]])
def test_scales_of_kernel_and_pattern_only_scale_the_gain(
    engine: str, normalise: str, scale: float, image: list[list[float]]
) -> None:
    taps, image = np.array([[0.5, 0.3, 0.2]]), np.array(image)
    rule = {"engine": engine, "normalise": normalise, "steps": 6}
    plain = run_one(taps, image, **rule)
    sizes = [QUANTITIES.index(name) for name in ("gain", "peak")]
    scaled, bright = run_one(scale * taps, image, **rule), run_one(taps, scale * image, **rule)
    scaled.record[0, 1:, sizes] /= scale
    bright.record[0, 0, sizes] /= scale
    for other in (scaled, bright):
        # Scaling rounds each tap or pixel once; a homogeneous system keeps that.
        assert record_distance(plain.record, other.record)[0] <= 1e-13


@each_engine
@pytest.mark.parametrize("boundary", list(BOUNDARIES))
def test_subnormal_tails_are_survived(engine: str, boundary: str) -> None:
    # Tails of a Gaussian in a wide image reach 1e-320 from the start.
    x = np.arange(-130, 131)
    image = np.exp(-(x[np.newaxis] ** 2) / 23.0)
    assert 0 < image.min() < np.finfo(np.float64).smallest_normal
    survived = run_one(np.array([[0.1, 0.8, 0.1]]), image, engine, boundary=boundary, steps=20)
    assert np.all(np.isfinite(of(survived, "mu_x")))
    assert np.isnan(survived.extinct_at[0])


# Trimming: normalisation cannot change the trajectory of a homogeneous system.


@given(
    st.one_of(family_kernels(), seeded_kernels(signed=False)),
    st.sampled_from(TRIMMED[:-1]),
    st.sampled_from(ON_FREE_SPACE),
)
def test_normalisation_does_not_move_a_homogeneous_system(
    taps: Array, activation: str, normalise: str
) -> None:
    plain = run_one(taps, activation=activation, normalise="none", steps=32)
    divided = run_one(taps, activation=activation, normalise=normalise, steps=32)
    # The division is one more rounding a layer, which an unstable system amplifies like any other.
    tolerance = 1e-10 + 1e3 * sensitivity(taps, activation, 32)
    first, second = plain.record.copy(), divided.record.copy()
    scales = [QUANTITIES.index(name) for name in ("mass", "gain", "peak")]
    first[..., scales] = second[..., scales] = 1.0
    assert record_distance(first, second)[0] <= tolerance


def sensitivity(taps: Array, activation: str, steps: int) -> float:
    """How far a run moves when its taps are scaled, which it would not notice without rounding."""
    rule = LayerRule(activation, steps=steps)
    kernels = np.array([taps, taps / 3.0])
    first, second = run("reference", kernels, PIXEL, rule).record
    second[1:, [QUANTITIES.index("gain"), QUANTITIES.index("peak")]] *= 3.0
    return float(record_distance(first, second))


# Windows.


@given(st.integers(1, 50), st.integers(1, 50))
def test_windows_are_centred_to_half_a_pixel(size: int, window: int) -> None:
    offset = window_offset(size, window)
    middle = offset + (window - 1) / 2 - (size - 1) / 2
    assert middle in (0, -0.5)


@each_engine
def test_snapshots_are_the_state_itself(engine: str) -> None:
    taps, rule = np.array([[1.0, 2.0], [3.0, 4.0]]), {"normalise": "none", "steps": 2}
    kept = run_one(taps, engine=engine, snapshot_layers=(0, 1), snapshot_window=2, **rule)
    # At layer 0 a single pixel cannot be centred in two: it is right of and below the centre.
    np.testing.assert_array_equal(kept.snapshots[0], [[[0, 0], [0, 1]], taps])


@each_engine
@pytest.mark.parametrize("normalise", ["l2", "peak", "mass"])
def test_snapshots_are_normalised(engine: str, normalise: str) -> None:
    taps = kernel("random", 3, 0.5)
    rule = {"normalise": normalise, "activation": "identity", "steps": 4, "snapshot_layers": (4,)}
    state = run_one(taps, engine=engine, snapshot_window=9, **rule).snapshots[0, 0]
    norms = {"l2": np.linalg.norm(state), "peak": np.abs(state).max(), "mass": np.abs(state).sum()}
    assert norms[normalise] == pytest.approx(1, rel=1e-14)  # one division
