"""Writing an archive: whole or not at all, the same bytes for the same files."""

from __future__ import annotations

import hashlib
import stat
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

import yaml

from mechcore.errors import MechcoreError
from mechcore.experiment.config import Experiment
from mechcore.io.atomic import check_output, replace_file
from mechcore.io.portable_names import is_portable
from mechcore.results.archive.crate import Entry, description
from mechcore.results.archive.files import finished_experiment, project_files
from mechcore.results.archive.names import CHUNK, EXPERIMENT, METADATA

START = (1980, 1, 1, 0, 0, 0)
"""The first date that the format knows. Those of files would make archives differ."""

COMPRESSED = {".nc", ".png", ".safetensors", ".npz", ".keras"}
"""Files that would not become smaller."""

UNIX = 3
"""What the format calls a system whose modes of files it keeps."""

Source = Path | bytes


def pack(
    experiment: Experiment, results: Path, page: Path, output: Path, original: Path | None = None
) -> int:
    """Write an archive of a finished experiment: an RO-Crate, as a zip file."""
    check_output(output)
    found = finished_experiment(experiment, results, page)
    # Word for word what the sweep tells, with the hashes of the images of patterns.
    told = yaml.safe_dump(experiment.to_mapping(), sort_keys=False, default_flow_style=None)
    config: dict[str, Source] = {EXPERIMENT: told.encode()}
    if original is not None:
        config[f"config/{original.name}"] = original
    sources = merged_sources(found.files, project_files(found.sweep), config, found.inputs)
    made_of = sorted([*config, *found.inputs])

    def write(draft: Path) -> None:
        with zipfile.ZipFile(draft, "w") as archive:
            entries = [_add(archive, name, sources[name]) for name in sorted(sources)]
            text = description(found.sweep, entries, made_of)
            _add(archive, METADATA, text.encode())

    replace_file(output, write)
    return len(sources) + 1


def merged_sources(*parts: Mapping[str, Source]) -> dict[str, Source]:
    """Return all files of an archive, if every system can write their names side by side.

    Examples
    --------
    >>> list(merged_sources({"LICENSE": b""}, {"results/a.csv": b""}))
    ['LICENSE', 'results/a.csv']
    """
    sources: dict[str, Source] = {}
    seen = {METADATA: METADATA}
    for name, source in (item for part in parts for item in part.items()):
        if not is_portable(name):
            raise MechcoreError(f"{name}: cannot be packed, expected a name for every system")
        if name.casefold() in seen:
            raise MechcoreError(f"{name}: cannot be packed beside {seen[name.casefold()]}")
        seen[name.casefold()] = name
        sources[name] = source
    return sources


def _add(archive: zipfile.ZipFile, name: str, source: Source) -> Entry:
    digest, size = hashlib.sha256(), _size(source)
    written = 0
    with archive.open(_header(name, size), "w") as target:
        for chunk in _chunks(source):
            digest.update(chunk)
            written += target.write(chunk)
    if written != size:
        raise MechcoreError(f"{source!s}: changed while it was packed")
    return Entry(name, size, digest.hexdigest())


def _size(source: Source) -> int:
    try:
        return len(source) if isinstance(source, bytes) else source.stat().st_size
    except OSError as error:
        raise _unreadable(source, error) from error


def _chunks(source: Source) -> Iterator[bytes]:
    try:
        with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except OSError as error:
        raise _unreadable(source, error) from error


def _unreadable(source: Source, error: OSError) -> MechcoreError:
    """What is told of a file to pack: other errors are those of the archive."""
    return MechcoreError(f"{source!s}: cannot be read: {error.strerror or error}")


def _header(name: str, size: int) -> zipfile.ZipInfo:
    header = zipfile.ZipInfo(name, START)
    header.create_system = UNIX
    header.external_attr = (stat.S_IFREG | 0o644) << 16
    stored = Path(name).suffix in COMPRESSED
    header.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    # Told before, files of more than 4 GB get the fields that they need.
    header.file_size = size
    return header
