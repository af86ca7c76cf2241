"""All checks of the results of an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from mechcore.analysis.collect import collect
from mechcore.errors import MechcoreError, checked_integer, one_line
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


def verify(
    experiment: Experiment, folder: Path, extent: Extent | None = None, report: Report = str
) -> Certificate:
    """Check the results of a finished experiment."""
    extent = extent or Extent()
    if not folder.is_dir():
        raise MechcoreError(f"{folder}: no such folder, expected that of results")
    try:
        for name in netcdf_files(experiment):
            if not (folder / name).is_file():
                raise MechcoreError(f"{folder / name}: missing, expected a netCDF file")
        sweep = finished_sweep(experiment, folder)
        results = Results.load(experiment, folder)
        results.read_beside_the_grid()
        identifier = sweep_identifier(results)
        seed = int(identifier, 16) if extent.seed is None else extent.seed
        generator = np.random.default_rng(seed)
        cells = Sampling(extent.cells, generator, report)
        simulations = Sampling(extent.simulations, generator, report)
        sample, reruns = cells.draw(list(results.cells)), []

        def read(path: Path, cell: Cell) -> xr.Dataset:
            dataset = read_trajectories(path, cell)
            if cell.id in sample:
                reruns.append(check_cell(dataset, cell, simulations))
            return dataset

        measured = collect(results.cells, folder / TRAJECTORIES, read=read)
        again = Results.fitted(experiment, folder, measured)
    except MechcoreError as error:
        # Whatever would be computed from these files is not worth a look.
        return _certificate(experiment, [_files(experiment, [one_line(str(error))])])
    statement = "The reference engine gives the same record at every layer"
    beside = [check_controls(results, cells), check_films(results, simulations)]
    if experiment.filter_banks:
        beside.append(check_banks(results, simulations))
    checks = [_files(experiment, []), merged("simulations", statement, reruns), *beside]
    # Controls and banks of something else may hold nothing to judge by.
    if not any(check.failures for check in beside):
        checks += [check_tables(results, again, sweep, identifier), check_verdicts(again)]
    if experiment.published:
        checks.append(check_reproduction(results, Path(experiment.published), cells))
    return _certificate(experiment, checks, seed, sample, identifier, results.file_hashes())


def verify_archive(path: Path, extent: Extent | None = None, report: Report = str) -> Certificate:
    """Check a finished experiment that somebody packed."""
    with opened(path) as contents:
        finished_files(contents.experiment, contents.results, contents.page)
        finished_sweep(contents.experiment, contents.results)
        return verify(contents.experiment, contents.results, extent, report)


def _files(experiment: Experiment, failures: list[str]) -> Check:
    return Check(
        name="files",
        statement="Every file has the content of its hash, and was made for this configuration",
        compared=len(netcdf_files(experiment)) + len(table_files(experiment)),
        failures=failures,
    )


def _certificate(
    experiment: Experiment,
    checks: list[Check],
    seed: int | None = None,
    cells: Sequence[str] = (),
    sweep: str | None = None,
    files: dict[str, str] | None = None,
) -> Certificate:
    return Certificate(
        experiment=experiment.experiment,
        sweep=sweep,
        files=files or {},
        seed=seed,
        cells=list(cells),
        checks=checks,
        code=current_code([code_fingerprint("simulation")]),
        environment=current_environment(),
    )
