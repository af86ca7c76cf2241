"""What results are held against: their own hashes, the reference engine, and what follows."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_numeric_dtype

from mechcore.cells import Cell
from mechcore.certificate import Check
from mechcore.claims import judge
from mechcore.companions import film_cells
from mechcore.config import Experiment
from mechcore.deviations import Place
from mechcore.distances import distances
from mechcore.errors import MechcoreError, shown
from mechcore.evidence import TABLES, Evidence
from mechcore.filters.plan import planned_banks
from mechcore.grid import expand
from mechcore.integrity import planned_files, reasons
from mechcore.reruns import compared_simulation, rerun
from mechcore.stages import record_file, recorded_files
from mechcore.tables import read_trajectories
from mechcore.verdicts import CLAIMS_FILE, Claim, Figure, read_claims

SAME_SUMS = 1e-6
"""How far numbers of tables may be apart, relative or absolute: the same sums in another order on
another machine, and curves whose search ends at 1e-8 of their parameters."""

PERFECT = 1e-9
"""Of a line with smaller residuals the information criterion is the logarithm of rounding."""

CRITERIA, RESIDUAL = ("aic", "delta_aic"), "worst_residual"

FITTED = ("slope", "intercept", "theil_sen", "r2", "n")
"""What is compared of lines through other runs of the same simulations: the errors of perfect
lines, and what follows from them, are rounding."""

MOST_MULTIPLY_ADDS = 3e9
"""Of the reference engine for one simulation, some seconds: more than any of ``config/full.yaml``
takes. Of a larger one the first layers are compared, as many as that is enough for."""

TOLD = ("kind", "statement", "test", "verdict", "section", "data", "meaning")
"""What is told of a claim besides its figures, and its range, which holds numbers."""

NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]?\d+)?")

RECORDED = ("collect", "deviations", "regress", "judge", "summarise")
"""Commands whose files are compared with their records: tables and verdicts."""

MOST_FAILURES = 20
"""Lines of a check; a last one counts the others."""

Item = TypeVar("Item")

Tell = Callable[[str], object]
"""Gets a line for each cell that ran again."""


@dataclass(frozen=True)
class Sampling:
    """How many simulations run again, and who hears of them.

    Parameters
    ----------
    most : int or None
        How many of each thing, drawn by chance; None for all.
    chance : numpy.random.Generator
        Draws them.
    tell : callable
        Gets a line for each thing.
    """

    most: int | None
    chance: np.random.Generator
    tell: Tell = str

    def of(self, items: Sequence[Item]) -> list[Item]:
        """Return a sample of some items.

        Parameters
        ----------
        items : sequence
            All items.

        Returns
        -------
        list
            See `drawn`.
        """
        return drawn(items, self.most, self.chance)


def check_files(experiment: Experiment, results: Path) -> Check:
    """Read every netCDF file of an experiment, which compares it with the hash that it tells.

    Tables and verdicts are compared with the records of the commands that wrote them, if there are
    any: then one that is missing is a failure.

    Parameters
    ----------
    experiment : Experiment
        What was planned.
    results : Path
        Folder of the results.

    Returns
    -------
    Check
        A failure for each file that is missing, damaged or of another configuration.
    """
    cells, films = expand(experiment), film_cells(experiment)
    planned = planned_files(experiment, cells, films, planned_banks(experiment))
    absent = {
        one.path: "missing, expected a netCDF file"
        for one in planned
        if not (results / one.path).exists()
    }
    wrong = absent | reasons(planned, results)
    damaged = [f"{results / path}: {reason}" for path, reason in wrong.items()]
    recorded = RECORDED if any(record_file(results, one).is_file() for one in RECORDED) else ()
    forged = [line for one in recorded if (line := _forgery(experiment, results, one))]
    return Check(
        name="files",
        statement="Every file holds what its hash tells, and was made for this configuration",
        compared=len(planned) + len(recorded),
        failures=_told([*damaged, *forged]),
    )


def check_simulations(cells: Mapping[str, Cell], results: Path, sampling: Sampling) -> Check:
    """Run simulations again with the reference engine, through all layers that it can afford.

    Parameters
    ----------
    cells : mapping of str to Cell
        The sample.
    results : Path
        Folder of the results.
    sampling : Sampling
        Of the simulations of each cell.

    Returns
    -------
    Check
        A failure for each simulation whose record is farther off than `AGREEMENT`, unless rounding
        decides it, and for whatever else a file tells wrong of it, see `mechcore.reruns`.
    """
    folder = results / "trajectories"
    parts = [check_cell(folder / f"{name}.nc", cell, sampling) for name, cell in cells.items()]
    return merged("simulations", "The reference engine gives the same record at every layer", parts)


def check_cell(path: Path, cell: Cell, sampling: Sampling) -> Check:
    """Run simulations of one cell again.

    Parameters
    ----------
    path : Path
        Its trajectories.
    cell : Cell
        What was planned.
    sampling : Sampling
        Of its simulations.

    Returns
    -------
    Check
        As of `check_simulations`.
    """
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

    Parameters
    ----------
    check : Check
        Of `mechcore.reruns.compared_simulation`, or several of them.

    Returns
    -------
    str
        What they are, how many, and how far they are off.

    Examples
    --------
    >>> told_of(Check(name="cell", statement="dct-relu-k2", compared=3, excused=1, largest=2e-15))
    'dct-relu-k2: 4 simulations, at most 2.0e-15 apart'
    """
    count = check.compared + check.excused
    worst = "all decided by rounding" if not check.compared else "infinitely far apart"
    worst = worst if check.largest is None else f"at most {check.largest:.1e} apart"
    return f"{check.statement}: {count} simulations, {worst}"


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


