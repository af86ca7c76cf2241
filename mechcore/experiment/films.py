"""The plan of the films: states under growing beta, for readers to watch."""

from __future__ import annotations

import math

from mechcore.experiment.cell import Cell, SnapshotSettings
from mechcore.experiment.config import Experiment
from mechcore.experiment.grid import cell_of, expand
from mechcore.experiment.representative import (
    PAPER_FAMILY,
    filmed_activations,
    preferred,
    spread,
)
from mechcore.model.geometry import light_speed

FILM_BETAS = [round(0.1 * tenth, 1) for tenth in range(11)]

MOST_LAYERS = 17

WIDEST_FILM = 161
"""px; what moves farther leaves the picture."""


def film_cells(experiment: Experiment) -> dict[str, Cell]:
    """Return the films of an experiment by cell id: of cells of its grid."""
    planned = list(expand(experiment.reference).values())
    family = preferred([cell.kernel for cell in planned], PAPER_FAMILY)
    size = preferred([cell.size for cell in planned if cell.kernel == family], 3)
    shown = [cell for cell in planned if cell.kernel == family and cell.size == size]
    cells = {cell.activation: cell for cell in shown}
    films = [_film(experiment, cells[name]) for name in filmed_activations([*cells])]
    return {film.id: film for film in films}


def _film(experiment: Experiment, cell: Cell) -> Cell:
    """The film of a cell: what moves at light speed stays in its window."""
    # A point would hardly be visible at first.
    pattern = max(cell.patterns, key=lambda pattern: pattern.image().size)
    angle, steps = cell.angles[0], cell.steps
    reach = light_speed(cell.size, angle) * steps + max(pattern.image().shape) / 2
    side = min(2 * math.ceil(reach) + 1, WIDEST_FILM)
    layers = spread(list(range(steps + 1)), MOST_LAYERS)
    return cell_of(
        experiment,
        kernel=cell.kernel,
        activation=cell.activation,
        size=cell.size,
        patterns=[pattern],
        angles=[angle],
        betas=FILM_BETAS,
        snapshots=SnapshotSettings(layers=layers, window=side),
    )
