"""What simulations of the grid are held against: the reference engine runs them again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mechcore.experiment.cell import Cell
from mechcore.simulation.reading import read_trajectories
from mechcore.verification.certificate import Check, merged
from mechcore.verification.deviations import Place
from mechcore.verification.reruns import compared_simulation, rerun
from mechcore.verification.sampling import Sampling

MOST_MULTIPLY_ADDS = 3e9
"""Of the reference engine for one simulation, some seconds: more than any of ``config/full.yaml``
takes. Of a larger one the first layers are compared, as many as that is enough for."""


def check_simulations(cells: Mapping[str, Cell], results: Path, sampling: Sampling) -> Check:
    """Run simulations again with the reference engine, through all layers that it can afford."""
    folder = results / "trajectories"
    parts = [check_cell(folder / f"{name}.nc", cell, sampling) for name, cell in cells.items()]
    return merged("simulations", "The reference engine gives the same record at every layer", parts)


def check_cell(path: Path, cell: Cell, sampling: Sampling) -> Check:
    """Run simulations of one cell again."""
    dataset, parts = read_trajectories(path, cell), []
    for place in sampling.of(places_of(cell)):
        found = dataset.isel(pattern=place.pattern, angle=place.angle, beta=place.beta)
        expected = rerun(cell, place, MOST_MULTIPLY_ADDS)
        parts.append(compared_simulation(f"{cell.id}, {place}", found, expected))
    check = merged("cell", cell.id, parts)
    sampling.tell(told_of(check))
    return check


def told_of(check: Check) -> str:
    """Return the line that is told of simulations that ran again.

    Examples
    --------
    >>> told_of(Check(name="cell", statement="dct-relu-k2", compared=3, excused=1, largest=2e-15))
    'dct-relu-k2: 4 simulations, at most 2.0e-15 apart'
    """
    count = check.compared + check.excused
    worst = "all decided by rounding" if not check.compared else "infinitely far apart"
    worst = worst if check.largest is None else f"at most {check.largest:.1e} apart"
    return f"{check.statement}: {count} simulations, {worst}"


def places_of(cell: Cell) -> list[Place]:
    """Return the places of all simulations of a cell."""
    shape = (len(cell.patterns), len(cell.angles), len(cell.betas))
    return [Place(*place) for place in np.ndindex(shape)]