def merged(name: str, statement: str, parts: Sequence[Check]) -> Check:
    """Return checks of the same kind as one.

    Parameters
    ----------
    name, statement : str
        Of the whole, see `mechcore.certificate.Check`.
    parts : sequence of Check
        Its parts; those that measure something have the same limit.

    Returns
    -------
    Check
        Counts and failures of all.

    Examples
    --------
    >>> part = Check(name="part", statement="", compared=2, largest=0.5)
    >>> whole = merged("whole", "Halves are equal", [part, part])
    >>> whole.compared, whole.largest
    (4, 0.5)
    """
    return Check(
        name=name,
        statement=statement,
        compared=sum(part.compared for part in parts),
        in_part=sum(part.in_part for part in parts),
        excused=sum(part.excused for part in parts),
        largest=max((part.largest for part in parts if part.largest is not None), default=None),
        limit=next((part.limit for part in parts if part.limit is not None), None),
        failures=_told([line for part in parts for line in part.failures]),
    )


def failed(name: str, statement: str, line: str) -> Check:
    """Return the check of something that cannot be compared at all.

    Parameters
    ----------
    name, statement : str
        See `mechcore.certificate.Check`.
    line : str
        Why not.

    Returns
    -------
    Check
        With this failure.

    Examples
    --------
    >>> failed("table", "cells.csv", "cells.csv: missing").holds
    False
    """
    return Check(name=name, statement=statement, compared=1, failures=[line])


def compared_table(
    table: pd.DataFrame,
    again: pd.DataFrame,
    name: str,
    *,
    columns: Iterable[str] | None = None,
    limit: float = SAME_SUMS,
) -> Check:
    """Compare two tables with the same rows, column by column.

    Parameters
    ----------
    table, again : pandas.DataFrame
        What was found, and what is expected.
    name : str
        What a failure is told of.
    columns : iterable of str, optional
        What is compared, all columns by default.
    limit : float, optional
        How far numbers may be apart: that many times the number, or 1 if it is smaller.

    Returns
    -------
    Check
        A failure for each column that differs.

    Examples
    --------
    >>> first, second = pd.DataFrame({"slope": [1.0, 2.0]}), pd.DataFrame({"slope": [1.0, 2.1]})
    >>> compared_table(first, second, "fits").failures
    ['fits: 1 of 2 values of slope differ, the first in row 2: 2.0, expected 2.1']
    """
    compared = list(again.columns if columns is None else columns)
    if len(table) != len(again):
        wrong = f"{name}: {len(table)} rows, expected {len(again)}"
        return failed("table", name, wrong).model_copy(update={"limit": limit})
    apart = {column: _columns_apart(table, again, column) for column in compared}
    rounding = sum(int(np.isnan(distance).sum()) for distance in apart.values())
    return Check(
        name="table",
        statement=name,
        compared=len(again) * len(compared) - rounding,
        excused=rounding,
        largest=_largest(one for distance in apart.values() for one in distance.tolist()),
        limit=limit,
        failures=[
            f"{name}: {_first_wrong(table[column], again[column], distance > limit)}"
            for column, distance in apart.items()
            if (distance > limit).any()
        ],
    )


def check_verdicts(again: Evidence) -> Check:
    """Judge an experiment again.

    Parameters
    ----------
    again : Evidence
        The results, measured again.

    Returns
    -------
    Check
        A failure for each claim that is not told as it follows from the results.
    """
    told = read_claims(again.results / CLAIMS_FILE)
    found, expected = ({claim.id: claim for claim in claims} for claims in (told, judge(again)))
    twice = [name for name, count in Counter(claim.id for claim in told).items() if count > 1]
    listed = Check(
        name="claims",
        statement="Each claim is there once",
        compared=0,
        limit=SAME_SUMS,
        failures=[
            *(f"{name}: no such claim" for name in sorted(found.keys() ^ expected.keys())),
            *(f"{name}: there twice" for name in twice),
        ],
    )
    parts = [_check_claim(found[name], claim) for name, claim in expected.items() if name in found]
    statement = "Judging again gives the same verdicts and figures"
    return merged("verdicts", statement, [listed, *parts])


def says_the_same(text: str, expected: str) -> bool:
    """Return whether two texts are equal, with numbers that are no farther apart than in tables.

    Parameters
    ----------
    text, expected : str
        What is told, and what is expected.

    Returns
    -------
    bool
        Whether they say the same.

    Examples
    --------
    >>> says_the_same("8 of 8 lines (3.3e-16)", "8 of 8 lines (0)")
    True
    >>> says_the_same("8 of 8 lines (0.33)", "8 of 8 lines (0.34)")
    False
    """
    words = [NUMBER.sub("#", one) for one in (text, expected)]
    numbers = [pd.Series(NUMBER.findall(one), dtype=float) for one in (text, expected)]
    return words[0] == words[1] and bool((_apart(*numbers) <= SAME_SUMS).all())


