"""How far the engine that ran the cells is from the reference engine: one simulation of each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from mechcore.engines.methods import direct_cost
from mechcore.experiment.cell import Cell, PatternSettings, SnapshotSettings
from mechcore.model.boundaries import domain_side
from mechcore.simulation.reading import read_trajectories
from mechcore.simulation.run import simulate
from mechcore.verification.distances import distances

DEVIATIONS = (
    "cell",
    "pattern",
    "angle",
    "beta",
    "layers",
    "ill_conditioned",
    "deviation",
    "deviation_mass",
    "deviation_sigma",
)
"""Columns of ``deviations.csv``."""

AFFORDABLE = 7e7
"""Multiply-adds of the reference engine for a simulation, about 0.06 s, and as many once more to
see what rounding does: hundreds of cells are compared within a minute. On free space that is enough
for 64 layers up to k = 5, and for about 24 layers at k = 11."""

OVERHEAD = 1e5
"""What a layer costs however small the state is, in multiply-adds: numpy's calls."""


@dataclass(frozen=True)
class Place:
    """Where a simulation is in its cell: positions along the axes of the same names."""

    pattern: int
    angle: int
    beta: int


def deviations(cells: Mapping[str, Cell], trajectories: Path) -> pd.DataFrame:
    """Compare one simulation of every cell with the reference engine."""
    rows = [
        deviation_of(read_trajectories(trajectories / f"{name}.nc", cell), cell)
        for name, cell in cells.items()
    ]
    return pd.DataFrame(rows, columns=list(DEVIATIONS))


def deviation_of(dataset: xr.Dataset, cell: Cell) -> dict[str, object]:
    """Compare one simulation of a cell with the reference engine.

    Examples
    --------
    >>> cell = Cell(kernel="dct", activation="relu", size=2, betas=[0.5], steps=4)
    >>> row = deviation_of(simulate(cell), cell)
    >>> row["layers"], row["deviation"] < 1e-12
    (4, True)
    """
    place = chosen_place(cell)
    expected = simulate(reference_cell(cell, place)).isel(pattern=0, angle=0, beta=0)
    layers = expected.sizes["t"] - 1
    found = dataset.isel(
        pattern=place.pattern, angle=place.angle, beta=place.beta, t=slice(layers + 1)
    )
    return {
        "cell": cell.id,
        "pattern": str(found.pattern.values),
        "angle": float(found.angle),
        "beta": float(found.beta),
        "layers": layers,
        "ill_conditioned": bool(expected.ill_conditioned),
        "deviation": _largest(found, expected, "mu_x", "mu_y"),
        "deviation_mass": _largest_share(found, expected, "mass"),
        "deviation_sigma": _largest(found, expected, "sigma_x", "sigma_y"),
    }


def chosen_place(cell: Cell) -> Place:
    """Return which simulation of a cell is compared.

    Examples
    --------
    >>> chosen_place(Cell(kernel="dct", activation="relu", size=2, betas=[0.0, 0.5, 1.0]))
    Place(pattern=0, angle=0, beta=2)
    """
    draw = int.from_bytes(hashlib.sha256(cell.id.encode()).digest())
    draw, pattern = divmod(draw, len(cell.patterns))
    draw, angle = divmod(draw, len(cell.angles))
    return Place(pattern, angle, draw % len(cell.betas))


def reference_cell(cell: Cell, place: Place, steps: int | None = None) -> Cell:
    """Return the cell that repeats one simulation of another with the reference engine.

    Examples
    --------
    >>> cell = Cell(kernel="dct", activation="relu", size=2, betas=[0.0, 0.5, 1.0])
    >>> reference_cell(cell, Place(0, 0, 1)).betas
    [0.5]
    """
    pattern = cell.patterns[place.pattern]
    return cell.model_copy(
        update={
            "engine": "reference",
            "steps": steps or affordable_layers(cell, pattern),
            "patterns": [pattern],
            "angles": [cell.angles[place.angle]],
            "betas": [cell.betas[place.beta]],
            # Both may lie beyond the last layer that is left.
            "t_burn": None,
            "snapshots": SnapshotSettings(),
        }
    )


def affordable_layers(cell: Cell, pattern: PatternSettings, most: float = AFFORDABLE) -> int:
    """Return how many layers of a simulation the reference engine may compute.

    Examples
    --------
    >>> cell = Cell(kernel="dct", activation="relu", size=11, betas=[0.5])
    >>> 1 < affordable_layers(cell, cell.patterns[0]) < cell.steps
    True
    """
    total = np.cumsum(reference_cost(cell, pattern))
    return max(1, int(np.count_nonzero(total <= most)))


def reference_cost(cell: Cell, pattern: PatternSettings) -> NDArray[np.float64]:
    """Return what the layers of a simulation cost the reference engine.

    Examples
    --------
    >>> cell = Cell(kernel="dct", activation="relu", size=2, betas=[0.5], steps=3)
    >>> reference_cost(cell, cell.patterns[0]).shape
    (3,)
    """
    return _pixels(cell, pattern) * direct_cost(cell.size, cell.size) + OVERHEAD


def _pixels(cell: Cell, pattern: PatternSettings) -> NDArray[np.float64]:
    """Pixels of the states that go into the layers: the reference engine never trims."""
    reach = cell.size - 1.0
    side = domain_side(cell.boundary, cell.domain)
    if side is not None:
        return np.full(cell.steps, (side + 2 * reach) ** 2)
    height, width = pattern.image().shape
    grown = np.arange(cell.steps, dtype=np.float64) * reach
    pixels: NDArray[np.float64] = (height + grown) * (width + grown)
    return pixels


def _largest(found: xr.Dataset, expected: xr.Dataset, *names: str) -> float:
    """The largest difference of some quantities."""
    apart = [distances(found[name].values, expected[name].values) for name in names]
    return float(np.max(apart))


def _largest_share(found: xr.Dataset, expected: xr.Dataset, name: str) -> float:
    """The largest difference of a quantity, relative to what is expected."""
    due = expected[name].values
    size = np.abs(due)
    # A state that died has no mass; if it lives in the other record, its mass tells how far off.
    return float(np.max(distances(found[name].values, due, np.where(size > 0, size, 1.0))))
