"""The formats of weight files, told by content, and the orders of their axes."""

from __future__ import annotations

import glob
import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

from mechcore.errors import InvalidValue, MechcoreError, shown
from mechcore.io.hashes import file_sha256, settings_sha256


@dataclass(frozen=True)
class Format:
    """A format of weight files; its key in `FORMATS` is a module of `mechcore.filters.formats`."""

    suffixes: tuple[str, ...]
    """How its files are usually called, which decides nothing."""
    beginning: bytes | None = None
    """Regular expression of the first bytes."""
    member: str | None = None
    """How the name of a member of a zip archive ends."""
    package: str | None = None
    """What the reader imports besides what mechcore depends on; the extra has the reader's name."""


FORMATS: dict[str, Format] = {
    "keras": Format(
        (".keras", ".weights.h5", ".h5", ".hdf5"),
        beginning=rb"\x89HDF\r\n\x1a\n",
        member="model.weights.h5",
        package="h5py",
    ),
    "torch": Format(
        (".pth.tar", ".pt", ".pth", ".ckpt", ".bin", ".jit"),
        # The magic number of files before 1.6, which are no archives.
        beginning=rb"\x80.\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19\.",
        member="data.pkl",
    ),
    "npz": Format((".npz",), member=".npy"),
    # The version of the format, then the next field. TensorFlow's SavedModel has version 1.
    "onnx": Format(
        (".onnx",), beginning=rb"\x08[\x02-\x7f][\x12\x1a\x22\x28\x32\x3a\x42]", package="onnx"
    ),
    "tflite": Format((".tflite",), beginning=rb".{4}TFL3"),
    "shards": Format(
        (".safetensors.index.json", ".bin.index.json"),
        beginning=rb"\s*\{\s*\"(metadata|weight_map)\"",
    ),
    "tfjs": Format(
        (".json",),
        beginning=rb"\s*\{\s*\"(format|modelTopology|weightsManifest)\"",
    ),
    "safetensors": Format((".safetensors",), beginning=rb".{8}\{"),
}
"""Formats by name; the first whose beginning or member a file has."""

SUFFIXES = tuple(suffix for entry in FORMATS.values() for suffix in entry.suffixes)

UNREAD: dict[bytes, tuple[str, str]] = {
    rb"\Z": ("is empty", "copy it again"),
    rb"\x93NUMPY": ("is one array", "numpy.savez('net.npz', conv=array) converts it"),
    rb"version https?://git-lfs": ("is a pointer of Git LFS", "git lfs pull fetches the file"),
    rb"\s*<": ("is a web page", "download the file that it links to"),
    rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!|\x28\xb5\x2f\xfd": ("is compressed", "unpack it"),
    rb"\x08\x01\x12": (
        "is a model of TensorFlow",
        "python -m tf2onnx.convert --saved-model converts its folder to ONNX",
    ),
    rb"GGUF": ("is a GGUF file", "convert it to safetensors"),
    rb"PK\x03\x04": ("is a zip archive without weights", "unpack it"),
    rb"\x80[\x02-\x05]": (
        "is a pickle, which could run code",
        "save its arrays with numpy.savez or safetensors",
    ),
}
"""What else people have, by a regular expression of the first bytes: what it is, and what to do."""

LAYOUTS = {
    "auto": "by the format, else by the shape and name of each tensor",
    "torch": "(out, in, ...)",
    "keras": "(..., in, out)",
    "ohwi": "(out, ..., in)",
}
"""Orders of axes that a user may ask for."""


class Reading(NamedTuple):
    """How a weight file is read."""

    layout: str = "auto"
    """A key of `LAYOUTS`."""
    select: tuple[str, ...] = ()
    """Only tensors with such names, where ``*`` stands for any text; all if there is none."""
    exclude: tuple[str, ...] = ()
    """No tensors with such names."""
    fold_batchnorm: bool = False
    """Multiply the outputs of a convolution by the factors of the batch normalisation after it."""

    @property
    def attributes(self) -> dict[str, object]:
        """Attributes of a file of results."""
        return {
            name: " ".join(value) if isinstance(value, tuple) else str(value)
            for name, value in self._asdict().items()
        }

    @property
    def options(self) -> list[str]:
        """Options of ``mechcore filters``."""
        patterns = (("--select", self.select), ("--exclude", self.exclude))
        chosen = [
            word for option, values in patterns for value in values for word in (option, value)
        ]
        return ["--layout", self.layout, *chosen, *["--fold-batchnorm"] * self.fold_batchnorm]


WHOLE = Reading()
"""A file as it is."""

LONGEST_PATH = 200
"""Characters of a path in a message."""


def format_of(path: Path) -> str:
    """Return the key of `FORMATS` of a file, by its content, or say what it is instead."""
    with path.open("rb") as stream:
        beginning = stream.read(64)
    members = _members(path) if beginning.startswith((b"PK\x03\x04", b"PK\x05\x06")) else []
    for name, entry in FORMATS.items():
        if entry.beginning and re.match(entry.beginning, beginning, re.DOTALL):
            return name
        if entry.member and any(member.endswith(entry.member) for member in members):
            return name
    for pattern, (what, advice) in UNREAD.items():
        if re.match(pattern, beginning, re.DOTALL):
            raise MechcoreError(f"{what}: {advice}")
    kinds = ", ".join(FORMATS)
    raise MechcoreError(f"starts with {shown(beginning[:12])}, expected a file of {kinds}")


def _members(path: Path) -> list[str]:
    try:
        with ZipFile(path) as archive:
            return archive.namelist()
    # Damaged archives raise errors of a dozen types, which are not documented.
    except Exception as error:
        reason = f"is a damaged zip archive, copy it again: {error}"
        raise MechcoreError(reason) from error


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
    if format_of(path) not in INDEXES:
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


def weights_sha256(path: Path) -> str:
    """Return the SHA-256 of a weight file; of several, that of their names and hashes."""
    hashes = {part.name: file_sha256(part, "weights") for part in parts_of(path)}
    return settings_sha256(hashes) if len(hashes) > 1 else hashes[path.name]


def check_weights(path: Path, key: str = "weights") -> None:
    """Refuse a path that cannot be a weight file, before anything runs."""
    if not path.is_file():
        raise InvalidValue(key, str(path), "a file that exists")
    try:
        parts_of(path)
    except (MechcoreError, OSError) as error:
        raise MechcoreError(f"{key}: {shown(str(path), LONGEST_PATH)} {error}") from error


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
