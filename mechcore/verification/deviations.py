"""How far the engine that ran the cells is from the reference engine: one simulation of each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from mechcore.engines.methods import direct_cost
from mechcore.experiment.cell import Cell, PatternSettings, SnapshotSettings
from mechcore.model.boundaries import domain_side
from mechcore.simulation.reading import read_trajectories
from mechcore.simulation.run import simulate
from mechcore.verification.comparison import distances

DEVIATIONS = (
    *("cell", "pattern", "angle", "beta", "layers", "ill_conditioned"),
    *("deviation", "deviation_mass", "deviation_sigma"),
)
"""Columns of ``deviations.csv``."""

AFFORDABLE = 7e7
"""Multiply-adds of the reference engine for a simulation, about 0.06 s, and as many once more to
see what rounding does: hundreds of cells are compared within a minute. On free space that is enough
for 64 layers up to k = 5, and for about 24 layers at k = 11."""

OVERHEAD = 1e5
"""What a layer costs however small the state is, in multiply-adds: numpy's calls."""


class SimulationIndex(NamedTuple):
    """Indices of a simulation along the dimensions of its cell."""

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
    index = chosen_simulation(cell)
    expected = simulate(reference_cell(cell, index)).isel(pattern=0, angle=0, beta=0)
    layers = expected.sizes["t"] - 1
    found = dataset.isel(index._asdict() | {"t": slice(layers + 1)})
    mass = np.abs(expected.mass.values)
    # A state that died has no mass; if it lives in the other record, its mass tells how far off.
    scales = {"mass": np.where(mass > 0, mass, 1.0)}

    def largest(*names: str) -> float:
        pairs = [
            (found[name].values, expected[name].values, scales.get(name, 1.0)) for name in names
        ]
        return float(np.max([distances(*pair) for pair in pairs]))

    return {
        "cell": cell.id,
        "pattern": str(found.pattern.values),
        "angle": float(found.angle),
        "beta": float(found.beta),
        "layers": layers,
        "ill_conditioned": bool(expected.ill_conditioned),
        "deviation": largest("mu_x", "mu_y"),
        "deviation_mass": largest("mass"),
        "deviation_sigma": largest("sigma_x", "sigma_y"),
    }


def chosen_simulation(cell: Cell) -> SimulationIndex:
    """Return which simulation of a cell is compared: it follows from the name of the cell alone.

    Examples
    --------
    >>> chosen_simulation(Cell(kernel="dct", activation="relu", size=2, betas=[0.0, 0.5, 1.0]))
    SimulationIndex(pattern=0, angle=0, beta=2)
    """
    draw = int.from_bytes(hashlib.sha256(cell.id.encode()).digest())
    draw, pattern = divmod(draw, len(cell.patterns))
    draw, angle = divmod(draw, len(cell.angles))
    return SimulationIndex(pattern, angle, draw % len(cell.betas))


def reference_cell(cell: Cell, index: SimulationIndex, steps: int | None = None) -> Cell:
    """Return the cell that repeats one simulation of another with the reference engine."""
    pattern = cell.patterns[index.pattern]
    return cell.model_copy(
        update={
            "engine": "reference",
            "steps": steps or affordable_layers(cell, pattern),
            "patterns": [pattern],
            "angles": [cell.angles[index.angle]],
            "betas": [cell.betas[index.beta]],
            # Both may lie beyond the last layer that is left.
            "t_burn": None,
            "snapshots": SnapshotSettings(),
        }
    )


def affordable_layers(cell: Cell, pattern: PatternSettings, most: float = AFFORDABLE) -> int:
    """Return how many layers of a simulation the reference engine may compute."""
    total = np.cumsum(reference_cost(cell, pattern))
    return max(1, int(np.count_nonzero(total <= most)))


def reference_cost(cell: Cell, pattern: PatternSettings) -> NDArray[np.float64]:
    """Return what each layer of a simulation costs the reference engine, in multiply-adds."""
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
