"""What an archive holds of an experiment, which must be finished and sound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mechcore.config import Experiment
from mechcore.errors import MechcoreError
from mechcore.evidence import Evidence
from mechcore.integrity import files_of
from mechcore.made_by import file_sha256
from mechcore.named_files import named_files
from mechcore.portable_names import is_portable
from mechcore.provenance import LOCK, project_file
from mechcore.stages import STAGES, recorded_files
from mechcore.storage import read_attributes
from mechcore.sweeps import Sweep, finished_sweep
from mechcore.tables import read_trajectories

OF_PROJECT = ("CITATION.cff", "LICENSE")
"""Files of the project that go with every archive, where the package is a checkout."""


@dataclass(frozen=True)
class FinishedExperiment:
    """A finished experiment.

    Parameters
    ----------
    experiment : Experiment
        Its configuration.
    sweep : Sweep
        What made it, and when.
    inputs : mapping of str to Path
        Files that the configuration names, by name in the archive.
    results : mapping of str to Path
        Results and report, by name in the archive.
    """

    experiment: Experiment
    sweep: Sweep
    inputs: Mapping[str, Path]
    results: Mapping[str, Path]


def finished_experiment(experiment: Experiment, results: Path, page: Path) -> FinishedExperiment:
    """Return the files of a finished experiment, all of which were read and are sound.

    Parameters
    ----------
    experiment : Experiment
        What was planned.
    results : Path
        Folder of its results.
    page : Path
        The page of its report.

    Returns
    -------
    FinishedExperiment
        The experiment.

    Raises
    ------
    MechcoreError
        One line that names the first file that is missing, damaged, or of another configuration.
    """
    found = recorded_experiment(experiment, results, page)
    evidence = Evidence.load(experiment, results)
    for name, cell in evidence.cells.items():
        read_trajectories(results / "trajectories" / f"{name}.nc", cell)
    # Each of them reads and checks its files.
    for kind in ("films", "controls", "banks"):
        getattr(evidence, kind)
    check_hashes(found.sweep, results)
    return found


def recorded_experiment(experiment: Experiment, results: Path, page: Path) -> FinishedExperiment:
    """Return the files of a finished experiment, whose netCDF files were not read yet.

    Parameters
    ----------
    experiment : Experiment
        What was planned.
    results : Path
        Folder of its results.
    page : Path
        The page of its report.

    Returns
    -------
    FinishedExperiment
        The experiment. All files are there; tables and page are as their records tell.

    Raises
    ------
    MechcoreError
        One line that names the first file that is missing, altered, or of another configuration.
    """
    name, inputs = experiment.experiment, input_files(experiment)
    simulated = _simulated(experiment, results)
    tables = [
        path
        for command in STAGES
        if command != "report"
        for path in recorded_files(results, command, experiment)
    ]
    written = recorded_files(page.parent, "report", experiment)
    if page not in written:
        raise MechcoreError(f"{page}: not the page that mechcore report wrote")
    made = _below(f"results/{name}", results, [*simulated, *tables])
    made |= _below(f"reports/{name}", page.parent, written)
    return FinishedExperiment(experiment, finished_sweep(experiment, results), inputs, made)


def check_hashes(sweep: Sweep, results: Path) -> None:
    """Refuse results that are not those that a sweep tells of.

    Parameters
    ----------
    sweep : Sweep
        What was finished.
    results : Path
        Folder of the results, whose files are as their hashes tell.

    Raises
    ------
    MechcoreError
        One line that names the first file with another hash.
    """
    cells = {f"trajectories/{name}.nc": one.content_sha256 for name, one in sweep.records.items()}
    for name, told in (cells | sweep.banks).items():
        if read_attributes(results / name)["content_sha256"] != told:
            raise MechcoreError(f"{results / name}: another file than mechcore summarise saw")


def input_files(experiment: Experiment) -> dict[str, Path]:
    """Return the files that a configuration names: weights, and images of patterns.

    Parameters
    ----------
    experiment : Experiment
        The configuration.

    Returns
    -------
    dict of str to Path
        By name in the archive, which is the path that the configuration gives.

    Raises
    ------
    MechcoreError
        If a path would not lead to the file on another machine.
    """
    named = named_files(experiment)
    for given in named:
        if not is_portable(Path(given).as_posix()):
            raise MechcoreError(
                f"{given}: cannot be packed, expected a path below the folder that mechcore runs in"
            )
    return {Path(given).as_posix(): Path(given) for given in named}


def project_files(sweep: Sweep) -> dict[str, Path]:
    """Return what of the project goes with an archive.

    Parameters
    ----------
    sweep : Sweep
        The run.

    Returns
    -------
    dict of str to Path
        By name in the archive; the lock file only if it is that of the run.
    """
    lock = project_file(LOCK)
    same = lock is not None and file_sha256(lock) == sweep.environment.lock_sha256
    names = (*OF_PROJECT, LOCK) if same else OF_PROJECT
    found = {name: project_file(name) for name in names}
    return {name: path for name, path in found.items() if path is not None}


def _simulated(experiment: Experiment, results: Path) -> list[Path]:
    """The netCDF files, if all are there."""
    paths = [results / one.path for one in files_of(experiment)]
    for path in paths:
        if not path.is_file():
            raise MechcoreError(f"{path}: missing, expected all files of a finished experiment")
    return paths


def _below(name: str, folder: Path, paths: list[Path]) -> dict[str, Path]:
    return {f"{name}/{path.relative_to(folder).as_posix()}": path for path in paths}
