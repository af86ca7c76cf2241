"""The files of a finished experiment that an archive holds."""

from __future__ import annotations

from pathlib import Path

from mechcore.errors import MechcoreError
from mechcore.experiment.config import Experiment
from mechcore.experiment.input_files import input_paths
from mechcore.experiment.paths import (
    CELLS_FILE,
    CERTIFICATE_FILE,
    PAGE_FILE,
    REPORTS,
    RESULTS,
    SWEEP_FILE,
    TRAJECTORIES,
)
from mechcore.io.environment import LOCK, project_file
from mechcore.io.hashes import file_sha256
from mechcore.io.portable_names import is_portable
from mechcore.results.results import Results, netcdf_files, table_files
from mechcore.results.sweep import Sweep, check_describes, finished_sweep
from mechcore.simulation.reading import read_trajectories

OF_PROJECT = ("CITATION.cff", "LICENSE")
"""Files of the project that go with every archive, where the package is a checkout."""


def finished_files(experiment: Experiment, folder: Path, page: Path) -> dict[str, Path]:
    """Return results and report by their names in an archive; none of them is read."""
    if page.name != PAGE_FILE:
        raise MechcoreError(f"{page}: expected the page of mechcore report, {PAGE_FILE}")
    tables = (*table_files(experiment), SWEEP_FILE, CELLS_FILE, CERTIFICATE_FILE)
    results = [folder / name for name in (*netcdf_files(experiment), *tables)]
    for path in (*results, page):
        if not path.is_file():
            raise MechcoreError(f"{path}: missing, expected all files of a finished experiment")
    # Hidden files are the drafts of commands that were killed.
    report = [path for path in page.parent.rglob("[!.]*") if path.is_file()]
    name = experiment.experiment
    return {
        f"{kind}/{name}/{path.relative_to(base).as_posix()}": path
        for kind, base, paths in ((RESULTS, folder, results), (REPORTS, page.parent, report))
        for path in paths
    }


def sound_sweep(experiment: Experiment, folder: Path) -> Sweep:
    """Read all files of an experiment, and the sweep that describes them."""
    sweep = finished_sweep(experiment, folder)
    results = Results.load(experiment, folder)
    for name, cell in results.cells.items():
        read_trajectories(folder / TRAJECTORIES / f"{name}.nc", cell)
    results.read_beside_the_grid()
    check_describes(sweep, results)
    return sweep


def input_files(experiment: Experiment) -> dict[str, Path]:
    """Return the files that a configuration names: weights, and images of patterns."""
    named = [Path(name) for name in input_paths(experiment)]
    for path in named:
        if not is_portable(path.as_posix()):
            raise MechcoreError(
                f"{path}: cannot be packed, expected a path below the folder that mechcore runs in"
            )
    return {path.as_posix(): path for path in named}


def project_files(sweep: Sweep) -> dict[str, Path]:
    """Return the files of the project that go with an archive."""
    lock = project_file(LOCK)
    same = lock is not None and file_sha256(lock) == sweep.environment.lock_sha256
    names = (*OF_PROJECT, LOCK) if same else OF_PROJECT
    files = {name: project_file(name) for name in names}
    return {name: path for name, path in files.items() if path is not None}
