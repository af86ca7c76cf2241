"""The formats of weight files by suffix, and the orders of their axes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mechcore.errors import InvalidValue, MechcoreError, did_you_mean, shown


@dataclass(frozen=True)
class Format:
    """A format of weight files."""

    reader: str
    """Module of `mechcore.filters.formats` that opens it."""
    package: str | None = None
    """What the reader imports besides what mechcore depends on; the extra has the reader's name."""


FORMATS: dict[str, Format] = {
    ".safetensors": Format("safetensors"),
    ".npz": Format("npz"),
    ".onnx": Format("onnx", package="onnx"),
    ".pt": Format("torch", package="torch"),
    ".pth": Format("torch", package="torch"),
    ".weights.h5": Format("keras", package="h5py"),
    ".h5": Format("keras", package="h5py"),
    ".keras": Format("keras", package="h5py"),
}
"""Formats by the end of the file's name; the first match counts."""


LAYOUTS = {
    "auto": "by the format, else by the shape and name of each tensor",
    "torch": "(out, in, ...)",
    "keras": "(..., in, out)",
}
"""Orders of axes that a user may ask for."""


def suffix_of(path: Path, key: str = "weights") -> str:
    """Return the key of `FORMATS` that a file's name ends with, in any case."""
    for suffix in FORMATS:
        if path.name.lower().endswith(suffix):
            return suffix
    if path.is_dir():
        raise MechcoreError(f"{key}: {shown(str(path))} is a folder, expected a file")
    suggestion = did_you_mean(path.suffix.lower(), FORMATS)
    if path.suffix.lower() == ".npy":
        suggestion = "; numpy.savez('net.npz', conv=array) converts an array"
    allowed = f"a file that ends in {', '.join(FORMATS)}{suggestion}"
    raise InvalidValue(key, path.name, allowed)


def check_weights(path: Path, key: str = "weights") -> None:
    """Refuse a path that cannot be a weight file, before anything runs."""
    suffix_of(path, key)
    if not path.is_file():
        raise InvalidValue(key, str(path), "a file that exists")


def bank_name(path: Path) -> str:
    """Return the default name of a bank: that of its weight file without the suffix."""
    return path.name[: -len(suffix_of(path))]
