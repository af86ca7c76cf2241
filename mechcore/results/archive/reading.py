"""Opening an archive that comes from anywhere: nothing in it is trusted before it is checked."""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn
from urllib.parse import unquote

import yaml

from mechcore.errors import MechcoreError, shown
from mechcore.experiment.config import LARGEST_FILE, Experiment, load_experiment
from mechcore.io.json_models import parsed_json
from mechcore.io.portable_names import is_portable
from mechcore.model.patterns import PATTERNS
from mechcore.results.archive.names import CHUNK, EXPERIMENT, METADATA, SPECIFICATION
from mechcore.results.sweep import read_sweep

MOST_FILES = 100_000
"""Of an archive: ten times what a grid of ten thousand cells has."""

LARGEST_METADATA = 2**26
"""Bytes of the description, which is read into memory."""

MOST_EXPANSION = 100
"""An archive does not unpack to more than so many times its size: tables shrink to a tenth, and
nearly all else is stored as it is. One that a program made to fill a disk promises a thousand."""

KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

SWEEP = re.compile(r"results/([^/]+)/sweep\.json")

NAMING = {"patterns": ("name",), "filter_banks": ("weights", "untrained")}
"""Where a configuration names files."""

UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
"""What Python raises for a damaged archive."""


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
    files: frozenset[str]
    """Names of all files but the description."""


@dataclass(frozen=True)
class Listed:
    """What the description of an archive says of a file."""

    size: int
    sha256: str


@contextmanager
def opened(path: str | Path) -> Iterator[Contents]:
    """Unpack an archive of `mechcore pack` into a temporary folder, and work there."""
    path = Path(path)
    with TemporaryDirectory(prefix="mechcore-") as temporary:
        # Some systems reach their temporary folder by a link.
        folder = Path(temporary).resolve()
        files = _unpack(path, folder)
        with chdir(folder):
            yield _contents(path, folder, files)


def _unpack(path: Path, folder: Path) -> set[str]:
    """Write all files below a folder, and return their names."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(path, archive)
            listed = _listed(path, archive, members)
            _check_sizes(path, members, listed)
            for name, told in listed.items():
                _extract(path, archive, members[name], folder / name, told)
    except FileNotFoundError as error:
        raise MechcoreError(f"{path}: missing, expected what mechcore pack writes") from error
    except OSError as error:
        raise MechcoreError(f"{path}: cannot be read: {error.strerror or error}") from error
    except MechcoreError:
        raise
    except (*UNREADABLE, ValueError) as error:
        raise MechcoreError(f"{path}: not an archive that can be read ({error})") from error
    return set(listed)


def _refuse(path: Path, name: str, reason: str) -> NoReturn:
    raise MechcoreError(f"{path}: {shown(name)}: {reason}")


def _members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files of an archive, if all have names and kinds that are safe to unpack."""
    infos = archive.infolist()
    if len(infos) > MOST_FILES:
        raise MechcoreError(f"{path}: {len(infos)} files, expected at most {MOST_FILES}")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.orig_filename
        mode = stat.S_IFMT(info.external_attr >> 16)
        if not is_portable(name):
            _refuse(path, name, "not a relative name for every system")
        if mode not in (0, stat.S_IFREG):
            _refuse(path, name, "not a plain file")
        if info.flag_bits & 1 or info.compress_type not in KINDS:
            _refuse(path, name, "encrypted, or compressed in an unknown way")
        if name.casefold() in members:
            _refuse(path, name, "there twice")
        members[name.casefold()] = info
    return {info.filename: info for info in members.values()}


def _listed(
    path: Path, archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]
) -> dict[str, Listed]:
    """The files that the description lists, if they are those of the archive."""
    if METADATA not in members:
        _refuse(path, METADATA, "missing: not an RO-Crate")
    if members[METADATA].file_size > LARGEST_METADATA:
        _refuse(path, METADATA, f"larger than {LARGEST_METADATA} bytes")
    with archive.open(members[METADATA]) as stream:
        text = stream.read(LARGEST_METADATA)
    listed = _entities(path, text)
    others = set(members) - {METADATA}
    for name in sorted(others - set(listed)):
        _refuse(path, name, f"not listed in {METADATA}")
    for name in sorted(set(listed) - others):
        _refuse(path, name, f"listed in {METADATA}, but missing")
    return listed


