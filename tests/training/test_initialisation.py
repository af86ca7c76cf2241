"""Kernels before training: the energy of He's law, and what an initialisation says of its parts."""

from __future__ import annotations

import numpy as np
import pytest

from mechcore.errors import InvalidValue
from mechcore.experiment.training import TrainingRun
from mechcore.filters.analysis import analyse
from mechcore.io.arrays import Array
from mechcore.model.dct_groups import dct_bases
from mechcore.training.initialisation import initial_coefficients, mean_spectrum
from tests.helpers.projects import PROJECT
from tests.helpers.studies import training_run

DIGITS = str(PROJECT / "resources" / "banks" / "digits.safetensors")
OUTPUTS, INPUTS = 40, 30


def kernels_of(run: TrainingRun) -> Array:
    coefficients = initial_coefficients(run, OUTPUTS, INPUTS, np.random.default_rng(run.seed))
    kernels = np.tensordot(coefficients, dct_bases(run.size), 2)
    return kernels.reshape(-1, run.size, run.size)


@pytest.mark.parametrize("size", [2, 3, 5])
def test_kernels_have_the_variance_of_he(size: int) -> None:
    kernels = kernels_of(training_run(size=size))
    # 1200 kernels of at least 4 taps: the variance is known to 3%, three of which are allowed.
    assert kernels.var() == pytest.approx(2 / (INPUTS * size**2), rel=0.09)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("restriction", ["all", "3", "d01-d11"])
def test_the_odd_share_is_prescribed(share: float, restriction: str) -> None:
    run = training_run(restriction=restriction, initialisation={"odd_share": share})
    drawn, shaped = kernels_of(training_run()), kernels_of(run)
    # Both to rounding.
    np.testing.assert_allclose(analyse(shaped).odd_energy_ratio, share, atol=1e-12)
    energies = (np.square(part).sum(axis=(1, 2)) for part in (drawn, shaped))
    np.testing.assert_allclose(*energies, rtol=1e-12)


@pytest.mark.parametrize(("start", "restriction"), [("gradients", "all"), ("he", "3")])
def test_kernels_have_only_the_components_that_are_left(start: str, restriction: str) -> None:
    kernels = kernels_of(training_run(initialisation=start, restriction=restriction))
    np.testing.assert_allclose(analyse(kernels).low_frequency_share, 1.0, atol=1e-12)


def test_kernels_have_the_spectrum_of_a_trained_network() -> None:
    kernels = kernels_of(training_run(initialisation={"spectrum": DIGITS}))
    energy = analyse(kernels).dct_energy.sum("slice").values
    # Each kernel keeps its drawn energy, so that strong components lose some; 1200 kernels.
    np.testing.assert_allclose(energy / energy.sum(), mean_spectrum(DIGITS, 3), atol=0.04)


def test_a_spectrum_needs_kernels_of_the_same_size() -> None:
    with pytest.raises(InvalidValue, match="kernels of 7x7 taps"):
        mean_spectrum(DIGITS, 7)


def test_initialisations_of_one_seed_are_pairs() -> None:
    he, gradients = (kernels_of(training_run(initialisation=name)) for name in ("he", "gradients"))
    low = dct_bases(3)[0, 0]
    signs = (np.sign(np.tensordot(part, low, 2)) for part in (he, gradients))
    np.testing.assert_array_equal(*signs)
