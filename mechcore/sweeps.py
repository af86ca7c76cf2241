"""A sweep is one finished run of a grid: what was asked for, what made it, and what came out."""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype
from pydantic import Field

from mechcore.config import Experiment
from mechcore.errors import MechcoreError, shown
from mechcore.evidence import Evidence, bank_files
from mechcore.filters.plan import planned_banks
from mechcore.finished import FINISHED_BEFORE
from mechcore.grid import expand
from mechcore.provenance import Code, Environment, current_code, current_environment
from mechcore.settings import Settings, read_settings, write_settings
from mechcore.storage import read_attributes
from mechcore.sweep_cells import PARAMETERS, TEXTS, cells_table
from mechcore.tables import check_settings, read_table, write_table

SWEEP_FILE, CELLS_FILE = "sweep.json", "cells.csv"
"""What a sweep is, and the table of its cells; both lie among the results."""

DIGITS = 12
"""Of an identifier: among a million sweeps two are equal by chance once in five hundred stores."""


class CellRecord(Settings):
    """The file of a cell, and what it took to make it.

    Parameters
    ----------
    content_sha256 : str
        Hash of the trajectories, whatever wrote them.
    finished_at : int
        Time of the file in ms since 1970.
    wall_seconds, memory_mb : float or None
        Of the job; None where it was not measured.
    """

    content_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    finished_at: int
    wall_seconds: float | None = Field(default=None, allow_inf_nan=False)
    memory_mb: float | None = Field(default=None, allow_inf_nan=False)

    @property
    def started_at(self) -> int:
        """Time in ms since 1970 when its job began; that of its end where it was not measured."""
        return self.finished_at - round(1000 * (self.wall_seconds or 0.0))


class SweepFile(Settings):
    """The content of ``sweep.json``."""

    sweep: str = Field(pattern=rf"^[0-9a-f]{{{DIGITS}}}$")
    experiment: str
    config: dict[str, Any]
    code: Code
    environment: Environment
    cells: dict[str, CellRecord]
    banks: dict[str, str]


@dataclass(frozen=True)
class Sweep:
    """One run of a grid.

    Parameters
    ----------
    identifier : str
        12 hexadecimal digits: equal for equal configurations and results, on any machine.
    experiment : str
        Its name.
    config : dict
        The configuration, with all defaults.
    code : mechcore.provenance.Code
        What computed.
    environment : mechcore.provenance.Environment
        What it ran on.
    records : dict of str to CellRecord
        The finished cells by id, in the order of the grid.
    cells : pandas.DataFrame
        What is known of them, see `mechcore.sweep_cells.cells_table`.
    banks : dict of str to str
        Content hashes of the files of banks, by path below the results.
    """

    identifier: str
    experiment: str
    config: dict[str, Any]
    code: Code
    environment: Environment
    records: dict[str, CellRecord]
    cells: pd.DataFrame
    banks: dict[str, str]


def metric_names(cells: pd.DataFrame) -> list[str]:
    """Return the columns of the table of cells that are results.

    Parameters
    ----------
    cells : pandas.DataFrame
        The table of a sweep.

    Returns
    -------
    list of str
        All but ``cell`` and `PARAMETERS`.

    Examples
    --------
    >>> metric_names(pd.DataFrame(columns=["cell", "kernel", "delta/speed_max"]))
    ['delta/speed_max']
    """
    return [str(name) for name in cells if name not in ("cell", *PARAMETERS)]


