"""All checks of the results of an experiment."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr

from mechcore.analysis.collect import collect
from mechcore.errors import InvalidValue, MechcoreError, checked_integer, one_line
from mechcore.experiment.cell import Cell
from mechcore.experiment.config import Experiment
from mechcore.experiment.paths import TRAJECTORIES
from mechcore.io.environment import current_code, current_environment
from mechcore.io.fingerprint import code_fingerprint
from mechcore.results.archive import opened
from mechcore.results.archive.files import finished_files
from mechcore.results.results import Results, netcdf_files, table_files
from mechcore.results.sweep import finished_sweep, sweep_identifier
from mechcore.simulation.reading import read_trajectories
from mechcore.verification.banks import check_banks
from mechcore.verification.certificate import Certificate, Check, merged
from mechcore.verification.sampling import Report, Sampling
from mechcore.verification.simulations import check_cell, check_controls, check_films
from mechcore.verification.tables import check_reproduction, check_tables, check_verdicts

SHARES = {
    "simulations": 0.5,
    "controls": 0.1,
    "films": 0.1,
    "banks": 0.1,
    "networks": 0.1,
    "reproduction": 0.1,
}
"""Shares of the time that the subjects get."""


@dataclass(frozen=True)
class Extent:
    """How much is computed again."""

    cells: int | None = None
    """How many cells, drawn by chance; None for all."""
    simulations: int | None = None
    """How many simulations of each, likewise."""
    seed: int | None = None
    """By default it follows from the results, so that nobody chooses the sample."""
    seconds: float | None = None
    """CPU time in which to compute as many as possible; None for no limit."""

    def __post_init__(self) -> None:
        for key in ("cells", "simulations"):
            if getattr(self, key) is not None:
                checked_integer(key, getattr(self, key), 1, 10**9)
        if self.seed is not None:
            checked_integer("seed", self.seed, 0, 2**63)
        if self.seconds is not None and not self.seconds > 0:
            raise InvalidValue("seconds", self.seconds, "a number above 0")


def verify(
    experiment: Experiment, folder: Path, extent: Extent | None = None, report: Report = str
) -> Certificate:
    """Check the results of a finished experiment."""
    extent = extent or Extent()
    if not folder.is_dir():
        raise MechcoreError(f"{folder}: no such folder, expected that of results")
    try:
        paths = (folder / name for name in netcdf_files(experiment))
        missing = next((path for path in paths if not path.is_file()), None)
        if missing:
            raise MechcoreError(f"{missing}: missing, expected a netCDF file")
        sweep = finished_sweep(experiment, folder)
        results = Results.load(experiment, folder)
        identifier = sweep_identifier(results)
        seed = int(identifier, 16) if extent.seed is None else extent.seed
        generator = np.random.default_rng(seed)
        chosen = set(Sampling(generator, extent.cells).draw(list(results.cells)))
        sampling = partial(_sampling, extent, generator, report)
        simulations = sampling("simulations", extent.simulations, len(chosen))
        again, reruns = _measured_again(results, chosen, simulations)
    except MechcoreError as error:
        # Whatever would be computed from these files is not worth a look.
        return _certificate(experiment, [_files(experiment, [one_line(str(error))])])
    statement = "The reference engine gives the same record at every layer"
    planned = sum(cell.simulations for cell in results.cells.values())
    beside = _beside_the_grid(again, extent, sampling)
    checks = [_files(experiment, []), merged("simulations", statement, reruns, planned), *beside]
    # Controls and banks of something else may hold nothing to judge by.
    if not any(check.failures for check in beside):
        checks += [check_tables(results, again, sweep, identifier), check_verdicts(again)]
    if experiment.published:
        figures = sampling("reproduction", extent.cells)
        checks.append(check_reproduction(results, Path(experiment.published), figures))
    return _certificate(experiment, checks).model_copy(
        update={
            "sweep": identifier,
            "files": results.file_hashes(),
            "seed": seed,
            "seconds": extent.seconds,
            "cells": [check.statement for check in reruns if check.compared + check.excused],
        }
    )


def _measured_again(
    results: Results, chosen: set[str], simulations: Sampling
) -> tuple[Results, list[Check]]:
    """What follows from the trajectories, and the checks of the cells that were chosen."""
    reruns: list[Check] = []

    def read(path: Path, cell: Cell) -> xr.Dataset:
        dataset = read_trajectories(path, cell)
        if cell.id in chosen:
            reruns.append(check_cell(dataset, cell, simulations))
        return dataset

    measured = collect(results.cells, results.folder / TRAJECTORIES, read=read)
    again = Results.fitted(results.experiment, results.folder, measured)
    again.read_beside_the_grid()
    return again, reruns


def _beside_the_grid(
    again: Results, extent: Extent, sampling: Callable[..., Sampling]
) -> list[Check]:
    experiment = again.experiment
    films = sampling("films", extent.simulations, len(again.films))
    checks = [check_controls(again, sampling("controls", extent.cells)), check_films(again, films)]
    if experiment.filter_banks:
        runs = sampling("banks", extent.simulations, len(experiment.filter_banks))
        checks.append(check_banks(again, runs))
    if experiment.networks:
        # It needs onnx, which other experiments do without.
        from mechcore.verification.networks import check_networks

        checks.append(check_networks(again, sampling("networks", extent.cells)))
    return checks


def verify_archive(
    path: Path,
    extent: Extent | None = None,
    report: Report = str,
    *,
    runs_extensions: bool = False,
) -> Certificate:
    """Check a finished experiment that somebody packed; its own code runs only if you say so."""
    with opened(path, runs_extensions=runs_extensions) as contents:
        finished_files(contents.experiment, contents.results, contents.page)
        finished_sweep(contents.experiment, contents.results)
        return verify(contents.experiment, contents.results, extent, report)


def _sampling(
    extent: Extent,
    generator: np.random.Generator,
    report: Report,
    subject: str,
    most: int | None,
    draws: int = 1,
) -> Sampling:
    """The sample of one subject, with its share of the time."""
    seconds = math.inf if extent.seconds is None else SHARES[subject] * extent.seconds
    return Sampling(generator, most, seconds, draws, report)


def _files(experiment: Experiment, failures: list[str]) -> Check:
    return Check(
        name="files",
        statement="Every file has the content of its hash, and was made for this configuration",
        compared=len(netcdf_files(experiment)) + len(table_files(experiment)),
        failures=failures,
    )


def _certificate(experiment: Experiment, checks: list[Check]) -> Certificate:
    return Certificate(
        experiment=experiment.experiment,
        cells=[],
        checks=checks,
        code=current_code([code_fingerprint("simulation")]),
        environment=current_environment(),
    )