def places_of(cell: Cell) -> list[Place]:
    """Return the places of all simulations of a cell.

    Parameters
    ----------
    cell : Cell
        The cell.

    Returns
    -------
    list of Place
        In the order of its file.
    """
    shape = (len(cell.patterns), len(cell.angles), len(cell.betas))
    return [Place(*place) for place in np.ndindex(shape)]


def drawn(items: Sequence[Item], most: int | None, chance: np.random.Generator) -> list[Item]:
    """Return some items by chance, in their order.

    Parameters
    ----------
    items : sequence
        All items.
    most : int or None
        How many; None for all.
    chance : numpy.random.Generator
        Draws them.

    Returns
    -------
    list
        As many as were asked for, if there are.

    Examples
    --------
    >>> drawn("abcdef", 3, np.random.default_rng(0))
    ['d', 'e', 'f']
    """
    if most is None or most >= len(items):
        return list(items)
    return [items[place] for place in sorted(chance.choice(len(items), most, replace=False))]


def _forgery(experiment: Experiment, results: Path, command: str) -> str:
    """What is wrong with the files of a command that left a record of them, if anything is."""
    try:
        recorded_files(results, command, experiment)
    except MechcoreError as error:
        return " ".join(str(error).splitlines())
    return ""


def _columns_apart(table: pd.DataFrame, again: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """How far the values of a column are apart; not a number for those that are rounding."""
    distance = _apart(*(one[column].reset_index(drop=True) for one in (table, again)))
    if column not in CRITERIA or RESIDUAL not in again:
        return distance
    return np.where(again[RESIDUAL].abs() < PERFECT, np.nan, distance)


def _first_wrong(column: pd.Series, again: pd.Series, wrong: NDArray[np.bool_]) -> str:
    """What is told of a column with wrong values."""
    row = int(np.flatnonzero(wrong)[0])
    return (
        f"{wrong.sum()} of {len(wrong)} values of {column.name} differ, the first in row "
        f"{row + 1}: {column.iloc[row]}, expected {again.iloc[row]}"
    )


def _check_claim(found: Claim, expected: Claim) -> Check:
    """Compare what is told of a claim with what follows from the results."""
    labels = [[_label(figure) for figure in claim.figures] for claim in (found, expected)]
    # Of other figures no numbers belong together.
    same = labels[0] == labels[1]
    distance = _apart(_values(found), _values(expected)) if same else np.array([])
    failures = _other_words(found, expected)
    if not same:
        failures += [f"figures is {shown(labels[0])}, expected {shown(labels[1])}"]
    failures += [
        f"{found.figures[one].name}: {found.figures[one].value}, expected "
        f"{expected.figures[one].value}"
        for one in np.flatnonzero(distance > SAME_SUMS)
    ]
    return Check(
        name="claim",
        statement=found.id,
        compared=1,
        largest=_largest(distance.tolist()),
        limit=SAME_SUMS,
        failures=[f"{found.id}: {line}" for line in failures],
    )


def _other_words(found: Claim, expected: Claim) -> list[str]:
    """What is told of a claim besides its figures, and does not follow from the results."""
    pairs = {name: (getattr(found, name), getattr(expected, name)) for name in (*TOLD, "range")}
    return [
        f"{name} is {shown(told)}, expected {shown(due)}"
        for name, (told, due) in pairs.items()
        if told != due and not (name == "range" and says_the_same(told, due))
    ]


def _label(figure: Figure) -> tuple[str, str, str | None]:
    """What a figure is. Where cells are equal, rounding decides which of their files is named."""
    source = figure.source
    return figure.name, figure.unit, source and PurePosixPath(source).parent.as_posix()


def _apart(first: pd.Series, second: pd.Series) -> NDArray[np.float64]:
    """How far values are apart: numbers by their size, and infinitely if only one is there."""
    if not all(is_numeric_dtype(one) and one.dtype != bool for one in (first, second)):
        same = (first.astype(str) == second.astype(str)).to_numpy()
        return np.where(same, 0.0, np.inf)
    a, b = (one.to_numpy(float, na_value=np.nan) for one in (first, second))
    return distances(a, b, np.fmax(np.abs(b), 1.0))


def _values(claim: Claim) -> pd.Series:
    return pd.Series([figure.value for figure in claim.figures], dtype=float)


def _largest(distances: Iterable[float]) -> float | None:
    finite = [one for one in distances if math.isfinite(one)]
    return max(finite, default=None)


def _told(failures: Iterable[str]) -> list[str]:
    """Lines for people: of very many the first ones."""
    lines = list(failures)
    if len(lines) > MOST_FAILURES:
        return [*lines[:MOST_FAILURES], f"and {len(lines) - MOST_FAILURES} more"]
    return lines
