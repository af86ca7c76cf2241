"""All checks of an experiment: of its results, or of the tables beside a report alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mechcore.analysis.collect import Measurements
from mechcore.analysis.measures import metrics_table
from mechcore.analysis.mechanics import kernels_table, mechanics_table
from mechcore.analysis.tables import KERNEL
from mechcore.errors import MechcoreError, checked_integer, one_line
from mechcore.experiment.config import Experiment
from mechcore.experiment.grid import expand
from mechcore.experiment.paths import CONTROLS_FILE, REGRESSIONS_FILE, SWEEP_FILE, TRAJECTORIES
from mechcore.io.environment import current_code, current_environment
from mechcore.io.fingerprint import code_fingerprint
from mechcore.io.hashes import file_sha256
from mechcore.jobs.stages import record_file, recorded_files
from mechcore.results.archive import opened
from mechcore.results.archive.files import finished_files
from mechcore.results.results import TABLES, Results, netcdf_files
from mechcore.results.sweep import sweep_identifier
from mechcore.simulation.reading import read_trajectories
from mechcore.verification.banks import check_banks
from mechcore.verification.certificate import Certificate, Check, merged
from mechcore.verification.deviations import DEVIATIONS, deviation_of
from mechcore.verification.fits import check_fits
from mechcore.verification.sampling import Report, Sampling
from mechcore.verification.simulations import check_cell, check_controls, check_films
from mechcore.verification.tables import check_tables, check_verdicts

RECORDED = ("collect", "deviations", "regress", "judge", "summarise")
"""Commands whose files are compared with their records: tables and verdicts."""

MEASURES = (metrics_table, mechanics_table, kernels_table)
"""What is measured on the trajectories of a cell, in the order of `Measurements`."""

SEED_DIGITS = 12
"""Hexadecimal digits of a hash that the seed is made of: as many as a sweep has."""


@dataclass(frozen=True)
class Extent:
    """How much is computed again."""

    cells: int | None = 8
    """How many cells, drawn by chance; None for all."""
    simulations: int | None = 4
    """How many simulations of each, likewise."""
    seed: int | None = None
    """By default it follows from the results, so that nobody chooses the sample."""

    def __post_init__(self) -> None:
        for key in ("cells", "simulations"):
            if getattr(self, key) is not None:
                checked_integer(key, getattr(self, key), 1, 10**9)
        if self.seed is not None:
            checked_integer("seed", self.seed, 0, 2**63)


@dataclass(frozen=True)
class Grid:
    """What a single pass over the trajectories gives."""

    damaged: list[str]
    """A line for each file that cannot be read, or is of something else."""
    reruns: list[Check]
    """Simulations of the sample that ran again."""
    tables: list[list[pd.DataFrame]]
    """What `MEASURES` gives of each cell."""
    deviations: pd.DataFrame
    """See `mechcore.verification.deviations`, of the sample."""


def verify(
    experiment: Experiment, folder: Path, extent: Extent | None = None, report: Report = str
) -> Certificate:
    """Check the results of a finished experiment."""
    extent = extent or Extent()
    if not folder.is_dir():
        raise MechcoreError(f"{folder}: no such folder, expected that of results")
    # Any of these tells a folder of results, of which much may be missing, from that of a report.
    if any((folder / name).exists() for name in (TRAJECTORIES, CONTROLS_FILE, SWEEP_FILE)):
        return _check_results(experiment, folder, extent, report)
    return _check_tables_alone(experiment, folder, extent, report)


def verify_archive(path: Path, extent: Extent | None = None, report: Report = str) -> Certificate:
    """Check a finished experiment that somebody packed."""
    with opened(path) as contents:
        # Their records, too, must be there.
        finished_files(contents.experiment, contents.results, contents.page)
        return verify(contents.experiment, contents.results, extent, report)


def _check_results(
    experiment: Experiment, folder: Path, extent: Extent, report: Report
) -> Certificate:
    files = _check_files(experiment, folder)
    if files.failures:
        return _certificate(experiment, [files])
    results = Results.load(experiment, folder)
    try:
        _read_beside_the_grid(results)
        sweep = sweep_identifier(results)
    except MechcoreError as error:
        return _certificate(experiment, [_with_failures(files, [one_line(str(error))])])
    seed = int(sweep, 16) if extent.seed is None else extent.seed
    generator = np.random.default_rng(seed)
    cells = Sampling(extent.cells, generator, report)
    simulations = Sampling(extent.simulations, generator, report)
    sample = cells.draw(list(results.cells))
    grid = _check_grid(results, sample, simulations)
    if grid.damaged:
        # Whatever was computed from these files is not worth a look.
        return _certificate(experiment, [_with_failures(files, grid.damaged)])
    statement = "The reference engine gives the same record at every layer"
    beside = [check_controls(results, cells), check_films(results, simulations)]
    if experiment.filter_banks:
        beside.append(check_banks(results, simulations))
    checks = [files, merged("simulations", statement, grid.reruns), *beside]
    # Controls and banks of something else may hold nothing to judge by.
    if not any(check.failures for check in beside):
        again = Results.fitted(experiment, folder, _joined(grid.tables))
        checks += [check_tables(results, again, sweep, grid.deviations), check_verdicts(again)]
    return _certificate(experiment, checks, seed, sample, results, sweep)


def _check_files(experiment: Experiment, folder: Path) -> Check:
    """Look for all netCDF files, and compare tables and verdicts with the records, if any."""
    planned = netcdf_files(experiment)
    failures = [
        f"{folder / name}: missing, expected a netCDF file"
        for name in planned
        if not (folder / name).is_file()
    ]
    recorded = RECORDED if any(record_file(folder, name).is_file() for name in RECORDED) else ()
    for command in recorded:
        try:
            recorded_files(folder, command, experiment)
        except MechcoreError as error:
            failures.append(one_line(str(error)))
    files = Check(
        name="files",
        statement="Every file holds what its hash tells, and was made for this configuration",
        compared=len(planned) + len(recorded),
    )
    return _with_failures(files, failures)


def _with_failures(check: Check, failures: list[str]) -> Check:
    return merged(check.name, check.statement, [check.model_copy(update={"failures": failures})])


def _read_beside_the_grid(results: Results) -> None:
    """Read films, controls and banks, which compares them with hashes and configuration."""
    for kind in ("films", "control_runs", "banks"):
        getattr(results, kind)


def _check_grid(results: Results, sample: Sequence[str], sampling: Sampling) -> Grid:
    """Read, measure and, if it is in the sample, simulate each cell again."""
    damaged, reruns, tables, deviations = [], [], [], []
    for name, cell in results.cells.items():
        try:
            dataset = read_trajectories(results.folder / TRAJECTORIES / f"{name}.nc", cell)
        except MechcoreError as error:
            damaged.append(one_line(str(error)))
            continue
        tables.append([measure(dataset) for measure in MEASURES])
        if name in sample and not damaged:
            reruns.append(check_cell(dataset, cell, sampling))
            deviations.append(deviation_of(dataset, cell))
    return Grid(damaged, reruns, tables, pd.DataFrame(deviations, columns=list(DEVIATIONS)))


def _joined(tables: Sequence[Sequence[pd.DataFrame]]) -> Measurements:
    metrics, mechanics, kernels = (
        pd.concat(parts, ignore_index=True) for parts in zip(*tables, strict=True)
    )
    # The kernels of a family and size are the same under all activations.
    return Measurements(metrics, mechanics, kernels.drop_duplicates(KERNEL, ignore_index=True))


def _check_tables_alone(
    experiment: Experiment, folder: Path, extent: Extent, report: Report
) -> Certificate:
    """Check the fits of a few cells: the results are not there."""
    path = folder / REGRESSIONS_FILE
    fits = TABLES["regressions"](path)
    seed = int(file_sha256(path)[:SEED_DIGITS], 16) if extent.seed is None else extent.seed
    sampling = Sampling(extent.cells, np.random.default_rng(seed), report)
    sample, check = check_fits(fits, expand(experiment), sampling)
    return _certificate(experiment, [check], seed, sample)


def _certificate(
    experiment: Experiment,
    checks: list[Check],
    seed: int | None = None,
    cells: Sequence[str] = (),
    results: Results | None = None,
    sweep: str | None = None,
) -> Certificate:
    return Certificate(
        experiment=experiment.experiment,
        sweep=sweep,
        files={} if results is None else results.file_hashes(),
        seed=seed,
        cells=list(cells),
        checks=checks,
        code=current_code([code_fingerprint("simulation")]),
        environment=current_environment(),
    )
