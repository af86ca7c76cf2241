"""What tables are held against: what follows from the trajectories, and from other tables."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from mechcore.cells import Cell
from mechcore.deviations import DEVIATIONS, chosen_place, deviation_of
from mechcore.errors import MechcoreError
from mechcore.evidence import TABLES, Evidence
from mechcore.records import AGREEMENT
from mechcore.sweep_cells import DEVIATIONS_FILE, cells_table
from mechcore.sweeps import CELLS_FILE, SWEEP_FILE, read_sweep
from mechcore.tables import read_table, read_trajectories
from mechcore.verification.certificate import Check, failed, merged
from mechcore.verification.table_comparison import compared_table


def check_tables(evidence: Evidence, again: Evidence) -> Check:
    """Compare the tables of an experiment with those that follow from its trajectories.

    Parameters
    ----------
    evidence : Evidence
        As it was read.
    again : Evidence
        As it was measured again.

    Returns
    -------
    Check
        A failure for each column that differs.
    """
    parts = [
        compared_table(getattr(evidence, name), getattr(again, name), f"{name}.csv")
        for name in TABLES
    ]
    return merged("tables", "The tables follow from the trajectories", parts)


def check_cells_table(evidence: Evidence, expected: str) -> Check:
    """Compare the table of a sweep with what follows from the other tables.

    Parameters
    ----------
    evidence : Evidence
        The results, as they were read.
    expected : str
        Their identifier, see `mechcore.sweeps.sweep_identifier`.

    Returns
    -------
    Check
        A failure for each column of ``cells.csv`` that differs, or for a ``sweep.json`` of other
        results.
    """
    try:
        sweep = read_sweep(evidence.results)
    except MechcoreError as error:
        return failed("table", CELLS_FILE, str(error))
    if sweep.identifier != expected:
        line = f"{SWEEP_FILE}: sweep {sweep.identifier}, expected {expected}"
        return failed("table", CELLS_FILE, line)
    return _compared(sweep.cells, cells_table(evidence), CELLS_FILE)


def check_deviations(evidence: Evidence, sample: Iterable[str]) -> Check:
    """Compare the deviations between the engines with those that are found again.

    Parameters
    ----------
    evidence : Evidence
        The results.
    sample : iterable of str
        Ids of the cells whose deviations are computed again; of all others only what was compared
        is.

    Returns
    -------
    Check
        A failure for each column of ``deviations.csv`` that differs.
    """
    path, cells = evidence.results / DEVIATIONS_FILE, evidence.cells
    try:
        found = read_table(path, DEVIATIONS, ["cell"])
    except MechcoreError as error:
        return failed("table", DEVIATIONS_FILE, str(error))
    planned = pd.DataFrame([_place(cell) for cell in cells.values()])
    listed = _compared(found[list(planned)], planned, DEVIATIONS_FILE)
    if listed.failures:
        return listed
    rows = [_again(evidence.results, cells[name]) for name in sample]
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


def _again(results: Path, cell: Cell) -> dict[str, object]:
    path = results / "trajectories" / f"{cell.id}.nc"
    return deviation_of(read_trajectories(path, cell), cell)


def _compared(found: pd.DataFrame, expected: pd.DataFrame, name: str) -> Check:
    """Compare tables that may have other columns."""
    if list(found) != list(expected):
        return failed("table", name, f"{name}: other columns than {', '.join(map(str, expected))}")
    return compared_table(found, expected, name)
