"""A sweep is one finished run of a grid: what was asked for, what made it, and what came out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype
from pydantic import Field

from mechcore.analysis.tables import read_table, write_table
from mechcore.errors import MechcoreError, shown
from mechcore.experiment.banks import planned_banks
from mechcore.experiment.config import Experiment
from mechcore.experiment.grid import expand
from mechcore.experiment.paths import CELLS_FILE, SWEEP_FILE
from mechcore.io.environment import Code, Environment, current_code, current_environment
from mechcore.io.json_models import Settings, read_settings, write_settings
from mechcore.io.netcdf import read_attributes
from mechcore.jobs.cost import job_cost
from mechcore.results.banks import bank_files
from mechcore.results.cells_table import PARAMETERS, TEXTS, cells_table
from mechcore.results.results import Results
from mechcore.simulation.reading import check_settings

DIGITS = 12
"""Of an identifier: among a million sweeps two are equal by chance once in five hundred stores."""


class CellRecord(Settings):
    """The file of a cell, and what it took to make it."""

    content_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Hash of the trajectories, whatever wrote them."""
    finished_at: int
    """Time of the file in ms since 1970."""
    wall_seconds: float | None = Field(default=None, allow_inf_nan=False)
    memory_mb: float | None = Field(default=None, allow_inf_nan=False)
    """Of the job; None where it was not measured."""

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
    """One run of a grid."""

    identifier: str
    """12 hexadecimal digits: equal for equal configurations and results, on any machine."""
    experiment: str
    """Its name."""
    config: dict[str, Any]
    """The configuration, with all defaults."""
    code: Code
    """What computed."""
    environment: Environment
    """What it ran on."""
    records: dict[str, CellRecord]
    """The finished cells by id, in the order of the grid."""
    cells: pd.DataFrame
    """What is known of them, see `mechcore.results.cells_table.cells_table`."""
    banks: dict[str, str]
    """Content hashes of the files of banks, by path below the results."""


def metric_names(cells: pd.DataFrame) -> list[str]:
    """Return the columns of the table of cells that are results.

    Examples
    --------
    >>> metric_names(pd.DataFrame(columns=["cell", "kernel", "delta/speed_max"]))
    ['delta/speed_max']
    """
    return [str(name) for name in cells if name not in ("cell", *PARAMETERS)]


def describe_sweep(results: Results, logs: Path | None) -> Sweep:
    """Describe the run of an experiment, finished or not."""
    attributes = _cell_attributes(results)
    folder = results.folder / "trajectories"
    records = {
        name: CellRecord(
            content_sha256=str(found["content_sha256"]),
            finished_at=int((folder / f"{name}.nc").stat().st_mtime * 1000),
            **job_cost(logs, name),
        )
        for name, found in attributes.items()
    }
    config = results.experiment.without_tracking().to_mapping()
    banks = _bank_hashes(results.experiment, results.folder)
    return Sweep(
        identifier_of(config, {name: one.content_sha256 for name, one in records.items()}, banks),
        results.experiment.experiment,
        config,
        current_code(str(found["core_hash"]) for found in attributes.values()),
        current_environment(),
        records,
        cells_table(results),
        banks,
    )


def write_sweep(sweep: Sweep, folder: Path) -> None:
    """Write a sweep as ``sweep.json`` and ``cells.csv``, each whole or not at all."""
    write_table(sweep.cells, folder / CELLS_FILE)
    write_description(sweep, folder / SWEEP_FILE)


def write_description(sweep: Sweep, path: Path) -> None:
    """Write all of a sweep but its table of cells, as JSON."""
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
    """Read a sweep."""
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


def sweep_identifier(results: Results) -> str:
    """Return what identifies the results of an experiment, whatever is known of their making."""
    hashes = {
        name: str(found["content_sha256"]) for name, found in _cell_attributes(results).items()
    }
    banks = _bank_hashes(results.experiment, results.folder)
    return identifier_of(results.experiment.without_tracking().to_mapping(), hashes, banks)


def finished_sweep(experiment: Experiment, directory: Path) -> Sweep:
    """Read the sweep of a finished experiment, which must be of this configuration."""
    sweep = read_sweep(directory)
    planned = experiment.without_tracking().to_mapping()
    if set(sweep.records) != set(expand(experiment)) or sweep.config != planned:
        raise MechcoreError(
            f"{directory / SWEEP_FILE}: of another configuration than {experiment.experiment} has "
            "now; mechcore summarise writes it anew"
        )
    return sweep


def identifier_of(
    config: Mapping[str, Any], cells: Mapping[str, str], banks: Mapping[str, str]
) -> str:
    """Return what identifies a sweep.

    Examples
    --------
    >>> identifier_of({"steps": 8}, {"dct-relu-k2": "a"}, {})
    '7a42942cf72d'
    """
    text = json.dumps({"config": config, "cells": cells, "banks": banks}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _cell_attributes(results: Results) -> dict[str, dict[str, object]]:
    """What the files of the finished cells say of themselves."""
    folder, found = results.folder / "trajectories", {}
    for name, cell in results.cells.items():
        if name in results.finished:
            path = folder / f"{name}.nc"
            found[name] = read_attributes(path)
            check_settings(path, found[name], cell)
    if not found:
        experiment = results.experiment.experiment
        raise MechcoreError(f"{results.folder}: no results of a cell of {experiment}")
    return found


def _bank_hashes(experiment: Experiment, directory: Path) -> dict[str, str]:
    plans = planned_banks(experiment).values()
    files = [path for plan in plans for path in bank_files(plan, directory) if path.is_file()]
    return {
        path.relative_to(directory).as_posix(): str(read_attributes(path)["content_sha256"])
        for path in files
    }


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