def describe_sweep(evidence: Evidence, logs: Path | None) -> Sweep:
    """Describe the run of an experiment, finished or not.

    Parameters
    ----------
    evidence : Evidence
        The results; cells that are not finished are left out.
    logs : Path or None
        Folder of the logs of the experiment, which tell time and memory of each cell.

    Returns
    -------
    Sweep
        The description.

    Raises
    ------
    MechcoreError
        If no cell is finished, or a file is missing, damaged or of another configuration.
    """
    attributes = _cell_attributes(evidence)
    folder = evidence.results / "trajectories"
    records = {
        name: CellRecord(
            content_sha256=str(found["content_sha256"]),
            finished_at=int((folder / f"{name}.nc").stat().st_mtime * 1000),
            **job_cost(logs, name),
        )
        for name, found in attributes.items()
    }
    config = evidence.experiment.without_tracking().to_mapping()
    banks = _bank_hashes(evidence.experiment, evidence.results)
    return Sweep(
        identifier_of(config, {name: one.content_sha256 for name, one in records.items()}, banks),
        evidence.experiment.experiment,
        config,
        current_code(str(found["core_hash"]) for found in attributes.values()),
        current_environment(),
        records,
        cells_table(evidence),
        banks,
    )


def write_sweep(sweep: Sweep, folder: Path) -> None:
    """Write a sweep as ``sweep.json`` and ``cells.csv``, each whole or not at all.

    Parameters
    ----------
    sweep : Sweep
        The sweep.
    folder : Path
        Where; files that are there are replaced.

    Raises
    ------
    MechcoreError
        If the folder cannot be written.
    """
    write_table(sweep.cells, folder / CELLS_FILE)
    write_description(sweep, folder / SWEEP_FILE)


def write_description(sweep: Sweep, path: Path) -> None:
    """Write all of a sweep but its table of cells, as JSON.

    Parameters
    ----------
    sweep : Sweep
        The sweep.
    path : Path
        The file.

    Raises
    ------
    MechcoreError
        If the folder cannot be written.
    """
    content = SweepFile(
        sweep=sweep.identifier,
        experiment=sweep.experiment,
        config=sweep.config,
        code=sweep.code,
        environment=sweep.environment,
        cells=sweep.records,
        banks=sweep.banks,
    )
    write_settings(content, path)


def read_sweep(folder: Path) -> Sweep:
    """Read a sweep.

    Parameters
    ----------
    folder : Path
        Holds ``sweep.json`` and ``cells.csv``, as the results of an experiment.

    Returns
    -------
    Sweep
        The sweep.

    Raises
    ------
    MechcoreError
        If a file is missing, damaged, of another kind, or does not belong to the other.
    """
    path = folder / SWEEP_FILE
    found = read_settings(SweepFile, path, "mechcore summarise")
    hashes = {name: record.content_sha256 for name, record in found.cells.items()}
    expected = identifier_of(found.config, hashes, found.banks)
    if found.sweep != expected:
        raise MechcoreError(
            f"{path}: sweep {found.sweep}, expected {expected} by its content: it was edited"
        )
    return Sweep(
        found.sweep,
        found.experiment,
        found.config,
        found.code,
        found.environment,
        found.cells,
        _read_cells(folder / CELLS_FILE, list(found.cells)),
        found.banks,
    )


def sweep_identifier(evidence: Evidence) -> str:
    """Return what identifies the results of an experiment, whatever is known of their making.

    Parameters
    ----------
    evidence : Evidence
        The results.

    Returns
    -------
    str
        As in `describe_sweep`, 12 hexadecimal digits.

    Raises
    ------
    MechcoreError
        If no cell is finished, or a file is missing, damaged or of another configuration.
    """
    hashes = {
        name: str(found["content_sha256"]) for name, found in _cell_attributes(evidence).items()
    }
    banks = _bank_hashes(evidence.experiment, evidence.results)
    return identifier_of(evidence.experiment.without_tracking().to_mapping(), hashes, banks)


def finished_sweep(experiment: Experiment, results: Path) -> Sweep:
    """Read the sweep of a finished experiment, which must be of this configuration.

    Parameters
    ----------
    experiment : Experiment
        The configuration.
    results : Path
        Folder of its results.

    Returns
    -------
    Sweep
        The sweep.

    Raises
    ------
    MechcoreError
        As `read_sweep` does, or if it is of another configuration.
    """
    sweep = read_sweep(results)
    planned = experiment.without_tracking().to_mapping()
    if set(sweep.records) != set(expand(experiment)) or sweep.config != planned:
        raise MechcoreError(
            f"{results / SWEEP_FILE}: of another configuration than {experiment.experiment} has "
            "now; mechcore summarise writes it anew"
        )
    return sweep


