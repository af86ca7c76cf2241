"""The grid: cells of kernel family x activation x size, and what they cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from pydantic import Field, field_validator

from mechcore.activations import ACTIVATIONS
from mechcore.boundaries import BOUNDARIES
from mechcore.config import Experiment, Shared, Size, parsed_json, validated
from mechcore.errors import choose
from mechcore.kernels import FAMILIES

CELL_ID = r"[A-Za-z0-9_]+-[A-Za-z0-9_]+-k[0-9]+(-[a-z]+)?"
"""Regular expression of cell ids, for the wildcard of the workflow."""


class Cell(Shared):
    """One kernel family x activation x size, with the values of all other axes."""

    kernel: str = Field(description="kernel family")
    activation: str = Field(description="activation")
    size: Size = Field(description="kernel size k")

    @field_validator("kernel")
    @classmethod
    def _known_kernel(cls, value: str) -> str:
        choose(FAMILIES, "kernel", value)
        return value

    @field_validator("activation")
    @classmethod
    def _known_activation(cls, value: str) -> str:
        choose(ACTIVATIONS, "activation", value)
        return value

    @property
    def id(self) -> str:
        """Readable name, as ``dct-relu-k3``; the boundary shows only if it is not free space."""
        name = f"{self.kernel}-{self.activation}-k{self.size}"
        return name if self.boundary == "free" else f"{name}-{self.boundary}"

    @property
    def simulations(self) -> int:
        """Number of simulations: patterns x angles x betas."""
        return len(self.patterns) * len(self.angles) * len(self.betas)

    def to_json(self) -> str:
        """Return the cell as one line of JSON that gives the same cell back."""
        return self.model_dump_json(exclude_none=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a cell from JSON.

        Parameters
        ----------
        text : str
            What `to_json` wrote.

        Returns
        -------
        Cell
            The cell.

        Raises
        ------
        MechcoreError
            If the text is not a cell.
        """
        return validated(cls, parsed_json(text, "cell"), "cell")


def expand(experiment: Experiment) -> dict[str, Cell]:
    """Return the cells of an experiment by id.

    Parameters
    ----------
    experiment : Experiment
        A checked configuration.

    Returns
    -------
    dict of str to Cell
        In the order of kernels, activations, sizes.

    Examples
    --------
    >>> from mechcore.config import load_experiment
    >>> list(expand(load_experiment({"experiment": "a", "kernels": ["dct"], "sizes": [2, 3],
    ...     "activations": ["relu"], "betas": [0.0, 1.0]})))
    ['dct-relu-k2', 'dct-relu-k3']
    """
    shared = {name: getattr(experiment, name) for name in Shared.model_fields}
    cells = [
        # The values were checked with the experiment; checking each cell again takes seconds.
        Cell.model_construct(**shared, kernel=kernel, activation=activation, size=size)
        for kernel in experiment.kernels
        for activation in experiment.activations
        for size in experiment.sizes
    ]
    return {cell.id: cell for cell in cells}


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
    >>> cell = Cell(kernel="dct", activation="relu", size=3, betas=[0.5])
    >>> estimated_cost(cell).seconds > 0
    True
    """
    layers = np.arange(1, cell.steps + 1)
    widest = max(max(pattern.image().shape) for pattern in cell.patterns)
    if BOUNDARIES[cell.boundary].finite:
        side = np.full(len(layers), cell.domain or 129)
    else:
        # Trimming keeps about ten standard deviations of the diffusing state on each side.
        sigma = np.sqrt(layers * (cell.size**2 - 1) / 12)
        side = widest + np.minimum(20 * sigma, layers * (cell.size - 1))
    work = float(np.sum(side**2)) * cell.size**2 / MULTIPLY_ADDS_PER_SECOND
    # Twice: each simulation runs again with its taps moved by one unit in the last place.
    seconds = 2 * cell.simulations * (work + cell.steps * SECONDS_PER_LAYER)
    numbers = 9 * 8 * (cell.steps + 1) + 4 * len(cell.snapshots.layers) * cell.snapshots.window**2
    return Cost(seconds + SECONDS_PER_CELL, cell.simulations * numbers / 1e6)
