"""All checks of an experiment: of its results, or of the tables beside a report alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mechcore.config import Experiment
from mechcore.errors import MechcoreError, checked_integer
from mechcore.evidence import TABLES, Evidence
from mechcore.fingerprint import code_fingerprint
from mechcore.grid import expand
from mechcore.made_by import file_sha256
from mechcore.provenance import current_code, current_environment
from mechcore.sweeps import SWEEP_FILE, sweep_identifier
from mechcore.verdicts import CONTROLS_FILE
from mechcore.verification.banks import check_banks
from mechcore.verification.certificate import Certificate, Check, merged
from mechcore.verification.companions import check_controls, check_films
from mechcore.verification.files import check_files
from mechcore.verification.fits import check_fits
from mechcore.verification.sampling import Sampling, Tell
from mechcore.verification.simulations import check_simulations
from mechcore.verification.tables import check_cells_table, check_deviations, check_tables
from mechcore.verification.verdicts import check_verdicts

REGRESSIONS = "regressions.csv"

OF_RESULTS = ("trajectories", CONTROLS_FILE, SWEEP_FILE)
"""Any of these tells a folder of results, of which much may be missing, from one of a report."""

SEED_DIGITS = 12
"""Hexadecimal digits of a hash that chance starts from: as many as a sweep has."""


@dataclass(frozen=True)
class Extent:
    """How much is computed again.

    Parameters
    ----------
    cells : int or None
        How many cells, drawn by chance; None for all.
    simulations : int or None
        How many simulations of each, likewise.
    seed : int or None
        Of chance. By default it follows from the results, so that nobody chooses the sample.
    """

    cells: int | None = 8
    simulations: int | None = 4
    seed: int | None = None

    def __post_init__(self) -> None:
        for key in ("cells", "simulations"):
            if getattr(self, key) is not None:
                checked_integer(key, getattr(self, key), 1, 10**9)
        if self.seed is not None:
            checked_integer("seed", self.seed, 0, 2**63)


def verify(
    experiment: Experiment, results: Path, extent: Extent | None = None, tell: Tell = str
) -> Certificate:
    """Check the results of a finished experiment.

    Parameters
    ----------
    experiment : Experiment
        What was planned.
    results : Path
        Folder of its results; or of the tables beside a report, whose results are elsewhere.
    extent : Extent, optional
        How much is computed again.
    tell : callable, optional
        Gets a line for each cell that was.

    Returns
    -------
    Certificate
        Of results: every file has the content that its hash tells; simulations of the sample,
        controls, films and kernels of banks equal those of the reference engine, and the analyses
        of banks follow from their weights; tables and verdicts follow from the files. Of tables
        alone: fits to whole cells follow from the reference engine.

    Raises
    ------
    MechcoreError
        If the folder or a table is missing, or holds something else.
    """
    extent = extent or Extent()
    if not results.is_dir():
        raise MechcoreError(f"{results}: no such folder, expected that of results")
    if not any((results / name).exists() for name in OF_RESULTS):
        return _tables_alone(experiment, results, extent, tell)
    files = check_files(experiment, results)
    if files.failures:
        # Whatever was computed from them is not worth a look.
        return _certificate(experiment, None, [], [files])
    return _whole_results(Evidence.load(experiment, results), files, extent, tell)


def _whole_results(evidence: Evidence, files: Check, extent: Extent, tell: Tell) -> Certificate:
    """Check results whose files hold what their hashes tell."""
    experiment, results = evidence.experiment, evidence.results
    sweep = sweep_identifier(evidence)
    seed = int(sweep, 16) if extent.seed is None else extent.seed
    chance = np.random.default_rng(seed)
    cells = Sampling(extent.cells, chance, tell)
    simulations = Sampling(extent.simulations, chance, tell)
    names = cells.of(list(evidence.cells))
    sample = {name: evidence.cells[name] for name in names}
    grid = check_simulations(sample, results, simulations)
    beside = _check_companions(experiment, results, cells, simulations)
    checks = [files, grid, *beside]
    if not any(check.failures for check in beside):
        # Claims cannot be judged by companions that are of something else.
        checks += _check_what_follows(evidence, sweep, names)
    return _certificate(experiment, seed, names, checks, evidence, sweep)


def _check_companions(
    experiment: Experiment, results: Path, cells: Sampling, simulations: Sampling
) -> list[Check]:
    """Check what runs beside the grid, with as many controls as there are cells in the sample."""
    checks = [
        check_controls(experiment, results, cells),
        check_films(experiment, results, simulations),
    ]
    if experiment.filter_banks:
        checks.append(check_banks(experiment, results, simulations))
    return checks


def _check_what_follows(evidence: Evidence, sweep: str, sample: list[str]) -> list[Check]:
    """Check tables and verdicts."""
    again = Evidence.measured(evidence.experiment, evidence.results, kept=False)
    follow = check_tables(evidence, again)
    others = [check_cells_table(evidence, sweep), check_deviations(evidence, sample)]
    tables = merged(follow.name, follow.statement, [follow, *others])
    return [tables, check_verdicts(again)]


def _tables_alone(experiment: Experiment, results: Path, extent: Extent, tell: Tell) -> Certificate:
    """Check the fits of a few cells: the results are not there."""
    table = results / REGRESSIONS
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
    evidence: Evidence | None = None,
    sweep: str | None = None,
) -> Certificate:
    return Certificate(
        experiment=experiment.experiment,
        sweep=sweep,
        files={} if evidence is None else evidence.file_hashes(),
        seed=seed,
        cells=cells,
        checks=checks,
        code=current_code([code_fingerprint("mechcore.simulation")]),
        environment=current_environment(),
    )
