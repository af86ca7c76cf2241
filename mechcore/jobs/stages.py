"""The stages after the cells: commands that write tables or the page, and a record of each.

A table or a page cannot state how it was made, as a netCDF file does; the record beside it does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator

from mechcore.errors import InvalidValue, MechcoreError
from mechcore.experiment.config import Experiment
from mechcore.experiment.paths import (
    CELLS_FILE,
    CERTIFICATE_FILE,
    CLAIMS_FILE,
    DEVIATIONS_FILE,
    KERNELS_FILE,
    MECHANICS_FILE,
    METRICS_FILE,
    MODELS_FILE,
    PAGE_FILE,
    POOLED_FILE,
    PROVENANCE,
    REGRESSIONS_FILE,
    SWEEP_FILE,
)
from mechcore.io.environment import library_versions
from mechcore.io.fingerprint import code_fingerprint
from mechcore.io.hashes import file_sha256, settings_sha256
from mechcore.io.json_models import Settings, read_settings, validated, write_settings
from mechcore.io.portable_names import is_portable


@dataclass(frozen=True)
class Stage:
    """A command that follows the cells."""

    room: str
    """Where its code is; the fingerprint of this room and those below is its core hash."""
    settings: Callable[[Experiment], dict[str, Any]]
    """Which settings of the experiment it depends on."""
    files: tuple[str, ...]
    """Files that it always writes, in its folder."""


def _grid(experiment: Experiment) -> dict[str, Any]:
    return experiment.without_banks().to_mapping()


def _all(experiment: Experiment) -> dict[str, Any]:
    return experiment.without_tracking().to_mapping()


STAGES: dict[str, Stage] = {
    "collect": Stage("analysis", _grid, (METRICS_FILE, MECHANICS_FILE, KERNELS_FILE)),
    "deviations": Stage("verification", _grid, (DEVIATIONS_FILE,)),
    "regress": Stage("analysis", lambda _: {}, (REGRESSIONS_FILE, MODELS_FILE, POOLED_FILE)),
    "judge": Stage("claims", _all, (CLAIMS_FILE,)),
    "summarise": Stage("results", _all, (SWEEP_FILE, CELLS_FILE)),
    "verify": Stage("verification", _all, (CERTIFICATE_FILE,)),
    "report": Stage("report", _all, (PAGE_FILE, "README.md")),
}
"""The stages by command, in their order. The last one writes beside the page, all others among
the results."""


class Record(Settings):
    """How the files of a command were made."""

    command: str
    """Key of `STAGES`."""
    core_hash: str = Field(pattern=r"^[0-9a-f]{16}$")
    """Fingerprint of the code that computed them."""
    config_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    library_versions: dict[str, str]
    """Python, this package, its libraries."""
    files: dict[str, str]
    """SHA-256 by path, relative to the folder above that of the record."""

    @field_validator("files")
    @classmethod
    def _lie_below(cls, value: dict[str, str]) -> dict[str, str]:
        # A record may come from anywhere, and what it names is opened.
        for name in value:
            if not is_portable(name):
                raise InvalidValue("files", name, "a path below the folder above the record")
        return value


def core_hash(command: str) -> str:
    """Return the fingerprint of the code of a command."""
    return code_fingerprint(STAGES[command].room)


def record_file(folder: Path, command: str) -> Path:
    """Return the path of the record of a command, whose files are in a folder."""
    return folder / PROVENANCE / f"{command}.json"


def write_record(
    path: Path | None,
    command: str,
    experiment: Experiment | None,
    files: Iterable[Path],
) -> None:
    """Write the record of a command that has written its files; it may know tables alone."""
    if path is None:
        return
    settings = STAGES[command].settings(experiment) if experiment else {}
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
    """Return the files of a command, if they are as it wrote them for this experiment."""
    stage, path = STAGES[command], record_file(folder, command)
    for name in stage.files:
        _check_there(folder / name, command)
    record = read_settings(Record, path, f"mechcore {command}")
    if record.config_sha256 != settings_sha256(stage.settings(experiment)):
        raise MechcoreError(f"{path}: made with other settings than {experiment.experiment} has")
    for name in dict.fromkeys([*stage.files, *record.files]):
        _check_there(folder / name, command)
        if file_sha256(folder / name) != record.files.get(name):
            raise MechcoreError(f"{folder / name}: not as mechcore {command} wrote it")
    return [*(folder / name for name in record.files), path]


def _check_there(path: Path, command: str) -> None:
    if not path.is_file():
        raise MechcoreError(f"{path}: missing, expected what mechcore {command} writes")
