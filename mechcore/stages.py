"""What follows the cells: the commands that write tables and the page, and their records.

A table or a page cannot say how it was made, as a netCDF file does: its command writes a record.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from mechcore.config import Experiment
from mechcore.errors import InvalidValue, MechcoreError
from mechcore.fingerprint import code_fingerprint
from mechcore.made_by import file_sha256, settings_sha256
from mechcore.portable_names import is_portable
from mechcore.provenance import library_versions
from mechcore.settings import Settings, read_settings, validated, write_settings

RECORDS = "provenance"
"""Folder of the records, among the results and beside the page."""


@dataclass(frozen=True)
class Stage:
    """A command that follows the cells.

    Parameters
    ----------
    modules : tuple of str
        Full names of the modules that compute it; their fingerprint is its core hash.
    settings : callable
        Experiment to what of it the job is told.
    files : tuple of str
        Files that it always writes, in its folder.
    """

    modules: tuple[str, ...]
    settings: Callable[[Experiment], dict[str, Any]]
    files: tuple[str, ...]


def _grid(experiment: Experiment) -> dict[str, Any]:
    return experiment.without_banks().to_mapping()


def _all(experiment: Experiment) -> dict[str, Any]:
    return experiment.without_tracking().to_mapping()


STAGES: dict[str, Stage] = {
    "collect": Stage(
        ("mechcore.measured",), _grid, ("metrics.csv", "mechanics.csv", "kernels.csv")
    ),
    "deviations": Stage(("mechcore.deviations",), _grid, ("deviations.csv",)),
    "regress": Stage(
        ("mechcore.regressions", "mechcore.models", "mechcore.pooled"),
        lambda experiment: {"boundary": experiment.boundary},
        ("regressions.csv", "models.csv", "pooled.csv"),
    ),
    "judge": Stage(("mechcore.claims",), _all, ("claims.json",)),
    "summarise": Stage(("mechcore.sweeps",), _all, ("sweep.json", "cells.csv")),
    "verify": Stage(("mechcore.verification.experiment",), _all, ("certificate.json",)),
    "report": Stage(("mechcore.report",), _all, ("index.html", "README.md")),
}
"""The commands in their order; the last one writes beside the page, all others among the
results."""


class Record(Settings):
    """How the files of a command were made.

    Parameters
    ----------
    command : str
        Key of `STAGES`.
    core_hash : str
        Fingerprint of the code that computed them.
    config_sha256 : str
        Hash of the settings that the command was told, see `mechcore.made_by.settings_sha256`.
    library_versions : dict of str to str
        Python, this package, its libraries.
    files : dict of str to str
        SHA-256 by path, as seen from the folder above that of the record.
    """

    command: str
    core_hash: str = Field(pattern=r"^[0-9a-f]{16}$")
    config_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    library_versions: dict[str, str]
    files: dict[str, str]

    @field_validator("files")
    @classmethod
    def _lie_below(cls, value: dict[str, str]) -> dict[str, str]:
        # A record may come from anywhere, and what it names is opened.
        for name in value:
            if not is_portable(name):
                raise InvalidValue("files", name, "a path below the folder above the record")
        return value


def core_hash(command: str) -> str:
    """Return the fingerprint of the code of a command.

    Parameters
    ----------
    command : str
        Key of `STAGES`.

    Returns
    -------
    str
        16 hexadecimal digits.

    Examples
    --------
    >>> core_hash("collect") == code_fingerprint("mechcore.measured")
    True
    """
    return code_fingerprint(*STAGES[command].modules)


def record_file(folder: Path, command: str) -> Path:
    """Return where the record of a command lies.

    Parameters
    ----------
    folder : Path
        Folder of the results, or of the page.
    command : str
        Key of `STAGES`.

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> record_file(Path("results/default"), "collect").as_posix()
    'results/default/provenance/collect.json'
    """
    return folder / RECORDS / f"{command}.json"


def write_record(
    path: Path | None,
    command: str,
    told: Experiment | Mapping[str, object],
    files: Iterable[Path],
) -> None:
    """Write the record of a command that is done.

    Parameters
    ----------
    path : Path or None
        The file; None to write nothing.
    command : str
        Key of `STAGES`.
    told : Experiment or mapping
        What the command was told: all that it needs of an experiment, or its settings.
    files : iterable of Path
        What it wrote.

    Raises
    ------
    MechcoreError
        If a file is not below the folder above the record, or the folder cannot be written.
    """
    if path is None:
        return
    settings = STAGES[command].settings(told) if isinstance(told, Experiment) else told
    values = {
        "command": command,
        "core_hash": core_hash(command),
        "config_sha256": settings_sha256(settings),
        "library_versions": library_versions(),
        "files": {
            Path(os.path.relpath(file, path.absolute().parents[1])).as_posix(): file_sha256(file)
            for file in sorted(files)
        },
    }
    write_settings(validated(Record, values, str(path)), path)


def recorded_files(folder: Path, command: str, experiment: Experiment) -> list[Path]:
    """Return the files of a command, if they are as it wrote them for this experiment.

    Parameters
    ----------
    folder : Path
        Folder of the results, or of the page.
    command : str
        Key of `STAGES`.
    experiment : Experiment
        What was planned.

    Returns
    -------
    list of Path
        The files, and the record at the end.

    Raises
    ------
    MechcoreError
        If a file is missing, is not as it was written, or was made with other settings.
    """
    stage, path = STAGES[command], record_file(folder, command)
    for name in stage.files:
        _check_there(folder / name, command)
    found = read_settings(Record, path, f"mechcore {command}")
    if found.config_sha256 != settings_sha256(stage.settings(experiment)):
        raise MechcoreError(f"{path}: made with other settings than {experiment.experiment} has")
    for name in dict.fromkeys([*stage.files, *found.files]):
        _check_there(folder / name, command)
        if file_sha256(folder / name) != found.files.get(name):
            raise MechcoreError(f"{folder / name}: not as mechcore {command} wrote it")
    return [*(folder / name for name in found.files), path]


def _check_there(path: Path, command: str) -> None:
    if not path.is_file():
        raise MechcoreError(f"{path}: missing, expected what mechcore {command} writes")