def _entities(path: Path, text: bytes) -> dict[str, Listed]:
    """The files of a description."""
    found = parsed_json(text.decode("utf-8"), f"{path}: {METADATA}")
    graph = found.get("@graph") if isinstance(found, dict) else None
    entities = [one for one in graph if isinstance(one, dict)] if isinstance(graph, list) else []
    about = [str(one.get("conformsTo")) for one in entities if one.get("@id") == METADATA]
    # Other minor versions tell the same of files.
    if not any(SPECIFICATION.rpartition(".")[0] in told for told in about):
        _refuse(path, METADATA, "not the description of an RO-Crate")
    files = [one for one in entities if one.get("@type") == "File"]
    return {unquote(str(one.get("@id"))): _told(path, one) for one in files}


def _told(path: Path, entity: Mapping[str, Any]) -> Listed:
    size, digest = str(entity.get("contentSize")), str(entity.get("sha256"))
    if not re.fullmatch(r"[0-9]{1,18}", size) or not re.fullmatch(r"[0-9a-f]{64}", digest):
        _refuse(path, str(entity.get("@id")), f"no contentSize and sha256 in {METADATA}")
    return Listed(int(size), digest)


def _check_sizes(
    path: Path, members: Mapping[str, zipfile.ZipInfo], listed: Mapping[str, Listed]
) -> None:
    """Refuse an archive that would fill the disk before anything is unpacked."""
    for name, told in listed.items():
        if members[name].file_size != told.size:
            _refuse(path, name, f"{members[name].file_size} bytes, {METADATA} says {told.size}")
    size = path.stat().st_size
    if sum(info.compress_size for info in members.values()) > size:
        raise MechcoreError(f"{path}: its files overlap")
    total = sum(told.size for told in listed.values())
    if total > MOST_EXPANSION * size:
        raise MechcoreError(f"{path}: unpacks to {total} bytes, which is implausible for its size")


def _extract(
    path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, told: Listed
) -> None:
    digest, left = hashlib.sha256(), told.size
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(info) as stream, target.open("xb") as file:
            # One byte more than was told would be too many.
            while chunk := stream.read(min(CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    break
                digest.update(chunk)
                file.write(chunk)
    except (*UNREADABLE, ValueError, OSError) as error:
        _refuse(path, info.filename, f"cannot be unpacked ({error})")
    if left or digest.hexdigest() != told.sha256:
        _refuse(path, info.filename, f"damaged: not what {METADATA} tells")


def _contents(path: Path, folder: Path, files: set[str]) -> Contents:
    names = [found[1] for found in map(SWEEP.fullmatch, files) if found]
    if len(names) != 1:
        raise MechcoreError(f"{path}: {len(names)} experiments in it, expected one")
    results, page = Path("results", names[0]), Path("reports", names[0], "index.html")
    for name in (page.as_posix(), EXPERIMENT):
        if name not in files:
            _refuse(path, name, "missing")
    with told_of(path):
        config = read_sweep(results).config
        _check_files(config, files)
        _check_experiment(config)
        experiment = load_experiment(config)
    return Contents(experiment, folder, results, page, frozenset(files))


@contextmanager
def told_of(path: Path) -> Iterator[None]:
    """Name an archive in what is told of its files.

    Examples
    --------
    >>> with told_of(Path("a.zip")):
    ...     raise MechcoreError("results/a.csv: missing")
    Traceback (most recent call last):
    mechcore.errors.MechcoreError: a.zip: results/a.csv: missing
    """
    try:
        yield
    except MechcoreError as error:
        raise MechcoreError(f"{path}: {str(error).splitlines()[0]}") from None


def _check_experiment(config: Mapping[str, Any]) -> None:
    """Refuse a configuration for people that is another one than that of the results."""
    with Path(EXPERIMENT).open("rb") as stream:
        text = stream.read(LARGEST_FILE)
    try:
        found = yaml.safe_load(text)
    except MemoryError:
        raise
    # Tags that claim a type fail in any way that Python can.
    except Exception:
        found = None
    # It was packed with its tracking, on which no result depends.
    if not isinstance(found, dict) or found | {"track": None} != {**config, "track": None}:
        raise MechcoreError(f"{EXPERIMENT}: not the configuration of the results")


def _check_files(config: Mapping[str, Any], files: set[str]) -> None:
    """Refuse a configuration that names files of the machine that it is opened on."""
    for name in _named(config):
        if isinstance(name, str) and name not in PATTERNS and Path(name).as_posix() not in files:
            raise MechcoreError(f"{shown(name)}: named by the configuration, not in the archive")


def _named(config: Mapping[str, Any]) -> Iterator[object]:
    """What a configuration, which may be no valid one, would open."""
    for key, fields in NAMING.items():
        entries = config.get(key)
        for entry in entries if isinstance(entries, list) else []:
            yield from map(entry.get, fields) if isinstance(entry, dict) else (entry,)
