"""The plan of the films: a state under growing beta, for readers to watch."""

from __future__ import annotations

import math

from mechcore.experiment.cell import Cell, SnapshotSettings
from mechcore.experiment.config import Experiment
from mechcore.experiment.controls import _names, _shared
from mechcore.experiment.representative import (
    filmed_activations,
    preferred,
    representative_family,
    spread,
)
from mechcore.model.geometry import light_speed

FILM_BETAS = [round(0.1 * tenth, 1) for tenth in range(11)]


MOST_LAYERS = 17


WIDEST_FILM = 161
"""Side of a film in px: what leaves it has left the picture."""


def film_cells(experiment: Experiment) -> dict[str, Cell]:
    """Return the films of an experiment by cell id.

    Examples
    --------
    >>> from mechcore.experiment.config import load_experiment
    >>> list(film_cells(load_experiment({"experiment": "a", "kernels": ["dct"], "sizes": [2, 3],
    ...     "activations": ["tanh", "relu"], "betas": [0.0, 1.0]})))
    ['dct-relu-k3', 'dct-tanh-k3']
    """
    family, size = representative_family(experiment), preferred(experiment.sizes, 3)
    shared = _shared(experiment) | _film(experiment, size)
    cells = [
        Cell.model_validate(shared | _names(family, activation, size))
        for activation in filmed_activations(experiment)
    ]
    return {cell.id: cell for cell in cells}


def _film(experiment: Experiment, size: int) -> dict[str, object]:
    """The axes of a film: everything that is seen at light speed fits into its window."""
    # Of a point there is nothing to see at first.
    pattern = max(experiment.patterns, key=lambda one: one.image().size)
    angle, steps = experiment.angles[0], experiment.steps
    reach = light_speed(size, angle) * steps + max(pattern.image().shape) / 2
    side = min(2 * math.ceil(reach) + 1, WIDEST_FILM)
    layers = spread(list(range(steps + 1)), MOST_LAYERS)
    return {
        "patterns": [pattern],
        "angles": [angle],
        "betas": FILM_BETAS,
        "snapshots": SnapshotSettings(layers=layers, window=side),
    }
