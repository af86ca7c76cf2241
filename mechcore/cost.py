"""What a cell costs, before it runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechcore.activations import ACTIVATIONS
from mechcore.boundaries import domain_side
from mechcore.cells import Cell
from mechcore.engines import LayerRule
from mechcore.engines.factors import factors, products
from mechcore.engines.methods import direct_cost, low_rank_cost
from mechcore.kernels import kernel
from mechcore.patterns import Image
from mechcore.symmetries import copies_among

MULTIPLY_ADDS_PER_SECOND = 4.4e10
"""Rate of the direct method, with `mechcore.engines.methods` for the rest of a pixel."""

SECONDS_PER_CURVED_PIXEL = 1.2e-8
"""Cost of an activation that is no multiple of its argument, as tanh."""

SECONDS_PER_LAYER = 6e-7
SECONDS_PER_LINE = 1.2e-5
SECONDS_PER_CELL = 1.5
"""Overhead of a layer, of a simulation that runs as a line, and of a process. All as measured on
one core of a server of 2024 (``make bench``); good to a factor of three elsewhere."""


@dataclass(frozen=True)
class Cost:
    """What a cell is expected to cost on one core."""

    seconds: float
    megabytes: float


def estimated_cost(cell: Cell) -> Cost:
    """Estimate what a cell costs.

    Parameters
    ----------
    cell : Cell
        The cell.

    Returns
    -------
    Cost
        Seconds of one core and megabytes of disk before compression.

    Examples
    --------
    >>> from mechcore.cells import Cell
    >>> cell = Cell(kernel="dct", activation="relu", size=3, betas=[0.5])
    >>> estimated_cost(cell).seconds > 0
    True
    """
    images = [pattern.image() for pattern in cell.patterns]
    seconds = sum(_seconds(cell, image, taps) for image in images for taps in _kernels(cell, image))
    numbers = 9 * 8 * (cell.steps + 1) + 4 * len(cell.snapshots.layers) * cell.snapshots.window**2
    # Twice: each simulation runs again with its taps moved by one unit in the last place.
    return Cost(2 * seconds + SECONDS_PER_CELL, cell.simulations * numbers / 1e6)


def _kernels(cell: Cell, image: Image) -> NDArray[np.float64]:
    """One kernel for each angle whose simulations are no copies of those at another one."""
    kernels = np.array(
        [
            kernel(cell.kernel, cell.size, 0.5, angle, cell.mixing, seed=cell.seed)
            for angle in cell.angles
        ]
    )
    rule = LayerRule(boundary=cell.boundary)
    return kernels[copies_among(kernels, image, rule).run] if cell.reuse_symmetric else kernels


def _seconds(cell: Cell, image: Image, taps: NDArray[np.float64]) -> float:
    """Seconds for all betas at one angle, each run once."""
    curved = ACTIVATIONS[cell.activation].negative_slope is None
    if not curved and products(taps[np.newaxis])[0][0] and products(image[np.newaxis])[0][0]:
        return len(cell.betas) * SECONDS_PER_LINE * cell.steps / 64
    split = factors(taps)
    rank = cell.size if split is None else split[0].shape[1]
    size = cell.size
    multiply_adds = min(direct_cost(size, size), low_rank_cost(size, size, rank))
    pixel = multiply_adds / MULTIPLY_ADDS_PER_SECOND + SECONDS_PER_CURVED_PIXEL * curved
    layers = _pixels(cell, max(image.shape)) * pixel + SECONDS_PER_LAYER
    return len(cell.betas) * float(np.sum(layers))


def _pixels(cell: Cell, widest: int) -> NDArray[np.float64]:
    """Pixels that a state occupies after each layer."""
    layers = np.arange(1.0, cell.steps + 1.0)
    side = domain_side(cell.boundary, cell.domain)
    if side is not None:
        return np.full(cell.steps, float(side**2))
    reached = layers * (cell.size - 1.0)
    if ACTIVATIONS[cell.activation].keeps_zero:
        # Trimming keeps about ten standard deviations of the diffusing state on each side.
        reached = np.minimum(reached, 20 * np.sqrt(layers * (cell.size**2 - 1) / 12))
    return np.square(widest + reached)
