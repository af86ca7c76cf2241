"""Equivariance, conservation and causality: what holds whatever the kernel; and copies run once."""

from __future__ import annotations

from collections.abc import Callable
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechcore import engines
from mechcore.engines import ENGINES, run
from mechcore.engines.rule import LayerRule
from mechcore.engines.trajectories import QUANTITIES, Trajectories, record_distance
from mechcore.experiment.cell import Cell
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import BOUNDARIES
from mechcore.model.kernels import even_part, kernel
from mechcore.model.patterns import pattern_image
from mechcore.simulation.run import cell_kernels, simulate
from mechcore.simulation.symmetry import SQUARE, copies_among, symmetries_of
from tests.helpers.oracles import (
    KERNELS,
    POSITIVE_FAMILIES,
    Array,
    any_images,
    any_kernels,
    assert_equal_but_for_rounding,
    of,
    run_one,
    seeded_kernels,
)

activations = st.sampled_from(list(ACTIVATIONS))
each_engine = pytest.mark.parametrize("engine", list(ENGINES))


def changed(
    trajectories: Trajectories, order: tuple[str, ...], signs: dict[str, int]
) -> Trajectories:
    record = trajectories.record[..., [QUANTITIES.index(name) for name in order]]
    factors = np.array([signs.get(name, 1) for name in QUANTITIES])
    ends = trajectories.extinct_at, trajectories.diverged_at
    return Trajectories(record * factors, *ends, trajectories.snapshots)


SWAP = {"mu_x": "mu_y", "sigma_x": "sigma_y", "excess_kurtosis_x": "excess_kurtosis_y"}
SWAPPED = tuple((SWAP | {y: x for x, y in SWAP.items()}).get(name, name) for name in QUANTITIES)

Change = tuple[Callable[[Array], Array], tuple[str, ...], dict[str, int]]

SYMMETRIES: dict[str, Change] = {
    "left for right": (np.fliplr, QUANTITIES, {"mu_x": -1, "cov_xy": -1}),
    "up for down": (np.flipud, QUANTITIES, {"mu_y": -1, "cov_xy": -1}),
    "transposed": (np.transpose, SWAPPED, {}),
    # By 90 degrees from +x to +y.
    "quarter turn": (lambda array: np.rot90(array, -1), SWAPPED, {"mu_x": -1, "cov_xy": -1}),
}
"""How images, quantities and their signs change."""

each_symmetry = pytest.mark.parametrize("symmetry", list(SYMMETRIES))


def assert_equivariant(symmetry: str, taps: Array, image: Array, rule: LayerRule) -> None:
    """Check that the compiled run of the transformed world is the transformed run."""
    move, order, signs = SYMMETRIES[symmetry]
    plain = run("compiled", taps[np.newaxis], image, rule)
    other = run("compiled", move(taps)[np.newaxis], move(image), rule)
    expected = changed(plain, order, signs)
    assert_equal_but_for_rounding(other, expected, move(taps), move(image), rule)


@each_symmetry
@given(taps=any_kernels(), image=any_images(), activation=activations)
def test_free_space_has_all_symmetries(
    symmetry: str, taps: Array, image: Array, activation: str
) -> None:
    assert_equivariant(symmetry, taps, image, LayerRule(activation, steps=16))


@pytest.mark.parametrize("boundary", list(BOUNDARIES))
@pytest.mark.parametrize(
    ("symmetry", "shape"), [*((name, (3, 5)) for name in SYMMETRIES), ("transposed", (2, 4))]
)
@given(seed=st.integers(0, 999), activation=activations)
def test_a_domain_has_all_symmetries_for_odd_sizes_and_exchanges_its_axes_for_even_ones(
    boundary: str, symmetry: str, shape: tuple[int, int], seed: int, activation: str
) -> None:
    draws = np.random.default_rng(seed)
    taps, image = draws.standard_normal(shape), draws.random((7, 8))
    assert_equivariant(symmetry, taps, image, LayerRule(activation, boundary=boundary, steps=12))


@pytest.mark.parametrize(("family", "size"), KERNELS)
def test_angles_turn_and_mirror_the_kernel(family: str, size: int) -> None:
    for beta, angle in ((0.3, 0), (0.7, 30), (1.0, 45)):
        taps = kernel(family, size, beta, angle)
        if family != "saddle":
            half_turn = kernel(family, size, beta, angle + 180)
            np.testing.assert_allclose(half_turn, taps[::-1, ::-1], atol=1e-16)  # signs of zeros
        # The random family has an even part without symmetry.
        if family not in ("random", "saddle"):
            mirrored = kernel(family, size, beta, 90 - angle)
            np.testing.assert_allclose(mirrored, taps.T, atol=1e-15)  # norms in another order
        # The even part of highpass changes its sign under a quarter turn where the size is even.
        if family not in ("random", "saddle") and (family != "highpass" or size % 2):
            turned = kernel(family, size, beta, angle + 90)
            np.testing.assert_allclose(turned, np.rot90(taps, -1), atol=1e-15)  # as above


