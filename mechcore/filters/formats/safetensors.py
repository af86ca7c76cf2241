"""Reads ``.safetensors``: a header in JSON, then the values."""

from __future__ import annotations

import json
from collections.abc import Generator
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
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        header = json.loads(stream.read(length))
    header.pop("__metadata__", None)
    # Writers sort by type and letters: layer 10 would come before layer 2.
    names = sorted(header, key=natural_order)
    yield [_tensor(path, 8 + length, name, header[name]) for name in names]


def _tensor(path: Path, start: int, name: str, entry: dict[str, Any]) -> Tensor:
    shape, code = tuple(entry["shape"]), entry["dtype"]
    dtype = TYPES.get(code, code.replace("I", "int").replace("U", "uint"))
    first, end = entry["data_offsets"]
    return Tensor(
        name, shape, dtype, partial(_values, path, start + first, end - first, dtype, shape)
    )


def _values(
    path: Path, start: int, size: int, dtype: str, shape: tuple[int, ...]
) -> NDArray[np.generic]:
    stored = np.fromfile(path, dtype=np.uint8, count=size, offset=start)
    return stored.view(FLOATS[dtype]).reshape(shape)
