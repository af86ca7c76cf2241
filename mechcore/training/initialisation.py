"""How kernels start: He's normal law in the space of DCT components, shaped and restricted."""

from __future__ import annotations

import numpy as np

from mechcore.errors import InvalidValue
from mechcore.experiment.training import Initialisation, TrainingRun
from mechcore.filters.analysis import analyse
from mechcore.filters.bank import load_bank
from mechcore.io.arrays import Array
from mechcore.model.dct_groups import ALL, components


def initial_coefficients(
    run: TrainingRun, outputs: int, inputs: int, generator: np.random.Generator
) -> Array:
    """Return the DCT coefficients of kernels before training, (out, in, size, size).

    They are white noise of variance 2 / (inputs size^2), in which components are zero or weighted,
    the two parities are scaled to the odd share, and each kernel to the energy that it was drawn
    with. All initialisations get the same draws, so that runs of one seed are pairs.

    Notes
    -----
    A DCT component (v, u) is odd under point reflection if v + u is odd. The bases are orthonormal,
    so white noise in the taps is white noise in the components.

    References
    ----------
    K. He and others, Delving Deep into Rectifiers, arXiv:1502.01852.
    """
    start, size = run.initialisation, run.size
    drawn = generator.standard_normal((outputs, inputs, size, size))
    drawn *= np.sqrt(2 / (inputs * size**2))
    shaped = drawn * component_weights(start, size) * components(run.restriction, size)
    if start.odd_share is not None:
        shaped = with_odd_share(shaped, start.odd_share)
    return shaped * (_norms(drawn) / _norms(shaped))


def component_weights(start: Initialisation, size: int) -> Array:
    """Return by what an initialisation multiplies each component (v, u)."""
    if start.spectrum is not None:
        return np.sqrt(mean_spectrum(start.spectrum, size))
    return components(start.components or ALL, size).astype(float)


def with_odd_share(coefficients: Array, share: float) -> Array:
    """Scale the two parities of each kernel so that the odd one has a share of the energy."""
    v, u = np.indices(coefficients.shape[-2:])
    odd = (v + u) % 2 == 1
    total = np.zeros_like(coefficients)
    for part_share, chosen in ((share, odd), (1 - share, ~odd)):
        part = np.where(chosen, coefficients, 0.0)
        norm = _norms(part)
        total += np.sqrt(part_share) * np.divide(
            part, norm, out=np.zeros_like(part), where=norm > 0
        )
    return total


def mean_spectrum(weights: str, size: int) -> Array:
    """Return the shares of the energy of all kernels of a size in a weight file, (size, size)."""
    shape = (size, size)
    stacks = [
        layer.kernels.reshape(-1, *shape)
        for layer in load_bank(weights).layers
        if layer.kernels.shape[-2:] == shape
    ]
    if not stacks:
        raise InvalidValue("spectrum", weights, f"weights with kernels of {size}x{size} taps")
    energy = analyse(np.concatenate(stacks)).dct_energy.sum("slice").values
    spectrum: Array = energy / energy.sum()
    return spectrum


def _norms(kernels: Array) -> Array:
    norms: Array = np.sqrt(np.square(kernels).sum(axis=(-2, -1), keepdims=True))
    return norms
