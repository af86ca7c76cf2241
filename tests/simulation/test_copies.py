"""Simulations that are another one turned or mirrored: run once, and equal to running them all."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest

from mechcore import engines
from mechcore.engines.rule import LayerRule
from mechcore.engines.trajectories import QUANTITIES, record_distance
from mechcore.experiment.cell import Cell
from mechcore.model.kernels import kernel
from mechcore.model.patterns import pattern_image
from mechcore.simulation.run import cell_kernels, simulate
from mechcore.simulation.symmetry import SQUARE, copies_among, symmetries_of
from tests.helpers.oracles import Array

ANGLES = [0.0, 20.0, 45.0, 70.0, 90.0, 135.0, 180.0, 270.0, 340.0]

each_symmetry = pytest.mark.parametrize("symmetry", SQUARE)


def record_of(dataset: object) -> Array:
    return np.stack([dataset[name].values for name in QUANTITIES], axis=-1)


@each_symmetry
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
