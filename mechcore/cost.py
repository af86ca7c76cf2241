"""What a cell costs, before it runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mechcore.boundaries import domain_side
from mechcore.grid import Cell

MULTIPLY_ADDS_PER_SECOND = 1.5e9
SECONDS_PER_LAYER = 5e-6
SECONDS_PER_CELL = 1.5
"""The cost model: rate of the compiled engine, overhead of a layer, and start of a process, as
measured on one core of 2020s hardware. Good to a factor of three."""


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
    >>> from mechcore.grid import Cell
    >>> cell = Cell(kernel="dct", activation="relu", size=3, betas=[0.5])
    >>> estimated_cost(cell).seconds > 0
    True
    """
    layers = np.arange(1, cell.steps + 1)
    widest = max(max(pattern.image().shape) for pattern in cell.patterns)
    domain = domain_side(cell.boundary, cell.domain)
    if domain is not None:
        side = np.full(len(layers), domain)
    else:
        # Trimming keeps about ten standard deviations of the diffusing state on each side.
        sigma = np.sqrt(layers * (cell.size**2 - 1) / 12)
        side = widest + np.minimum(20 * sigma, layers * (cell.size - 1))
    work = float(np.sum(side**2)) * cell.size**2 / MULTIPLY_ADDS_PER_SECOND
    # Twice: each simulation runs again with its taps moved by one unit in the last place.
    seconds = 2 * cell.simulations * (work + cell.steps * SECONDS_PER_LAYER)
    numbers = 9 * 8 * (cell.steps + 1) + 4 * len(cell.snapshots.layers) * cell.snapshots.window**2
    return Cost(seconds + SECONDS_PER_CELL, cell.simulations * numbers / 1e6)
