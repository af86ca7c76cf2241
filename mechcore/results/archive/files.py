"""The files of a finished experiment that an archive holds."""

from __future__ import annotations

from pathlib import Path

from mechcore.errors import MechcoreError
from mechcore.experiment.config import Experiment
from mechcore.experiment.input_files import input_paths
from mechcore.experiment.paths import REPORTS, RESULTS, SWEEP_FILE, TRAJECTORIES
from mechcore.io.environment import LOCK, project_file
from mechcore.io.hashes import file_sha256
from mechcore.io.portable_names import is_portable
from mechcore.jobs.stages import STAGES, recorded_files
from mechcore.results.results import Results, netcdf_files
from mechcore.results.sweep import Sweep, finished_sweep, sweep_identifier
from mechcore.simulation.reading import read_trajectories

OF_PROJECT = ("CITATION.cff", "LICENSE")
"""Files of the project that go with every archive, where the package is a checkout."""


def finished_files(experiment: Experiment, folder: Path, page: Path) -> dict[str, Path]:
    """Return results and report by their names in an archive: all are there, as they were written.

    The content of netCDF files is not read.
    """
    simulated = [folder / name for name in netcdf_files(experiment)]
    for path in simulated:
        if not path.is_file():
            raise MechcoreError(f"{path}: missing, expected all files of a finished experiment")
    tables = [
        path
        for command in STAGES
        if command != "report"
        for path in recorded_files(folder, command, experiment)
    ]
    report = recorded_files(page.parent, "report", experiment)
    if page not in report:
        raise MechcoreError(f"{page}: not the page that mechcore report wrote")
    name = experiment.experiment
    return {
        f"{kind}/{name}/{path.relative_to(base).as_posix()}": path
        for kind, base, paths in (
            (RESULTS, folder, [*simulated, *tables]),
            (REPORTS, page.parent, report),
        )
        for path in paths
    }


def sound_sweep(experiment: Experiment, folder: Path) -> Sweep:
    """Read all netCDF files of an experiment, and the sweep that describes them."""
    results = Results.load(experiment, folder)
    for name, cell in results.cells.items():
        read_trajectories(folder / TRAJECTORIES / f"{name}.nc", cell)
    for kind in ("films", "control_runs", "banks"):
        getattr(results, kind)
    sweep = finished_sweep(experiment, folder)
    if sweep.identifier != sweep_identifier(results):
        raise MechcoreError(
            f"{folder / SWEEP_FILE}: describes other results; mechcore summarise writes it anew"
        )
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
