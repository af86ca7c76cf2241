"""All checks of an experiment: of its results, or of the tables beside a report alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mechcore.errors import MechcoreError, checked_integer
from mechcore.experiment.config import Experiment
from mechcore.experiment.grid import expand
from mechcore.experiment.paths import CONTROLS_FILE, REGRESSIONS_FILE, SWEEP_FILE, TRAJECTORIES
from mechcore.io.environment import current_code, current_environment
from mechcore.io.fingerprint import code_fingerprint
from mechcore.io.hashes import file_sha256
from mechcore.results.results import TABLES, Results
from mechcore.results.sweep import sweep_identifier
from mechcore.verification.banks import check_banks
from mechcore.verification.certificate import Certificate, Check, merged
from mechcore.verification.companions import check_controls, check_films
from mechcore.verification.files import check_files
from mechcore.verification.fits import check_fits
from mechcore.verification.sampling import Sampling, Tell
from mechcore.verification.simulations import check_simulations
from mechcore.verification.tables import check_cells_table, check_deviations, check_tables
from mechcore.verification.verdicts import check_verdicts

OF_RESULTS = (TRAJECTORIES, CONTROLS_FILE, SWEEP_FILE)
"""Any of these tells a folder of results, of which much may be missing, from one of a report."""

SEED_DIGITS = 12
"""Hexadecimal digits of a hash that chance starts from: as many as a sweep has."""


@dataclass(frozen=True)
class Extent:
    """How much is computed again."""

    cells: int | None = 8
    """How many cells, drawn by chance; None for all."""
    simulations: int | None = 4
    """How many simulations of each, likewise."""
    seed: int | None = None
    """Of chance. By default it follows from the results, so that nobody chooses the sample."""

    def __post_init__(self) -> None:
        for key in ("cells", "simulations"):
            if getattr(self, key) is not None:
                checked_integer(key, getattr(self, key), 1, 10**9)
        if self.seed is not None:
            checked_integer("seed", self.seed, 0, 2**63)


def verify(
    experiment: Experiment, directory: Path, extent: Extent | None = None, tell: Tell = str
) -> Certificate:
    """Check the results of a finished experiment."""
    extent = extent or Extent()
    if not directory.is_dir():
        raise MechcoreError(f"{directory}: no such folder, expected that of results")
    if not any((directory / name).exists() for name in OF_RESULTS):
        return _tables_alone(experiment, directory, extent, tell)
    files = check_files(experiment, directory)
    if files.failures:
        # Whatever was computed from them is not worth a look.
        return _certificate(experiment, None, [], [files])
    return _whole_results(Results.load(experiment, directory), files, extent, tell)


def _whole_results(results: Results, files: Check, extent: Extent, tell: Tell) -> Certificate:
    """Check results whose files hold what their hashes tell."""
    experiment, directory = results.experiment, results.folder
    sweep = sweep_identifier(results)
    seed = int(sweep, 16) if extent.seed is None else extent.seed
    chance = np.random.default_rng(seed)
    cells = Sampling(extent.cells, chance, tell)
    simulations = Sampling(extent.simulations, chance, tell)
    names = cells.of(list(results.cells))
    sample = {name: results.cells[name] for name in names}
    grid = check_simulations(sample, directory, simulations)
    beside = _check_companions(experiment, directory, cells, simulations)
    checks = [files, grid, *beside]
    if not any(check.failures for check in beside):
        # Claims cannot be judged by companions that are of something else.
        checks += _check_what_follows(results, sweep, names)
    return _certificate(experiment, seed, names, checks, results, sweep)


def _check_companions(
    experiment: Experiment, directory: Path, cells: Sampling, simulations: Sampling
) -> list[Check]:
    """Check what runs beside the grid, with as many controls as there are cells in the sample."""
    checks = [
        check_controls(experiment, directory, cells),
        check_films(experiment, directory, simulations),
    ]
    if experiment.filter_banks:
        checks.append(check_banks(experiment, directory, simulations))
    return checks


def _check_what_follows(results: Results, sweep: str, sample: list[str]) -> list[Check]:
    """Check tables and verdicts."""
    again = Results.measured(results.experiment, results.folder, kept=False)
    follow = check_tables(results, again)
    others = [check_cells_table(results, sweep), check_deviations(results, sample)]
    tables = merged(follow.name, follow.statement, [follow, *others])
    return [tables, check_verdicts(again)]


def _tables_alone(
    experiment: Experiment, directory: Path, extent: Extent, tell: Tell
) -> Certificate:
    """Check the fits of a few cells: the results are not there."""
    table = directory / REGRESSIONS_FILE
    fits = TABLES["regressions"](table)
    seed = int(file_sha256(table)[:SEED_DIGITS], 16) if extent.seed is None else extent.seed
    sampling = Sampling(extent.cells, np.random.default_rng(seed), tell)
    names, check = check_fits(fits, expand(experiment), sampling)
    return _certificate(experiment, seed, names, [check])


def _certificate(
    experiment: Experiment,
    seed: int | None,
    cells: list[str],
    checks: list[Check],
    results: Results | None = None,
    sweep: str | None = None,
) -> Certificate:
    return Certificate(
        experiment=experiment.experiment,
        sweep=sweep,
        files={} if results is None else results.file_hashes(),
        seed=seed,
        cells=cells,
        checks=checks,
        code=current_code([code_fingerprint("simulation")]),
        environment=current_environment(),
    )
