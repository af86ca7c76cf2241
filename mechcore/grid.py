"""The grid: cells of kernel family x activation x size."""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator

from mechcore.activations import ACTIVATIONS
from mechcore.config import Experiment, Shared, Size, parsed_json, validated
from mechcore.errors import choose
from mechcore.kernels import FAMILIES
from mechcore.naming import cell_name


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
        return cell_name(self.kernel, self.activation, self.size, self.boundary)

    @property
    def simulations(self) -> int:
        """Number of simulations: patterns x angles x betas."""
        return len(self.patterns) * len(self.angles) * len(self.betas)

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
