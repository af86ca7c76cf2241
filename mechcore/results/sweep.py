"""A sweep is one run of a grid: configuration, code and machine, and results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field

from mechcore.analysis.tables import read_table, table_text, write_table
from mechcore.errors import MechcoreError
from mechcore.experiment.banks import planned_banks
from mechcore.experiment.config import Experiment
from mechcore.experiment.grid import expand
from mechcore.experiment.networks import planned_networks
from mechcore.experiment.paths import CELLS_FILE, SWEEP_FILE, TRAJECTORIES
from mechcore.io.code_state import UNKNOWN, CodeState, common_state
from mechcore.io.environment import Code, Environment, code_of, current_environment
from mechcore.io.hashes import file_sha256
from mechcore.io.json_models import Settings, read_settings, write_settings
from mechcore.io.netcdf import AGAIN, read_attributes
from mechcore.jobs.cost import job_cost
from mechcore.results.banks import bank_files
from mechcore.results.cells_table import PARAMETERS, TEXTS, cells_table
from mechcore.results.networks import network_file
from mechcore.results.results import Results, existing_hashes, table_files
from mechcore.simulation.reading import check_settings

DIGITS = 12
"""Length of an identifier: a store of a million sweeps has a 1-in-500 chance of a collision."""


class CellRecord(Settings):
    """The file of a cell, and what it took to make it."""

    content_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Hash of the trajectories, whatever wrote them."""
    finished_at: int
    """Time of the file in ms since 1970."""
    wall_seconds: float | None = Field(default=None, allow_inf_nan=False)
    memory_mb: float | None = Field(default=None, allow_inf_nan=False)
    """Run time and memory of the job; None where they were not measured."""
    commit: str = UNKNOWN
    dirty: str = UNKNOWN
    """The code that computed it; unknown in files of earlier versions."""

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
    tables: dict[str, str] = Field(default_factory=dict)


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
    environment: Environment
    records: dict[str, CellRecord]
    """The finished cells by id, in the order of the grid."""
    cells: pd.DataFrame
    """A row a cell, see `mechcore.results.cells_table.cells_table`."""
    banks: dict[str, str]
    """Content hashes of the files of banks and networks, by path below the results."""
    tables: dict[str, str]
    """SHA-256 of tables and claims by name; sweeps of earlier versions have none."""


def metric_names(cells: pd.DataFrame) -> list[str]:
    """Return the columns of the table of cells that are results."""
    return [str(name) for name in cells if name not in ("cell", *PARAMETERS)]


def describe_sweep(results: Results, logs: Path | None) -> Sweep:
    """Describe the run of an experiment, finished or not, by what its files state of themselves.

    Their trajectories were read when the results were measured, and are when these are verified.
    """
    attributes = _cell_attributes(results)
    folder = results.folder / TRAJECTORIES
    records = {
        name: CellRecord(
            content_sha256=str(of_cell["content_sha256"]),
            finished_at=int((folder / f"{name}.nc").stat().st_mtime * 1000),
            commit=str(of_cell.get("code_commit", UNKNOWN)),
            dirty=str(of_cell.get("code_dirty", UNKNOWN)),
            **job_cost(logs, name),
        )
        for name, of_cell in attributes.items()
    }
    config = results.experiment.without_tracking().to_mapping()
    banks = _bank_hashes(results)
    return Sweep(
        identifier_of(config, content_hashes(records), banks),
        results.experiment.experiment,
        config,
        code_of(
            common_state(CodeState(record.commit, record.dirty) for record in records.values()),
            (str(of_cell["core_hash"]) for of_cell in attributes.values()),
        ),
        current_environment(),
        records,
        cells_table(results),
        banks,
        existing_hashes(results.folder, table_files(results.experiment)),
    )


def write_sweep(sweep: Sweep, folder: Path) -> None:
    """Write a sweep as ``sweep.json`` and ``cells.csv``, each whole or not at all."""
    write_table(sweep.cells, folder / CELLS_FILE)
    write_description(sweep, folder / SWEEP_FILE)


