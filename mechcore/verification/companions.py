"""What simulations beside the grid are held against: the reference engine runs them again."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.experiment.config import Experiment
from mechcore.experiment.controls import control_cells
from mechcore.experiment.films import film_cells
from mechcore.experiment.paths import CONTROLS_FILE
from mechcore.simulation.controls import read_controls, without_taps
from mechcore.verification.certificate import Check, failed, merged
from mechcore.verification.deviations import Place
from mechcore.verification.reruns import compared_simulation, rerun
from mechcore.verification.sampling import Sampling
from mechcore.verification.simulations import MOST_MULTIPLY_ADDS, check_cell, told_of


def check_controls(experiment: Experiment, results: Path, sampling: Sampling) -> Check:
    """Run controls again with the reference engine."""
    statement = "The reference engine gives the same controls"
    cells = control_cells(experiment)
    try:
        controls = read_controls(results / CONTROLS_FILE, cells)
    except MechcoreError as error:
        return failed("controls", statement, str(error))
    parts = []
    for number in sampling.of(range(len(cells))):
        parts.append(_check_control(controls.isel(cell=number), cells[number]))
        sampling.tell(told_of(parts[-1]))
    return merged("controls", statement, parts)


def check_films(experiment: Experiment, results: Path, sampling: Sampling) -> Check:
    """Run simulations of the films again with the reference engine."""
    folder = results / "films"
    parts = [
        check_cell(folder / f"{name}.nc", cell, sampling)
        for name, cell in film_cells(experiment).items()
    ]
    return merged("films", "The reference engine gives the same films", parts)


def _check_control(controls: xr.Dataset, cell: Cell) -> Check:
    """Run the simulations of one control again."""
    parts = []
    for number, beta in enumerate(cell.betas):
        place = Place(0, 0, number)
        found = controls.isel(pattern=0, angle=0, beta=number)
        expected = without_taps(rerun(cell, place, MOST_MULTIPLY_ADDS))
        parts.append(compared_simulation(f"control {cell.id}, beta {beta:g}", found, expected))
    return merged("control", f"control {cell.id}", parts)
