"""Reads ``.npz``: a zip archive of ``.npy`` members, none of which is unpacked before a check."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal
from zipfile import ZipFile, ZipInfo

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mechcore.errors import shown
from mechcore.filters.formats import refused, require_plausible_size
from mechcore.filters.formats.tensors import FLOATS, Tensor, no_values

LONGEST_HEADER = 64 * 1024
"""Bytes of a member in which its header must end; numpy's own limit is 10000 characters."""

HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
"""Readers of headers by version; later versions are for structured arrays."""

UNNAMED = {"V2": "bfloat16", "V1": "float8"}
"""What numpy writes for the types of ml_dtypes. Only one of them has two bytes; which of those with
one byte it was is lost, so they are not read."""


@dataclass(frozen=True)
class _Header:
    start: int
    shape: tuple[int, ...]
    order: Literal["C", "F"]
    dtype: np.dtype[np.generic]

    @property
    def size(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def type_name(self) -> str:
        return UNNAMED.get(self.dtype.str[1:], self.dtype.name)


@contextmanager
def open_tensors(path: Path) -> Generator[list[Tensor]]:
    """Open a ``.npz`` file."""
    with ZipFile(path) as archive:
        yield [_tensor(path, archive, member) for member in archive.infolist()]


def _tensor(path: Path, archive: ZipFile, member: ZipInfo) -> Tensor:
    name = member.filename.removesuffix(".npy")
    if name == member.filename:
        return Tensor(name, (), "bytes", no_values, reason="not an array")
    try:
        header = _header(archive, member)
    except ValueError as error:
        raise refused(path, f"{shown(name)} cannot be read: {error}") from error
    read = partial(_values, path, archive, member, header)
    return Tensor(name, header.shape, header.type_name, read)


def _header(archive: ZipFile, member: ZipInfo) -> _Header:
    with archive.open(member) as stream:
        beginning = io.BytesIO(stream.read(LONGEST_HEADER))
    version = npy.read_magic(beginning)
    if version not in HEADERS:
        return _Header(0, (), "C", np.dtype(object))
    # Headers that Python 2 wrote are read, with a warning that they could be read faster.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shape, by_columns, dtype = HEADERS[version](beginning)
    return _Header(beginning.tell(), shape, "F" if by_columns else "C", dtype)


def _values(path: Path, archive: ZipFile, member: ZipInfo, header: _Header) -> NDArray[np.generic]:
    what = shown(member.filename)
    if header.start + header.size != member.file_size:
        held = f"declares {header.size} bytes of values but holds {member.file_size - header.start}"
        raise refused(path, f"{what} {held}")
    require_plausible_size(path, what, header.size)
    with archive.open(member) as stream:
        stream.read(header.start)
        stored = stream.read(header.size)
    dtype = header.dtype if header.dtype.kind == "f" else np.dtype(FLOATS[header.type_name])
    return np.frombuffer(stored, dtype=dtype).reshape(header.shape, order=header.order)