def write_description(sweep: Sweep, path: Path) -> None:
    """Write all of a sweep but its table of cells, as JSON."""
    cells = hashlib.sha256(table_text(sweep.cells).encode()).hexdigest()
    content = SweepFile(
        sweep=sweep.identifier,
        experiment=sweep.experiment,
        config=sweep.config,
        code=sweep.code,
        environment=sweep.environment,
        cells=sweep.records,
        banks=sweep.banks,
        tables=sweep.tables | {CELLS_FILE: cells},
    )
    write_settings(content, path)


def read_sweep(folder: Path) -> Sweep:
    """Read a sweep."""
    path, cells = folder / SWEEP_FILE, folder / CELLS_FILE
    content = read_settings(SweepFile, path, "mechcore summarise")
    expected = identifier_of(content.config, content_hashes(content.cells), content.banks)
    if content.sweep != expected:
        raise MechcoreError(
            f"{path}: sweep {content.sweep}, expected {expected} by its content: it was edited"
        )
    table = read_table(cells, ["cell", "kernel", "activation"], ("cell",))
    if CELLS_FILE in content.tables:
        _check_hash(cells, content.tables)
    return Sweep(
        content.sweep,
        content.experiment,
        content.config,
        content.code,
        content.environment,
        content.cells,
        table.astype(dict.fromkeys(TEXTS, str)),
        content.banks,
        content.tables,
    )


def sweep_identifier(results: Results) -> str:
    """Return the identifier of the results of an experiment."""
    hashes = {
        name: str(attributes["content_sha256"])
        for name, attributes in _cell_attributes(results).items()
    }
    config = results.experiment.without_tracking().to_mapping()
    return identifier_of(config, hashes, _bank_hashes(results))


def finished_sweep(experiment: Experiment, folder: Path) -> Sweep:
    """Read the sweep of a finished experiment: made with its settings, and of these tables."""
    sweep, path = read_sweep(folder), folder / SWEEP_FILE
    settings = experiment.without_tracking().to_mapping()
    if sweep.config != settings or set(sweep.records) != set(expand(experiment)):
        raise MechcoreError(
            f"{path}: made with other settings than {experiment.experiment} has; run "
            "`mechcore summarise` to regenerate it"
        )
    for name in table_files(experiment):
        _check_hash(folder / name, sweep.tables)
    return sweep


def check_describes(sweep: Sweep, results: Results) -> None:
    """Refuse a sweep of other results: its hashes are not those of the files."""
    if sweep.identifier != sweep_identifier(results):
        raise MechcoreError(
            f"{results.folder / SWEEP_FILE}: describes other results; run "
            "`mechcore summarise` to regenerate it"
        )


def _check_hash(path: Path, hashes: Mapping[str, str]) -> None:
    """Refuse a table that is not the one that a sweep describes."""
    if not path.is_file():
        raise MechcoreError(f"{path}: missing; run the workflow to regenerate it")
    if file_sha256(path) != hashes.get(path.name):
        raise MechcoreError(f"{path}: changed after `mechcore summarise`; {AGAIN}")


def identifier_of(
    config: Mapping[str, Any], cells: Mapping[str, str], banks: Mapping[str, str]
) -> str:
    """Return the identifier of a configuration and the content hashes of its results."""
    text = json.dumps({"config": config, "cells": cells, "banks": banks}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def content_hashes(records: Mapping[str, CellRecord]) -> dict[str, str]:
    """Return the hash of the trajectories of each cell."""
    return {name: record.content_sha256 for name, record in records.items()}


def _cell_attributes(results: Results) -> dict[str, dict[str, Any]]:
    """The attributes of the files of the finished cells."""
    attributes = {}
    for name, cell in results.cells.items():
        if name in results.finished:
            path = results.folder / TRAJECTORIES / f"{name}.nc"
            attributes[name] = read_attributes(path)
            check_settings(path, attributes[name], cell)
    if not attributes:
        experiment = results.experiment.experiment
        raise MechcoreError(f"{results.folder}: no results of a cell of {experiment}")
    return attributes


def _bank_hashes(results: Results) -> dict[str, str]:
    plans = planned_banks(results.experiment).values()
    files = [path for plan in plans for path in bank_files(plan, results.folder)]
    files += [network_file(name, results.folder) for name in planned_networks(results.experiment)]
    return {
        path.relative_to(results.folder).as_posix(): str(read_attributes(path)["content_sha256"])
        for path in files
        if path.is_file()
    }
