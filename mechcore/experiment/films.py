"""The plan of the films: states under growing beta, for readers to watch."""

from __future__ import annotations

import math

from mechcore.experiment.cell import Cell, SnapshotSettings
from mechcore.experiment.config import Experiment
from mechcore.experiment.grid import cell_of
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
"""px; what moves farther leaves the picture."""


def film_cells(experiment: Experiment) -> dict[str, Cell]:
    """Return the films of an experiment by cell id."""
    family, size = representative_family(experiment), preferred(experiment.sizes, 3)
    axes = _axes(experiment, size)
    cells = [
        cell_of(experiment, **axes, kernel=family, activation=activation, size=size)
        for activation in filmed_activations(experiment)
    ]
    return {cell.id: cell for cell in cells}


def _axes(experiment: Experiment, size: int) -> dict[str, object]:
    """The axes of a film: what moves at light speed stays in its window."""
    # A point would hardly be visible at first.
    pattern = max(experiment.patterns, key=lambda pattern: pattern.image().size)
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
