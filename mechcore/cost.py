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

Work = NDArray[np.float64]

PARTS = ("cells", "lines", "layers", "multiply_adds", "curved_pixels")
"""What the time of a cell is made of: the start of its job; layers of simulations that run as a
line; layers of the others, their multiply-adds, and pixels whose activation is no multiple of its
argument, as tanh."""

SECONDS = (2.4, 1.9e-7, 1.2e-6, 2.0e-11, 8.4e-9)
"""Of one of each on a core of a server of 2024, fitted by ``python -m benchmarks.cost`` to the jobs
of the committed configurations: 95 in 100 of 458 cells took 0.5 to 2.9 times the estimate. Lines
are too fast to be seen in a job: theirs is of ``make bench``."""


@dataclass(frozen=True)
class Cost:
    """What a cell is expected to cost on one core.

    Parameters
    ----------
    seconds : float
        Of the job.
    megabytes : float
        Of its file before compression.
    """

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
    numbers = 9 * 8 * (cell.steps + 1) + 4 * len(cell.snapshots.layers) * cell.snapshots.window**2
    seconds = float(work(cell) @ np.array(SECONDS))
    return Cost(seconds, cell.simulations * numbers / 1e6)


def work(cell: Cell) -> Work:
    """Return how much there is to do of each of `PARTS`.

    Parameters
    ----------
    cell : Cell
        The cell.

    Returns
    -------
    (5,) ndarray
        In the order of `PARTS`.
    """
    images = [pattern.image() for pattern in cell.patterns]
    runs = [_run(cell, image, taps) for image in images for taps in _kernels(cell, image)]
    return np.array([1.0, *np.sum(runs, axis=0)])


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


def _run(cell: Cell, image: Image, taps: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """All betas at one angle: lines, layers, multiply-adds and curved pixels."""
    # Twice: each simulation runs again with its taps moved by one unit in the last place.
    runs = 2.0 * len(cell.betas)
    curved = ACTIVATIONS[cell.activation].negative_slope is None
    if not curved and products(taps[np.newaxis])[0][0] and products(image[np.newaxis])[0][0]:
        return runs * cell.steps, 0.0, 0.0, 0.0
    split = factors(taps)
    rank = cell.size if split is None else split[0].shape[1]
    size = cell.size
    multiply_adds = min(direct_cost(size, size), low_rank_cost(size, size, rank))
    pixels = runs * float(np.sum(_pixels(cell, max(image.shape))))
    return 0.0, runs * cell.steps, pixels * multiply_adds, pixels * curved


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