@given(
    seeded_kernels(signed=True),
    # Others fill the whole light cone, and a larger pattern has a larger one.
    st.sampled_from([name for name in ACTIVATIONS if ACTIVATIONS[name].keeps_zero]),
    st.integers(0, 5),
    st.integers(0, 5),
)
def test_empty_margins_of_a_pattern_only_move_the_origin(
    taps: Array, activation: str, left: int, above: int
) -> None:
    image = pattern_image("random", side=4)
    padded = np.pad(image, ((above, 0), (left, 0)))
    rule = LayerRule(activation, steps=10)
    plain, other = (run("compiled", taps[np.newaxis], pattern, rule) for pattern in (image, padded))
    other.record[..., QUANTITIES.index("mu_x")] -= left / 2
    other.record[..., QUANTITIES.index("mu_y")] -= above / 2
    assert_equal_but_for_rounding(other, plain, taps, image, rule)


# Conservation.


@pytest.mark.parametrize("activation", ["identity", "relu", "modulus", "leaky_relu"])
@given(taps=seeded_kernels(signed=False), image=any_images())
def test_even_kernels_keep_the_centre_of_mass(activation: str, taps: Array, image: Array) -> None:
    even = taps + taps[::-1, ::-1]
    kept = run_one(even, image, activation=activation, steps=24)
    for name in ("mu_x", "mu_y"):
        # 1e-12: centroids are sums over supports of up to 150 px.
        np.testing.assert_allclose(of(kept, name)[0], of(kept, name)[0, 0], atol=1e-12)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@given(seed=st.integers(0, 999))
def test_signed_even_kernels_keep_a_symmetric_pattern_in_place(activation: str, seed: int) -> None:
    taps = np.random.default_rng(seed).standard_normal((3, 4))
    even, image = taps + taps[::-1, ::-1], pattern_image("disc", radius=3)
    rule = LayerRule(activation, steps=12)
    kept = run("compiled", even[np.newaxis], image, rule)
    still = Trajectories(kept.record.copy(), kept.extinct_at, kept.diverged_at, kept.snapshots)
    for name in ("mu_x", "mu_y"):
        column = still.record[..., QUANTITIES.index(name)]
        column[np.isfinite(column)] = 0.0
    assert_equal_but_for_rounding(kept, still, even, image, rule)


@each_engine
@pytest.mark.parametrize("family", POSITIVE_FAMILIES)
@pytest.mark.parametrize("size", [3, 5, 7])
def test_mirrors_conserve_the_mass_of_symmetric_kernels(
    engine: str, family: str, size: int
) -> None:
    taps = even_part(family, size)
    image = pattern_image("random", side=9)
    run = run_one(taps / taps.sum(), image, engine, normalise="none", boundary="reflect", steps=40)
    # 40 layers of sums of at most 49 products.
    np.testing.assert_allclose(of(run, "mass")[0], image.sum(), rtol=1e-12)


@each_engine
@pytest.mark.parametrize("boundary", ["free", "wrap", "zero"])
@given(taps=seeded_kernels(signed=False))
def test_positive_kernels_conserve_the_mass_but_for_what_leaves(
    engine: str, boundary: str, taps: Array
) -> None:
    image = pattern_image("random", side=5)
    run = run_one(taps / taps.sum(), image, engine, normalise="none", boundary=boundary, steps=12)
    mass = of(run, "mass")[0]
    if boundary == "zero":
        mass = mass[np.isfinite(mass)]
        assert np.all(np.diff(mass) <= 1e-13 * mass[0])  # rounding of one layer
    else:
        np.testing.assert_allclose(mass, image.sum(), rtol=1e-12)  # rounding, as above


# The light cone.


