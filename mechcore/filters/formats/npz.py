"""Reads ``.npz``: a zip archive of ``.npy`` members, none of which is unpacked before a check."""

from __future__ import annotations

import io
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from mechcore.errors import shown
from mechcore.filters.formats import WeightFileError
from mechcore.filters.formats.tensors import FLOATS, Tensor, unread

LONGEST_HEADER = 64 * 1024
"""Bytes of a member in which its header must end; numpy's own limit is 10000 characters."""

HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
"""Readers of headers by version; later versions are for structured arrays."""

UNNAMED = {"V2": "bfloat16", "V1": "float8"}
"""What numpy writes for the types of ml_dtypes. Only one of them has two bytes; which of those with
one byte it was is lost, so they are not read."""


@contextmanager
def open_tensors(path: Path) -> Generator[list[Tensor]]:
    """Open a ``.npz`` file."""
    with ZipFile(path) as archive:
        yield [_tensor(path, archive, member) for member in archive.infolist()]


def _tensor(path: Path, archive: ZipFile, member: ZipInfo) -> Tensor:
    name = member.filename.removesuffix(".npy")
    if name == member.filename:
        return unread(name, "not an array")
    with archive.open(member) as stream:
        beginning = io.BytesIO(stream.read(LONGEST_HEADER))
    try:
        version = npy.read_magic(beginning)
        if version not in HEADERS:
            return unread(name, "a structured array")
        shape, _, dtype = HEADERS[version](beginning)
    except ValueError as error:
        raise WeightFileError(path, f"{shown(name)} cannot be read: {error}") from error
    type_name = UNNAMED.get(dtype.str[1:], dtype.name)
    return Tensor(name, shape, type_name, partial(_values, archive, member, type_name))


def _values(archive: ZipFile, member: ZipInfo, dtype: str) -> NDArray[np.generic]:
    with archive.open(member) as stream:
        values: NDArray[np.generic] = npy.read_array(stream, allow_pickle=False)
        if stream.tell() != member.file_size:
            message = (
                f"{shown(member.filename)} declares {stream.tell()} bytes of {member.file_size}"
            )
            raise ValueError(message)
    return values.view(FLOATS[dtype]) if values.dtype.kind == "V" else values
