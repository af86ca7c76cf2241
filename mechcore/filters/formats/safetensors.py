"""Reads ``.safetensors``: a header in JSON, then the values."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from mechcore.filters.formats.tensors import FLOATS, Tensor, natural_order

TYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2": "float8_e5m2",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
    "F6_E2M3": "float6_e2m3fn",
    "F6_E3M2": "float6_e3m2fn",
    "F4": "float4_e2m1fn",
    "C64": "complex64",
    "BOOL": "bool",
}
"""Names of types that are not those of numpy; the others are whole numbers: I8, U16."""


@contextmanager
def open_tensors(path: Path) -> Generator[list[Tensor]]:
    """Open a ``.safetensors`` file."""
    # Checks that the header is sound and that its tensors fill the file without overlap. Its own
    # reader of values has no float8.
    with safe_open(path, framework="numpy"):
        pass
    length = int(np.fromfile(path, dtype="<u8", count=1)[0])
    with path.open("rb") as stream:
        stream.seek(8)
        header = json.loads(stream.read(length), object_pairs_hook=_distinct)
    header.pop("__metadata__", None)
    values = _mapped(path, start=8 + length)
    # Writers sort by type and letters: layer 10 would come before layer 2.
    yield [_tensor(name, header[name], values) for name in sorted(header, key=natural_order)]


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        message = "a name occurs twice in the header"
        raise ValueError(message)
    return entries


def _mapped(path: Path, start: int) -> NDArray[np.uint8]:
    # An empty rest cannot be mapped.
    if path.stat().st_size == start:
        return np.empty(0, dtype=np.uint8)
    return np.memmap(path, dtype=np.uint8, mode="r", offset=start)


def _tensor(name: str, entry: dict[str, Any], values: NDArray[np.uint8]) -> Tensor:
    shape = tuple(entry["shape"])
    code = entry["dtype"]
    dtype = TYPES.get(code, code.replace("I", "int").replace("U", "uint"))
    first, end = entry["data_offsets"]
    read: Callable[[], NDArray[np.generic]] = partial(_values, values[first:end], dtype, shape)
    return Tensor(name, shape, dtype, read)


def _values(stored: NDArray[np.uint8], dtype: str, shape: tuple[int, ...]) -> NDArray[np.generic]:
    return stored.view(FLOATS[dtype]).reshape(shape)
