"""What tables are held against: what follows from the trajectories, and from other tables."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from mechcore.analysis.tables import read_table
from mechcore.engines.trajectories import AGREEMENT
from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.experiment.paths import CELLS_FILE, DEVIATIONS_FILE, SWEEP_FILE
from mechcore.results.cells_table import cells_table
from mechcore.results.results import TABLES, Results
from mechcore.results.sweep import read_sweep
from mechcore.simulation.reading import read_trajectories
from mechcore.verification.certificate import Check, failed, merged
from mechcore.verification.deviations import DEVIATIONS, chosen_place, deviation_of
from mechcore.verification.table_comparison import compared_table


def check_tables(results: Results, again: Results) -> Check:
    """Compare the tables of an experiment with those that follow from its trajectories."""
    parts = [
        compared_table(getattr(results, name), getattr(again, name), f"{name}.csv")
        for name in TABLES
    ]
    return merged("tables", "The tables follow from the trajectories", parts)


def check_cells_table(results: Results, expected: str) -> Check:
    """Compare the table of a sweep with what follows from the other tables."""
    try:
        sweep = read_sweep(results.folder)
    except MechcoreError as error:
        return failed("table", CELLS_FILE, str(error))
    if sweep.identifier != expected:
        line = f"{SWEEP_FILE}: sweep {sweep.identifier}, expected {expected}"
        return failed("table", CELLS_FILE, line)
    return _compared(sweep.cells, cells_table(results), CELLS_FILE)


def check_deviations(results: Results, sample: Iterable[str]) -> Check:
    """Compare the deviations between the engines with those that are found again."""
    path, cells = results.folder / DEVIATIONS_FILE, results.cells
    try:
        found = read_table(path, DEVIATIONS, ["cell"])
    except MechcoreError as error:
        return failed("table", DEVIATIONS_FILE, str(error))
    planned = pd.DataFrame([_place(cell) for cell in cells.values()])
    listed = _compared(found[list(planned)], planned, DEVIATIONS_FILE)
    if listed.failures:
        return listed
    rows = [_again(results.folder, cells[name]) for name in sample]
    again = pd.DataFrame(rows, columns=list(DEVIATIONS))
    rows_found = found.set_index("cell").loc[again.cell].reset_index()
    # Differences of rounding: they are nothing beside what the engines may differ by.
    return compared_table(rows_found, again, DEVIATIONS_FILE, limit=AGREEMENT)


def _place(cell: Cell) -> dict[str, object]:
    place = chosen_place(cell)
    return {
        "cell": cell.id,
        "pattern": cell.patterns[place.pattern].label,
        "angle": float(cell.angles[place.angle]),
    }


def _again(directory: Path, cell: Cell) -> dict[str, object]:
    path = directory / "trajectories" / f"{cell.id}.nc"
    return deviation_of(read_trajectories(path, cell), cell)


def _compared(found: pd.DataFrame, expected: pd.DataFrame, name: str) -> Check:
    """Compare tables that may have other columns."""
    if list(found) != list(expected):
        return failed("table", name, f"{name}: other columns than {', '.join(map(str, expected))}")
    return compared_table(found, expected, name)
