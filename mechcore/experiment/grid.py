"""The grid: cells of kernel family x activation x size."""

from __future__ import annotations

from mechcore.experiment.cell import Cell, Shared
from mechcore.experiment.config import Experiment


def expand(experiment: Experiment) -> dict[str, Cell]:
    """Return the cells of an experiment by id.

    Examples
    --------
    >>> from mechcore.experiment.config import load_experiment
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
