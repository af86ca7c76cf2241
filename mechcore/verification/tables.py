"""Tables and verdicts: they must follow from the trajectories, and from each other."""

from __future__ import annotations

from pathlib import PurePosixPath

import pandas as pd

from mechcore.analysis.tables import read_table
from mechcore.claims.criteria import judge
from mechcore.claims.verdict import Claim, read_claims
from mechcore.engines.trajectories import AGREEMENT
from mechcore.errors import MechcoreError
from mechcore.experiment.paths import CELLS_FILE, CLAIMS_FILE, DEVIATIONS_FILE, SWEEP_FILE
from mechcore.results.cells_table import cells_table
from mechcore.results.results import TABLES, Results
from mechcore.results.sweep import read_sweep
from mechcore.verification.certificate import Check, failed, merged
from mechcore.verification.comparison import compared_table
from mechcore.verification.deviations import DEVIATIONS, chosen_simulation

SIMULATION = ["pattern", "angle"]
"""What ``deviations.csv`` says of the simulation of each cell; beta is measured."""


def check_tables(results: Results, again: Results, sweep: str, deviations: pd.DataFrame) -> Check:
    """Compare tables with those that follow from the trajectories."""
    parts = [
        compared_table(f"{name}.csv", getattr(results, name), getattr(again, name))
        for name in TABLES
    ]
    parts += [_check_cells(results, sweep), _check_deviations(results, deviations)]
    return merged("tables", "The tables follow from the trajectories", parts)


def check_verdicts(again: Results) -> Check:
    """Judge again, and compare everything that ``claims.json`` says."""
    found, expected = read_claims(again.folder / CLAIMS_FILE), judge(again)
    parts = [
        compared_table(CLAIMS_FILE, _figures(found), _figures(expected)),
        compared_table(CLAIMS_FILE, _texts(found), _texts(expected)),
    ]
    # Ranges quote figures in a few digits: they are equal wherever the figures are.
    same = [a for a, b in zip(found, expected, strict=False) if _values(a) == _values(b)]
    ids = [claim.id for claim in same]
    parts.append(compared_table(CLAIMS_FILE, _ranges(found, ids), _ranges(expected, ids)))
    statement = "Judging again gives the same verdicts and figures"
    return merged("verdicts", statement, parts).model_copy(update={"compared": len(expected)})


def _check_cells(results: Results, identifier: str) -> Check:
    """Compare the table of a sweep with what follows from the other tables."""
    try:
        sweep, expected = read_sweep(results.folder), cells_table(results)
    except MechcoreError as error:
        return failed("table", CELLS_FILE, str(error))
    if sweep.identifier != identifier:
        line = f"{SWEEP_FILE}: sweep {sweep.identifier}, expected {identifier}"
        return failed("table", CELLS_FILE, line)
    return compared_table(CELLS_FILE, sweep.cells, expected)


def _check_deviations(results: Results, again: pd.DataFrame) -> Check:
    """Compare the deviations of a sample of cells, and the list of all of them."""
    try:
        found = read_table(results.folder / DEVIATIONS_FILE, DEVIATIONS, ["cell"])
    except MechcoreError as error:
        return failed("table", DEVIATIONS_FILE, str(error))
    found, again = found.set_index("cell"), again.set_index("cell")
    planned = [
        (cell.patterns[index.pattern].label, float(cell.angles[index.angle]))
        for cell in results.cells.values()
        for index in [chosen_simulation(cell)]
    ]
    cells = pd.Index(results.cells, name="cell")
    expected = pd.DataFrame(planned, cells, columns=SIMULATION)
    listed = compared_table(DEVIATIONS_FILE, found[SIMULATION], expected)
    if listed.failures:
        return listed
    # Differences of rounding: they are nothing beside what the engines may differ by.
    return compared_table(DEVIATIONS_FILE, found.loc[again.index], again, AGREEMENT)


def _figures(claims: list[Claim]) -> pd.DataFrame:
    """The figures of claims. Where cells are equal, rounding decides which one is the source."""
    rows = [
        (claim.id, figure.name, figure.unit, str(PurePosixPath(figure.source or "").parent))
        for claim in claims
        for figure in claim.figures
    ]
    values = [figure.value for claim in claims for figure in claim.figures]
    index = pd.MultiIndex.from_tuples(rows, names=["claim", "figure", "unit", "folder"])
    return pd.DataFrame({"value": pd.Series(values, index, dtype=float)})


def _texts(claims: list[Claim]) -> pd.DataFrame:
    names = ("kind", "statement", "test", "verdict", "section", "data", "meaning")
    rows = [[str(getattr(claim, name)) for name in names] for claim in claims]
    return pd.DataFrame(rows, pd.Index([claim.id for claim in claims], name="claim"), list(names))


def _ranges(claims: list[Claim], ids: list[str]) -> pd.DataFrame:
    ranges = pd.Series({claim.id: claim.range for claim in claims}, dtype=str)
    return ranges.reindex(ids).to_frame("range")


def _values(claim: Claim) -> list[float | None]:
    return [figure.value for figure in claim.figures]