def identifier_of(
    config: Mapping[str, Any], cells: Mapping[str, str], banks: Mapping[str, str]
) -> str:
    """Return what identifies a sweep.

    Parameters
    ----------
    config : mapping
        The configuration, with all defaults.
    cells, banks : mapping of str to str
        Content hashes, by cell and by path of the file of a bank.

    Returns
    -------
    str
        12 hexadecimal digits.

    Examples
    --------
    >>> identifier_of({"steps": 8}, {"dct-relu-k2": "a"}, {})
    '7a42942cf72d'
    """
    text = json.dumps({"config": config, "cells": cells, "banks": banks}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _cell_attributes(evidence: Evidence) -> dict[str, dict[str, object]]:
    """What the files of the finished cells say of themselves."""
    folder, found = evidence.results / "trajectories", {}
    for name, cell in evidence.cells.items():
        if name in evidence.finished:
            path = folder / f"{name}.nc"
            found[name] = read_attributes(path)
            check_settings(path, found[name], cell)
    if not found:
        experiment = evidence.experiment.experiment
        raise MechcoreError(f"{evidence.results}: no results of a cell of {experiment}")
    return found


def _bank_hashes(experiment: Experiment, results: Path) -> dict[str, str]:
    plans = planned_banks(experiment).values()
    files = [path for plan in plans for path in bank_files(plan, results) if path.is_file()]
    return {
        path.relative_to(results).as_posix(): str(read_attributes(path)["content_sha256"])
        for path in files
    }


def job_cost(logs: Path | None, cell: str) -> dict[str, float | None]:
    """Return what the job of a cell took.

    Parameters
    ----------
    logs : Path or None
        Folder of the logs of the experiment.
    cell : str
        The cell.

    Returns
    -------
    dict of str to float or None
        ``wall_seconds`` and ``memory_mb``, as Snakemake measured them; None for what it could not,
        where it writes a dash, and for a cell that was finished by an earlier job.
    """
    nothing: dict[str, float | None] = {"wall_seconds": None, "memory_mb": None}
    path = None if logs is None else logs / "benchmarks" / "simulate" / f"{cell}.tsv"
    if path is None or not path.is_file():
        return nothing
    log = path.parents[2] / "simulate" / f"{cell}.log"
    if log.is_file() and FINISHED_BEFORE in log.read_text(errors="replace"):
        return nothing
    rows = list(csv.DictReader(path.read_text().splitlines(), delimiter="\t"))
    measured = rows[-1] if rows else {}
    columns = {"wall_seconds": "s", "memory_mb": "max_rss"}
    return {name: _number(measured.get(column)) for name, column in columns.items()}


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _read_cells(path: Path, cells: list[str]) -> pd.DataFrame:
    """The table of the same cells, with texts and numbers as they were written."""
    numbers = set(PARAMETERS) - set(TEXTS)
    table = read_table(path, ["cell", "kernel", "activation", *numbers], ("cell",))
    missing = [name for name in TEXTS if name not in table]
    if missing:
        raise MechcoreError(f"{path}: no column {', '.join(missing)}")
    for name in metric_names(table):
        if not is_numeric_dtype(table[name]):
            raise MechcoreError(f"{path}: {name} holds text, expected numbers or nothing")
    if table.cell.tolist() != cells:
        other = sorted(set(table.cell) ^ set(cells))
        raise MechcoreError(
            f"{path}: other cells than in {SWEEP_FILE} ({shown(other)}), expected the same"
        )
    return table.astype(dict.fromkeys(TEXTS, str))