@each_engine
@pytest.mark.parametrize(
    "activation", ["identity", "relu", "modulus", "leaky_relu", "tanh", "gelu"]
)
@pytest.mark.parametrize("boundary", ["free", "zero"])
@pytest.mark.parametrize("shape", [(3, 3), (2, 2), (5, 2), (1, 4)])
def test_nothing_leaves_the_light_cone(
    engine: str, activation: str, boundary: str, shape: tuple[int, int]
) -> None:
    taps = np.random.default_rng(4).standard_normal(shape)
    side, layers = 61, (0, 1, 2, 5, 8)
    image = np.ones((1, 1)) if boundary == "free" else np.pad(np.ones((1, 1)), side // 2)
    rule = {"activation": activation, "boundary": boundary, "steps": 8}
    run = run_one(taps, image, engine, snapshot_layers=layers, snapshot_window=side, **rule)
    for layer, state in zip(layers, run.snapshots[0], strict=True):
        for axis in (0, 1):
            occupied = np.nonzero(np.any(state, axis=1 - axis))[0]
            # The support of one pixel has grown by (k - 1)/2 on each side, and the grid of an even
            # kernel lies half a pixel beside that of the window.
            assert occupied.max() - occupied.min() <= layer * (shape[axis] - 1)
            reach = layer * (shape[axis] - 1) / 2 + 0.5
            assert np.abs(occupied - side // 2).max() <= reach


@each_engine
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_a_pixel_changes_nothing_outside_its_light_cone(engine: str, activation: str) -> None:
    draws = np.random.default_rng(6)
    taps, image = draws.standard_normal((3, 3)), draws.random((31, 31))
    brighter = image.copy()
    brighter[15, 15] += 1
    rule = {"activation": activation, "normalise": "none", "boundary": "zero", "steps": 6}
    kept = {"snapshot_layers": tuple(range(7)), "snapshot_window": 31}
    first, other = (run_one(taps, start, engine, **rule, **kept) for start in (image, brighter))
    for layer in range(7):
        same = first.snapshots[0, layer] == other.snapshots[0, layer]
        inside = np.s_[15 - layer : 16 + layer, 15 - layer : 16 + layer]
        assert not same[15, 15] or layer > 0
        same[inside] = True
        assert np.all(same)


# Simulations that are another one turned or mirrored: run once, and equal to running them all.

ANGLES = [0.0, 20.0, 45.0, 70.0, 90.0, 135.0, 180.0, 270.0, 340.0]


def record_of(dataset: object) -> Array:
    return np.stack([dataset[name].values for name in QUANTITIES], axis=-1)


@pytest.mark.parametrize("symmetry", SQUARE)
def test_undoing_a_symmetry_gives_the_image(symmetry: object) -> None:
    images = np.random.default_rng(1).random((2, 3, 5))
    np.testing.assert_array_equal(symmetry.undone(symmetry.of(images)), images)


@pytest.mark.parametrize("family", ["dct", "gaussian", "random", "highpass"])
@pytest.mark.parametrize("boundary", ["free", "zero", "wrap", "reflect"])
@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("window", [24, 25])
def test_copies_equal_their_originals(family: str, boundary: str, size: int, window: int) -> None:
    cell = Cell(
        kernel=family,
        activation="relu",
        size=size,
        angles=ANGLES,
        betas=[0.0, 0.4, 0.9],
        patterns=["disc", "delta", "random"],
        steps=8,
        boundary=boundary,
        domain=None if boundary == "free" else 25,
        snapshots={"layers": [3, 8], "window": window},
    )
    each = simulate(cell.model_copy(update={"reuse_symmetric": False}))
    once = simulate(cell)
    # Two orders of the same sums over eight layers.
    assert np.max(record_distance(record_of(each), record_of(once))) <= 1e-12
    np.testing.assert_allclose(once["snapshot"], each["snapshot"], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(once["extinct_at"], each["extinct_at"])


def test_angles_that_differ_by_a_symmetry_run_once() -> None:
    cell = Cell(kernel="dct", activation="relu", size=3, angles=ANGLES, betas=[0.0, 0.5])
    kernels = cell_kernels(cell).reshape(-1, 3, 3)
    # One even kernel; then 0, 20 and 45 degrees.
    assert len(copies_among(kernels, np.ones((1, 1)), LayerRule()).run) == 4


def test_it_can_be_asked_to_run_them_all() -> None:
    settings = {"kernel": "dct", "activation": "relu", "size": 2, "angles": [0, 90], "betas": [0.5]}
    for reuse, expected in ((True, 1), (False, 2)):
        with mock.patch.object(engines, "run", wraps=engines.run) as run:
            simulate(Cell(**settings, reuse_symmetric=reuse))
        assert {len(call.args[1]) for call in run.call_args_list} == {expected}


@pytest.mark.parametrize(
    ("image", "size", "rule", "expected"),
    [
        (np.ones((1, 1)), 3, LayerRule(), 8),
        (pattern_image("disc"), 4, LayerRule(), 8),
        (np.ones((2, 3)), 3, LayerRule(), 4),
        (pattern_image("random"), 3, LayerRule(), 1),
        (np.ones((5, 5)), 3, LayerRule(boundary="wrap"), 8),
        # An even kernel moves the grid by half a pixel, always to the same side.
        (np.ones((5, 5)), 2, LayerRule(boundary="wrap"), 2),
        # The window lies half a pixel to the left where it cannot be centred.
        (np.ones((1, 1)), 2, LayerRule(snapshot_layers=(1,), snapshot_window=3), 2),
        (np.ones((1, 1)), 2, LayerRule(snapshot_layers=(2,), snapshot_window=3), 8),
    ],
)
def test_a_simulation_has_the_symmetries_of_all_its_parts(
    image: Array, size: int, rule: LayerRule, expected: int
) -> None:
    assert len(symmetries_of(image, (size, size), rule)) == expected


def test_kernels_that_are_not_square_or_of_zeros_with_a_sign_are_found() -> None:
    tall = np.stack([np.outer([1.0, 2.0], [1.0, 2.0, 3.0]), np.outer([2.0, 1.0], [3.0, 2.0, 1.0])])
    copies = copies_among(tall, np.ones((1, 1)), LayerRule())
    assert copies.run == [0]
    assert not copies.symmetries[1].transposes
    taps = kernel("dct", 3, 1.0)
    assert copies_among(np.stack([taps, -taps[:, ::-1]]), np.ones((1, 1)), LayerRule()).run == [0]
