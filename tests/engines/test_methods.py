"""The methods of the compiled engine: each must equal the reference, wherever it may be used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mechcore.engines import run
from mechcore.engines.compiled import run as compiled
from mechcore.engines.compiled.separable import run_lines, separated
from mechcore.engines.compiled.vector_code import LANES
from mechcore.engines.factors import ROUNDING, factors, products
from mechcore.engines.methods import METHODS, direct_cost, largest_rank, low_rank_cost
from mechcore.engines.rule import LayerRule
from mechcore.engines.trajectories import DENSITIES, record_distance
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import BOUNDARIES
from mechcore.model.kernels import FAMILIES, kernel
from mechcore.model.normalisations import NORMALISATIONS
from mechcore.model.patterns import pattern_image
from tests.helpers.oracles import (
    Array,
    any_images,
    any_kernels,
    assert_equal_but_for_rounding,
    of,
    rules,
    seeded_kernels,
)

PIXEL = np.ones((1, 1))
LINEAR_PIECES = [name for name, entry in ACTIVATIONS.items() if entry.negative_slope is not None]


def assert_agrees(taps: Array, image: Array, rule: LayerRule, **options: object) -> None:
    slow = run("reference", taps[np.newaxis], image, rule)
    fast = compiled.run(taps[np.newaxis], image, rule, **options)
    assert_equal_but_for_rounding(fast, slow, taps, image, rule)


# Direct, low rank, and without trimming: any kernel, any rule.


@settings(max_examples=150)
@given(any_kernels(), any_images(), rules(), st.sampled_from(METHODS), st.booleans())
def test_every_method_agrees_on_anything(
    taps: Array, image: Array, rule: LayerRule, method: str, trims: bool
) -> None:
    assert_agrees(taps, image, rule, method=method, trims=trims)


@pytest.mark.parametrize(
    ("family", "size"),
    [(name, k) for name, entry in FAMILIES.items() for k in (6, 9, 12, 15) if entry.has_size(k)],
)
def test_methods_agree_on_larger_kernels(family: str, size: int) -> None:
    for beta, activation in ((0.3, "relu"), (0.8, "modulus"), (1.0, "leaky_relu")):
        taps, rule = kernel(family, size, beta, 30), LayerRule(activation, steps=8)
        for method in METHODS:
            assert_agrees(taps, pattern_image("disc", radius=4), rule, method=method)


@pytest.mark.parametrize("boundary", list(BOUNDARIES))
def test_low_rank_passes_agree_over_several_bands(boundary: str) -> None:
    # 100 rows are more than three bands, and their number is no multiple of a block.
    image = np.pad(pattern_image("random", side=50, seed=3), ((20, 30), (15, 40)))
    rule = LayerRule("leaky_relu", boundary=boundary, steps=3, snapshot_layers=(3,))
    for size in (3, 8, 11):
        assert_agrees(kernel("gaussian", size, 0.7, 20), image, rule, method="low_rank")


def test_a_state_may_outgrow_the_first_buffer() -> None:
    # 2100 x 2060 numbers are more than the 2^22 that are set aside at first.
    image = np.zeros((2030, 2030))
    image[15:-15, 15:-15] = pattern_image("random", side=2000, seed=1)
    assert_agrees(kernel("dct", 9, 0.4, 30), image, LayerRule(steps=4))


# Numerical rank.


@given(seeded_kernels(signed=True))
def test_factors_give_the_matrix(taps: Array) -> None:
    columns, rows = factors(taps)
    assert columns.shape[1] == rows.shape[0] <= min(taps.shape)
    # Each of at most seven subtractions rounds once.
    assert np.max(np.abs(columns @ rows - taps)) <= 8 * ROUNDING * np.max(np.abs(taps))


@given(st.integers(1, 4), st.integers(5, 12), st.integers(0, 2**32 - 1))
def test_factors_find_the_rank(rank: int, size: int, seed: int) -> None:
    draws = np.random.default_rng(seed)
    # Orthogonal factors of equal weight: nothing of them is as small as rounding.
    left, _ = np.linalg.qr(draws.standard_normal((size, rank)))
    right, _ = np.linalg.qr(draws.standard_normal((size, rank)))
    assert factors(left @ right.T)[0].shape == (size, rank)
    assert rank == 1 or factors(left @ right.T, rank - 1) is None


@pytest.mark.parametrize("family", ["dct", "gaussian", "binomial", "highpass"])
@pytest.mark.parametrize("size", range(2, 16))
def test_mixed_kernels_have_a_rank_of_at_most_three(family: str, size: int) -> None:
    for angle in (0, 30, 90, 200):
        assert factors(kernel(family, size, 0.6, angle), 3) is not None


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_products_keep_zeros_and_signs(height: int, width: int, seed: int) -> None:
    draws = np.random.default_rng(seed)
    column, row = (draws.integers(-2, 3, n) * draws.random(n) for n in (height, width))
    taps = np.outer(column, row)
    if taps.any():
        actual, columns, rows = products(taps[np.newaxis])
        assert actual[0]
        again = np.outer(columns[0], rows[0])
        np.testing.assert_array_equal(np.sign(again), np.sign(taps))
        np.testing.assert_allclose(again, taps, rtol=2 * ROUNDING)


# States that stay products.


@st.composite
def product_runs(draw: st.DrawFn) -> tuple[Array, Array, LayerRule]:
    """Kernels and patterns that are products, with one factor that is nowhere negative."""
    deviates = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    height, width, tall, wide = (
        deviates.standard_normal(draw(st.integers(1, 6))) for _ in range(4)
    )
    taps = (
        np.outer(height, np.abs(width)) if draw(st.booleans()) else np.outer(np.abs(height), width)
    )
    rule = replace(draw(rules()), activation=draw(st.sampled_from(LINEAR_PIECES)))
    return taps, np.abs(np.outer(tall, wide)), rule


@settings(max_examples=200)
@given(product_runs())
def test_lines_agree_with_the_reference(case: tuple[Array, Array, LayerRule]) -> None:
    taps, image, rule = case
    assert separated(taps[np.newaxis], image, rule) is not None
    assert_agrees(taps, image, rule)


@pytest.mark.parametrize("activation", LINEAR_PIECES)
@pytest.mark.parametrize("normalise", list(NORMALISATIONS))
@pytest.mark.parametrize("density", list(DENSITIES))
@pytest.mark.parametrize("angle", [0, 90])
def test_lines_agree_over_many_layers(
    activation: str, normalise: str, density: str, angle: float
) -> None:
    rule = LayerRule(activation, normalise, density=density, steps=120, snapshot_layers=(40,))
    for family, size, beta in (("dct", 3, 0.3), ("dct", 2, 0.9), ("gaussian", 4, 1.0)):
        taps = kernel(family, size, beta, angle)
        assert separated(taps[np.newaxis], PIXEL, rule) is not None
        assert_agrees(taps, PIXEL, rule)


@pytest.mark.parametrize("activation", LINEAR_PIECES)
def test_a_product_of_two_signed_factors_needs_an_activation_that_factors(activation: str) -> None:
    taps = np.outer([1.0, -0.5], [1.0, -0.3])
    actual = separated(taps[np.newaxis], PIXEL, LayerRule(activation))
    assert (actual is not None) == (activation in ("identity", "modulus"))
    assert_agrees(taps, PIXEL, LayerRule(activation, steps=20))


@pytest.mark.parametrize(
    ("taps", "image", "activation"),
    [
        *((np.ones((2, 2)), PIXEL, name) for name in ACTIVATIONS if name not in LINEAR_PIECES),
        (kernel("dct", 3, 0.5, 30), PIXEL, "relu"),
        (kernel("dct", 3, 0.5), pattern_image("disc", radius=3), "relu"),
    ],
)
def test_what_is_no_product_has_no_lines(taps: Array, image: Array, activation: str) -> None:
    assert separated(taps[np.newaxis], image, LayerRule(activation)) is None


def test_lines_that_leave_the_numbers_run_as_images() -> None:
    # The norm along x grows by 1e10 a layer and that along y shrinks by 1e10.
    taps = np.outer([1e-10, 2e-10], [1e10, 3e10])
    rule = LayerRule("relu", "none", steps=40)
    split = separated(taps[np.newaxis], PIXEL, rule)
    assert split is not None
    # The scale is shared between the factors, so only that of the whole counts.
    assert len(run_lines(split, rule, trims=True)[0]) == 1
    growing = 1e10 * taps / np.abs(taps).max()
    split = separated(growing[np.newaxis], PIXEL, rule)
    assert split is not None
    assert len(run_lines(split, rule, trims=True)[0]) == 0
    assert_agrees(growing, PIXEL, rule)


def test_many_lines_are_what_each_is_alone() -> None:
    kernels = np.array([kernel("dct", 3, beta) for beta in np.linspace(0, 1, 2 * LANES + 3)])
    rule = LayerRule(steps=40, snapshot_layers=(20,), snapshot_window=21)
    batch = run("compiled", kernels, PIXEL, rule)
    for index, taps in enumerate(kernels):
        single = run("compiled", taps[np.newaxis], PIXEL, rule)
        # Lines that share a vector are trimmed together, by what all of them may lose.
        assert record_distance(single.record, batch.record[index : index + 1])[0] <= 1e-12
        np.testing.assert_allclose(batch.snapshots[index], single.snapshots[0], atol=1e-14)


def test_a_batch_of_all_sorts_keeps_its_order() -> None:
    sorts = [
        kernel("dct", 9, 0.4),
        kernel("dct", 9, 0.4, 30),
        kernel("random", 9, 0.4),
        np.zeros((9, 9)) - 1.0,
        kernel("dct", 9, 0.9, 90),
    ]
    rule = LayerRule(steps=6, snapshot_layers=(2,), snapshot_window=15)
    batch = run("compiled", np.array(sorts), PIXEL, rule)
    slow = run("reference", np.array(sorts), PIXEL, rule)
    np.testing.assert_array_equal(batch.extinct_at, slow.extinct_at)
    np.testing.assert_allclose(of(batch, "mu_x"), of(slow, "mu_x"), rtol=0, atol=1e-12)
    np.testing.assert_allclose(batch.snapshots, slow.snapshots, rtol=0, atol=1e-14)


# What rounding or overflow could turn into something else.


@pytest.mark.parametrize("size", [9, 10, 15])
@pytest.mark.parametrize("method", METHODS)
def test_a_tap_that_is_zero_by_cancellation_keeps_nothing_alive(size: int, method: str) -> None:
    # Rank 3, nowhere positive, zero on the diagonal: ReLU leaves nothing.
    place = np.arange(float(size))
    taps = -((place[:, np.newaxis] - place) ** 2) / 7
    ended = compiled.run(taps[np.newaxis], PIXEL, LayerRule("relu", steps=3), method=method)
    assert ended.extinct_at[0] == 1


@pytest.mark.parametrize("row", [[-1e200, 2e200], [2e200, -1e200]])
def test_a_sum_that_overflows_in_between_diverges_in_either_order(row: list[float]) -> None:
    rule = LayerRule("relu", "none", "reflect", steps=1)
    ended = run("compiled", np.array([[row]]), np.array([[1e200]]), rule)
    assert ended.diverged_at[0] == 1


@pytest.mark.parametrize(
    ("scale", "brightness"), [(1e-200, 1e200), (1e200, 1e-200), (1e-160, 1e155)]
)
@pytest.mark.parametrize("normalise", list(NORMALISATIONS))
def test_kernel_and_pattern_may_be_of_opposite_extremes(
    scale: float, brightness: float, normalise: str
) -> None:
    draws = np.random.default_rng(0)
    taps, image = draws.standard_normal((3, 3)), np.abs(draws.standard_normal((4, 4)))
    assert_agrees(scale * taps, brightness * image, LayerRule("relu", normalise, steps=3))


@pytest.mark.parametrize("height", range(2, 16))
@pytest.mark.parametrize("width", [2, 5, 9, 15])
def test_passes_are_taken_just_where_they_are_cheaper(height: int, width: int) -> None:
    most = largest_rank(height, width)
    for rank in range(1, min(height, width) + 1):
        cheaper = low_rank_cost(height, width, rank) < direct_cost(height, width)
        assert cheaper == (rank <= most)
