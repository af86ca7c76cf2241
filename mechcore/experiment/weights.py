"""The formats of weight files, told by content, and how they are read."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from zipfile import ZipFile

from pydantic import Field

from mechcore.errors import MechcoreError, shown
from mechcore.io.json_models import KeyOf, Settings


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
    # A SavedModel, or the index of a checkpoint: the first entry of a table of LevelDB.
    "tensorbundle": Format(
        (".index", ".pb"), beginning=rb"\x08\x01\x12|\x00\x00.\x08.{1,2}\x1a\x02\x08"
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


LayoutName = Annotated[str, KeyOf(LAYOUTS)]


class Reading(Settings):
    """How a weight file is read."""

    layout: LayoutName = Field(
        default="auto", description=f"order of the axes: {', '.join(LAYOUTS)}"
    )
    select: list[str] = Field(
        default=[], description="only tensors with such names, as layer1.*; all by default"
    )
    exclude: list[str] = Field(default=[], description="no tensors with such names, as *.stft.*")
    fold_batchnorm: bool = Field(
        default=False, description="apply the batch normalisation that follows a convolution"
    )

    @property
    def reading(self) -> Reading:
        """These settings without those of a model that has more."""
        return Reading(**{name: getattr(self, name) for name in Reading.model_fields})

    @property
    def attributes(self) -> dict[str, object]:
        """Attributes of a file of results."""
        return {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in self.reading
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
