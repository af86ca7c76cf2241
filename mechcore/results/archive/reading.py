"""Opens an archive that comes from anywhere, packed or unpacked."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote

from mechcore.errors import MechcoreError, one_line, shown
from mechcore.experiment.config import Experiment, load_experiment
from mechcore.experiment.extensions import EXTENSIONS
from mechcore.experiment.input_files import input_paths
from mechcore.experiment.paths import PAGE_FILE, REPORTS, RESULTS
from mechcore.io.hashes import file_sha256
from mechcore.io.portable_names import is_portable
from mechcore.io.reading import regular_file, regular_text
from mechcore.io.yaml_files import read_yaml

METADATA = "ro-crate-metadata.json"
"""The description of an RO-Crate, at its root."""

VERSION = "1.1"
"""Of RO-Crate. Readers of other versions find the files in the same way."""

EXPERIMENT = "experiment.yaml"
"""The configuration with all its defaults."""

MOST_FILES = 100_000
"""Of an archive: ten times what a grid of ten thousand cells has."""

MOST_EXPANSION = 100
"""An archive does not unpack to more than so many times its size: tables shrink to a tenth, and
nearly all else is stored as it is. One that a program made to fill a disk promises a thousand."""


@dataclass(frozen=True)
class Contents:
    """An archive while it is open."""

    experiment: Experiment
    """The configuration. The files that it names are found from the working folder, which is that
    of the archive."""
    folder: Path
    """The unpacked archive."""
    results: Path
    """Folder of the results of the experiment, as seen from there."""
    page: Path
    """The page of its report, likewise."""


@contextmanager
def opened(path: str | Path, *, runs_extensions: bool = False) -> Iterator[Contents]:
    """Unpack an archive of `mechcore pack` into a temporary folder, and work there.

    An archive that is unpacked already is a folder, which is used as it is. Code of its own runs
    only if the caller says so.
    """
    path = Path(path)
    with ExitStack() as stack:
        if path.is_dir():
            folder = path.resolve()
        else:
            # Some systems reach their temporary folder by a link.
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="mechcore-"))).resolve()
            _unpack(path, folder)
        stack.enter_context(chdir(folder))
        try:
            yield _contents(folder, runs_extensions=runs_extensions)
        except MechcoreError as error:
            raise MechcoreError(f"{path}: {one_line(str(error))}") from None


def _unpack(path: Path, folder: Path) -> None:
    try:
        with regular_file(path) as stream, zipfile.ZipFile(stream) as archive:
            _check_members(path, archive.infolist())
            archive.extractall(folder)
    except FileNotFoundError as error:
        raise MechcoreError(f"{path}: missing, expected what mechcore pack writes") from error
    except MechcoreError:
        raise
    # What Python raises for a damaged archive, and for a disk that is full.
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise MechcoreError(f"{path}: cannot be unpacked ({one_line(str(error))})") from error


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Refuse names outside of the archive, and what would fill the disk."""
    for member in members:
        if not is_portable(member.filename.removesuffix("/")):
            raise MechcoreError(f"{path}: {shown(member.filename)} is no name below the archive")
    size = sum(member.file_size for member in members)
    if len(members) > MOST_FILES or size > MOST_EXPANSION * path.stat().st_size:
        raise MechcoreError(
            f"{path}: {len(members)} files of {size} bytes, expected at most {MOST_FILES} files, "
            f"and {MOST_EXPANSION} times the size of the archive"
        )


def _contents(folder: Path, *, runs_extensions: bool) -> Contents:
    """Look at all files of an unpacked archive, which is the working folder."""
    hashes = _listed_hashes()
    for name, sha256 in hashes.items():
        if not is_portable(name) or not Path(name).is_file():
            raise MechcoreError(f"{shown(name)}: listed in {METADATA}, but missing")
        if file_sha256(name) != sha256:
            raise MechcoreError(f"{shown(name)}: not the file that {METADATA} lists")
    for kind in (RESULTS, REPORTS):
        for path in sorted(Path(kind).rglob("*")):
            if path.is_file() and path.as_posix() not in hashes:
                raise MechcoreError(f"{shown(path.as_posix())}: not listed in {METADATA}")
    if EXPERIMENT not in hashes:
        raise MechcoreError(f"{EXPERIMENT}: missing")
    if not runs_extensions:
        _refuse_extensions(read_yaml(Path(EXPERIMENT)))
    experiment = load_experiment(EXPERIMENT)
    for name in input_paths(experiment):
        if Path(name).as_posix() not in hashes:
            raise MechcoreError(f"{shown(name)}: named by the configuration, not in the archive")
    name = experiment.experiment
    return Contents(experiment, folder, Path(RESULTS, name), Path(REPORTS, name, PAGE_FILE))


def _refuse_extensions(values: object) -> None:
    """Refuse an archive whose code would run."""
    if isinstance(values, Mapping) and values.get(EXTENSIONS):
        raise MechcoreError(
            f"{EXPERIMENT}: names extensions, which are code; read them, and if you trust them add "
            "--run-extensions"
        )


def _listed_hashes() -> dict[str, str]:
    """SHA-256 of the files that the description lists."""
    try:
        graph = json.loads(regular_text(Path(METADATA)))["@graph"]
        files = [entity for entity in graph if entity["@type"] == "File"]
        return {unquote(entity["@id"]): str(entity["sha256"]) for entity in files}
    except OSError as error:
        raise MechcoreError(f"{METADATA}: missing: not an RO-Crate") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MechcoreError(f"{METADATA}: not the description of an RO-Crate") from error
