"""What an archive holds of an experiment, which must be finished and sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mechcore.errors import MechcoreError
from mechcore.experiment.config import Experiment
from mechcore.experiment.input_files import input_paths
from mechcore.io.environment import LOCK, project_file
from mechcore.io.hashes import file_sha256
from mechcore.io.netcdf import read_attributes
from mechcore.io.portable_names import is_portable
from mechcore.jobs.stages import STAGES, recorded_files
from mechcore.results.expected_files import expected_files
from mechcore.results.results import Results
from mechcore.results.sweep import Sweep, finished_sweep
from mechcore.simulation.reading import read_trajectories

OF_PROJECT = ("CITATION.cff", "LICENSE")
"""Files of the project that go with every archive, where the package is a checkout."""


@dataclass(frozen=True)
class FinishedExperiment:
    """A finished experiment."""

    experiment: Experiment
    """Its configuration."""
    sweep: Sweep
    """What made it, and when."""
    inputs: Mapping[str, Path]
    """Files that the configuration names, by name in the archive."""
    files: Mapping[str, Path]
    """Results and report, by name in the archive."""


def finished_experiment(experiment: Experiment, directory: Path, page: Path) -> FinishedExperiment:
    """Return the files of a finished experiment, all of which were read and are sound."""
    found = recorded_experiment(experiment, directory, page)
    results = Results.load(experiment, directory)
    for name, cell in results.cells.items():
        read_trajectories(directory / "trajectories" / f"{name}.nc", cell)
    # Each of them reads and checks its files.
    for kind in ("films", "controls", "banks"):
        getattr(results, kind)
    check_hashes(found.sweep, directory)
    return found


def recorded_experiment(experiment: Experiment, directory: Path, page: Path) -> FinishedExperiment:
    """Return the files of a finished experiment, whose netCDF files were not read yet."""
    name, inputs = experiment.experiment, input_files(experiment)
    simulated = _simulated(experiment, directory)
    tables = [
        path
        for command in STAGES
        if command != "report"
        for path in recorded_files(directory, command, experiment)
    ]
    written = recorded_files(page.parent, "report", experiment)
    if page not in written:
        raise MechcoreError(f"{page}: not the page that mechcore report wrote")
    made = _below(f"results/{name}", directory, [*simulated, *tables])
    made |= _below(f"reports/{name}", page.parent, written)
    return FinishedExperiment(experiment, finished_sweep(experiment, directory), inputs, made)


def check_hashes(sweep: Sweep, directory: Path) -> None:
    """Refuse results that are not those that a sweep tells of."""
    cells = {f"trajectories/{name}.nc": one.content_sha256 for name, one in sweep.records.items()}
    for name, told in (cells | sweep.banks).items():
        if read_attributes(directory / name)["content_sha256"] != told:
            raise MechcoreError(f"{directory / name}: another file than mechcore summarise saw")


def input_files(experiment: Experiment) -> dict[str, Path]:
    """Return the files that a configuration names: weights, and images of patterns."""
    named = input_paths(experiment)
    for given in named:
        if not is_portable(Path(given).as_posix()):
            raise MechcoreError(
                f"{given}: cannot be packed, expected a path below the folder that mechcore runs in"
            )
    return {Path(given).as_posix(): Path(given) for given in named}


def project_files(sweep: Sweep) -> dict[str, Path]:
    """Return what of the project goes with an archive."""
    lock = project_file(LOCK)
    same = lock is not None and file_sha256(lock) == sweep.environment.lock_sha256
    names = (*OF_PROJECT, LOCK) if same else OF_PROJECT
    found = {name: project_file(name) for name in names}
    return {name: path for name, path in found.items() if path is not None}


def _simulated(experiment: Experiment, directory: Path) -> list[Path]:
    """The netCDF files, if all are there."""
    paths = [directory / one.path for one in expected_files(experiment)]
    for path in paths:
        if not path.is_file():
            raise MechcoreError(f"{path}: missing, expected all files of a finished experiment")
    return paths


def _below(name: str, folder: Path, paths: list[Path]) -> dict[str, Path]:
    return {f"{name}/{path.relative_to(folder).as_posix()}": path for path in paths}
