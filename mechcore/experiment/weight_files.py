"""Weight files of users: those that are named, what belongs to them, and names for their banks."""

from __future__ import annotations

import glob
import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mechcore.errors import InvalidValue, MechcoreError, check_path, did_you_mean, shown
from mechcore.experiment.weights import SUFFIXES, format_of
from mechcore.io.hashes import file_sha256, settings_sha256

LONGEST_PATH = 200
"""Characters of a path in a message."""

INDEXES = ("shards", "tfjs")
"""Formats whose values are in other files."""

MANIFEST, SHARDS = "weightsManifest", "weight_map"
"""Keys of indexes that name the files with the values: of TensorFlow.js, and of all others."""

LARGEST_INDEX = 2**25
"""Bytes."""


def read_index(path: Path) -> Mapping[str, Any]:
    """Read an index of weights in several files."""
    if path.stat().st_size > LARGEST_INDEX:
        raise MechcoreError(f"is an index of more than {LARGEST_INDEX} bytes")
    try:
        index: dict[str, Any] = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise MechcoreError("is a damaged index: copy it again") from error
    if not {MANIFEST, SHARDS} & set(index):
        raise MechcoreError(f"is JSON with neither {SHARDS!r} nor {MANIFEST!r}")
    return index


def parts_of(path: Path) -> list[Path]:
    """Return a weight file, and the files beside it that hold values."""
    kind = format_of(path)
    if kind == "tensorbundle":
        return list(dict.fromkeys([path, *bundle_of(path)]))
    if kind not in INDEXES:
        return [path]
    index = read_index(path)
    try:
        groups = index[MANIFEST] if MANIFEST in index else [{"paths": index[SHARDS].values()}]
        names = dict.fromkeys(str(name) for group in groups for name in group["paths"])
    except (AttributeError, KeyError, TypeError) as error:
        raise MechcoreError("is a damaged index: copy it again") from error
    for name in names:
        if Path(name).name != name or not (path.parent / name).is_file():
            raise MechcoreError(f"names {shown(name)}, which is no file beside it")
    return [path, *(path.parent / name for name in names)]


def bundle_of(path: Path) -> list[Path]:
    """Return the index of variables that TensorFlow saved, and the files of their values."""
    with path.open("rb") as stream:
        is_index = stream.read(1) == b"\0"
    index = path if is_index else path.parent / "variables" / "variables.index"
    values = sorted(index.parent.glob(f"{glob.escape(index.stem)}.data-*"))
    if not index.is_file() or not values:
        advice = "copy all of its folder; tf2onnx converts what has no variables to ONNX"
        raise MechcoreError(f"is a model of TensorFlow whose variables are not beside it: {advice}")
    return [index, *values]


def weights_sha256(path: Path) -> str:
    """Return the SHA-256 of a weight file; of several, that of their names and hashes."""
    hashes = {part.name: file_sha256(part, "weights") for part in parts_of(path)}
    return settings_sha256(hashes) if len(hashes) > 1 else hashes[path.name]


def check_weights(path: Path, key: str = "weights") -> None:
    """Refuse a path that cannot be a weight file, before anything runs."""
    if not path.is_file():
        raise InvalidValue(key, str(path), f"a file in {path.absolute().parent}{_close_to(path)}")
    try:
        parts = parts_of(path)
    except (MechcoreError, OSError) as error:
        raise MechcoreError(f"{key}: {shown(str(path), LONGEST_PATH)} {error}") from error
    for part in parts:
        check_path(key, str(part))


def _close_to(path: Path) -> str:
    """A file of almost the same name."""
    folder = path.parent
    return did_you_mean(path.name, [file.name for file in folder.glob("*") if file.is_file()])


def weight_files(paths: Iterable[Path]) -> list[Path]:
    """Return the files that are named, those in folders, and those that match a pattern."""
    return [file for path in paths for file in _files_of(path)]


def _files_of(path: Path) -> list[Path]:
    if path.is_dir():
        files = [file for file in sorted(path.iterdir()) if file.is_file() and _is_known(file)]
        parts = {part for file in files for part in parts_of(file)[1:]}
        files = [file for file in files if file not in parts]
    elif os.path.lexists(path):
        return [path]
    else:
        # Path.glob takes no absolute patterns, and refuses some.
        files = [Path(file) for file in sorted(glob.glob(str(path)))]  # noqa: PTH207
    if not files:
        raise InvalidValue(
            "weights", str(path), "a weight file, a folder of some, or a pattern of their names"
        )
    return files


def _is_known(path: Path) -> bool:
    try:
        return bool(parts_of(path))
    except (MechcoreError, OSError):
        return False


def bank_names(paths: Sequence[str | Path]) -> list[str]:
    """Return the default names of banks: those of their files without the suffix.

    Different files of one name get the names of their folders as well.

    >>> bank_names(["a/last.pth", "b/last.pth", "c/best.pth"])
    ['a-last', 'b-last', 'best']
    """
    names = [_stem(Path(path).name) for path in paths]
    counts = Counter(dict(zip(paths, names, strict=True)).values())
    return [
        f"{Path(path).absolute().parent.name}-{name}" if counts[name] > 1 else name
        for path, name in zip(paths, names, strict=True)
    ]


def _stem(name: str) -> str:
    suffixes = (suffix for suffix in SUFFIXES if name.lower().endswith(suffix))
    return name[: len(name) - len(next(suffixes, ""))]
