"""The formats of weight files by suffix, and the orders of their axes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mechcore.errors import InvalidValue, MechcoreError, did_you_mean, shown

PACKAGES = {"torch": "torch", "onnx": "onnx", "keras": "h5py"}
"""The package behind each extra of this distribution."""


@dataclass(frozen=True)
class Format:
    """A format of weight files."""

    summary: str
    """One line for people."""
    extra: str | None
    """Key of `PACKAGES`; None if nothing else must be installed."""
    reader: str
    """Module of `mechcore.filters.formats` that opens it."""


FORMATS: dict[str, Format] = {
    ".safetensors": Format("tensors by name, any framework", None, "safetensors"),
    ".npz": Format("arrays of numpy by name", None, "npz"),
    ".onnx": Format("a graph, which states its convolutions", "onnx", "onnx"),
    ".pt": Format("a state dict or checkpoint of torch", "torch", "torch"),
    ".pth": Format("a state dict or checkpoint of torch", "torch", "torch"),
    ".weights.h5": Format("weights of Keras", "keras", "keras"),
    ".h5": Format("weights or a complete model of Keras", "keras", "keras"),
    ".keras": Format("a complete model of Keras", "keras", "keras"),
}
"""Formats by the end of the file's name; the first match counts."""


LAYOUTS = {
    "auto": "by the format, else by the shape and name of each tensor",
    "torch": "(out, in, ...)",
    "keras": "(..., in, out)",
}
"""Orders of axes that a user may ask for."""


def suffix_of(path: Path, key: str = "weights") -> str:
    """Return the key of `FORMATS` that a file's name ends with.

    Examples
    --------
    >>> suffix_of(Path("VGG16.Weights.H5"))
    '.weights.h5'
    """
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
    """Return the default name of a bank.

    Examples
    --------
    >>> bank_name(Path("models/vgg16.weights.h5"))
    'vgg16'
    """
    return path.name[: -len(suffix_of(path))]
