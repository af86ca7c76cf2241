"""The numbers of a layer, against kernels of which they are known."""

from __future__ import annotations

import numpy as np
import pytest

from mechcore.filters.analysis import analyse
from mechcore.model.dct_groups import dct_bases
from mechcore.training.mechanics import OF_LAYER, displacement, layer_mechanics


def test_a_layer_of_one_gradient_is_odd_and_coherent() -> None:
    gradient = np.broadcast_to(dct_bases(3)[0, 1], (4, 2, 3, 3))
    numbers = layer_mechanics(gradient)
    assert set(OF_LAYER) < set(numbers)
    for name in ("odd_energy_ratio", "asymmetric_share", "low_frequency_share", "coherence"):
        assert numbers[name] == pytest.approx(1.0, abs=1e-12)
    # K^2 is even: what the gradient moves has its centre of energy in the middle.
    assert numbers["displacement"] == pytest.approx(0.0, abs=1e-12)
    assert numbers["dct_share"][0, 1] == pytest.approx(1.0, abs=1e-12)


def test_opposite_momenta_are_not_coherent() -> None:
    shift = np.zeros((2, 1, 3, 3))
    shift[0, 0, 1, 2] = shift[1, 0, 1, 0] = 1.0
    numbers = layer_mechanics(shift)
    assert numbers["coherence"] == pytest.approx(0.0, abs=1e-12)
    assert numbers["displacement"] == pytest.approx(1.0, abs=1e-12)
    assert numbers["odd_energy_ratio"] == pytest.approx(0.5, abs=1e-12)


def test_shares_of_a_layer_are_weighted_by_energy(rng: np.random.Generator) -> None:
    kernels = rng.standard_normal((5, 4, 3, 3)) * rng.random((5, 4, 1, 1))
    slices = analyse(kernels.reshape(-1, 3, 3))
    expected = np.average(slices.odd_energy_ratio, weights=slices.energy)
    assert layer_mechanics(kernels)["odd_energy_ratio"] == pytest.approx(expected, rel=1e-12)


def test_dead_kernels_have_no_say(rng: np.random.Generator) -> None:
    kernels = rng.standard_normal((6, 3, 3))
    with_dead = np.concatenate([kernels, np.zeros((3, 3, 3))])
    assert displacement(with_dead) == pytest.approx(displacement(kernels), rel=1e-12)
