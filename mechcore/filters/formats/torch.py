"""Reads what torch saved, without torch: state dicts, checkpoints, parameters of TorchScript."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO
from zipfile import ZIP_STORED, ZipFile, ZipInfo, is_zipfile

import numpy as np
from numpy.typing import NDArray

from mechcore.errors import shown
from mechcore.filters.formats import WeightFileError, require_plausible_size
from mechcore.filters.formats.tensors import FLOATS, Tensor, unread
from mechcore.filters.formats.torch_pickle import Inert, Stored, Unpickler, without_values

STATE_KEYS = ("state_dict", "model_state_dict", "model")
"""Where checkpoints keep the weights; names of tensors leave out the first that is present."""

OPTIMISER_KEYS = {"state", "param_groups"}
"""Keys of the state of an optimiser, which holds averages in the shapes of the weights."""

BUFFERS = re.compile(rb"^class (\w+)\(Module\):\n  __parameters__ = .*\n  __buffers__ = (.*)", re.M)
"""How the class of a module of TorchScript begins."""

LONGEST_NAME = 10_000
"""Characters of a tensor's name: mappings nested without end would fill memory with names."""

Places = Mapping[str, tuple[int, int]]
"""Position in the file and bytes of each storage."""


@contextmanager
def open_tensors(path: Path) -> Generator[list[Tensor]]:
    """Open a file of torch."""
    loaded, places = _from_archive(path) if is_zipfile(path) else _from_stream(path)
    state = loaded.state if isinstance(loaded, Inert) else loaded
    if not isinstance(state, Mapping):
        type_name = type(loaded).__name__.strip("_").lower()
        raise WeightFileError(path, f"holds an object of type {type_name}, not a state dict")
    prefix = next((f"{key}." for key in STATE_KEYS if isinstance(state.get(key), Mapping)), "")
    yield [
        _tensor(path, places, name.removeprefix(prefix), stored)
        for name, stored in _flattened(state)
    ]


def _from_archive(path: Path) -> tuple[object, Places]:
    with ZipFile(path) as archive:
        members = {member.filename: member for member in archive.infolist()}
        data = next(name for name in members if name.endswith("data.pkl"))
        folder = data.removesuffix("data.pkl")
        order = members.get(f"{folder}byteorder")
        if order and archive.read(order) != b"little":
            raise WeightFileError(path, "was saved on a big-endian machine")
        require_plausible_size(path, data, members[data].file_size)
        buffers = _buffers(path, archive, f"{folder}code/")
        unpickler = Unpickler(io.BytesIO(archive.read(data)), buffers)
    loaded = unpickler.load()
    with path.open("rb") as stream:
        return loaded, {
            key: _place(path, stream, members[f"{folder}data/{key}"]) for key in unpickler.storages
        }


def _buffers(path: Path, archive: ZipFile, folder: str) -> dict[str, frozenset[str]]:
    """What the code of TorchScript calls the buffers of each class, in its first lines."""
    code = [item for item in archive.infolist() if item.filename.startswith(folder)]
    require_plausible_size(path, "its code", sum(item.file_size for item in code))
    found = {}
    for item in code:
        module = item.filename.removeprefix(folder).removesuffix(".py").replace("/", ".")
        for name, names in BUFFERS.findall(archive.read(item)):
            found[f"{module}.{name.decode()}"] = frozenset(names.decode().split('"')[1::2])
    return found


def _place(path: Path, stream: IO[bytes], member: ZipInfo) -> tuple[int, int]:
    # torch never compresses values, so they are read from where they are.
    if member.compress_type != ZIP_STORED:
        raise WeightFileError(path, "is compressed, which torch.save never does")
    stream.seek(member.header_offset + 26)
    lengths = np.frombuffer(stream.read(4), "<u2")
    return member.header_offset + 30 + int(lengths.sum()), member.file_size


def _from_stream(path: Path) -> tuple[object, Places]:
    """Read what torch saved before 1.6: five pickles, then each storage behind its length."""
    with path.open("rb") as stream:
        for _ in range(2):
            Unpickler(stream).load()
        if not Unpickler(stream).load()["little_endian"]:
            raise WeightFileError(path, "was saved on a big-endian machine")
        unpickler = Unpickler(stream)
        loaded, places = unpickler.load(), {}
        for key in Unpickler(stream).load():
            item = np.dtype(unpickler.storages[str(key)]).itemsize
            size = int.from_bytes(stream.read(8), "little") * item
            places[str(key)] = stream.tell(), size
            stream.seek(size, io.SEEK_CUR)
    return loaded, places


def _flattened(state: Mapping[object, object]) -> Iterator[tuple[str, Stored]]:
    # A mapping may contain itself, or another one a million times.
    seen: set[int] = set()
    waiting: list[tuple[str, object, str]] = [("", state, "")]
    while waiting:
        name, value, reason = waiting.pop()
        value = value.state if isinstance(value, Inert) else value
        if isinstance(value, Stored):
            yield name, value if not reason else without_values(reason)
        elif isinstance(value, Mapping) and id(value) not in seen:
            seen.add(id(value))
            inner = "a state of the optimiser" if set(value) >= OPTIMISER_KEYS else reason
            entries = list(_told_apart(value).items())[::-1]
            waiting += [(_joined(name, key), child, inner) for key, child in entries]


def _told_apart(mapping: Mapping[object, object]) -> Mapping[object, object]:
    """Beside parameters, other tensors are buffers; alone, they may be either."""
    values = [value for value in mapping.values() if isinstance(value, Stored)]
    if not any(value.parameter for value in values):
        return mapping
    return {
        key: replace(value, parameter=bool(value.parameter)) if isinstance(value, Stored) else value
        for key, value in mapping.items()
    }


def _joined(prefix: str, key: object) -> str:
    name = f"{prefix}.{key}" if prefix else str(key)
    if len(name) > LONGEST_NAME:
        message = f"a name longer than {LONGEST_NAME} characters"
        raise ValueError(message)
    return name


def _tensor(path: Path, places: Places, name: str, stored: Stored) -> Tensor:
    if stored.reason:
        return unread(name, stored.reason)
    read = partial(_values, path, places, name, stored)
    return Tensor(
        name,
        stored.shape,
        stored.dtype,
        read,
        layout="torch",
        kind=stored.kind,
        fixed=stored.parameter is False,
    )


def _values(path: Path, places: Places, name: str, stored: Stored) -> NDArray[np.generic]:
    dtype = np.dtype(FLOATS[stored.dtype])
    start, held = places[stored.storage.key]
    held = min(held, path.stat().st_size - start)
    last = stored.offset + sum(
        (length - 1) * step for length, step in zip(stored.shape, stored.stride, strict=True)
    )
    needed = max(math.prod(stored.shape), last + 1) * dtype.itemsize
    if needed > held:
        claim = f"{shown(name)} declares {needed} bytes of values but holds {held}"
        raise WeightFileError(path, claim)
    # Strides are for types that numpy has of its own: views of bits.
    bits = np.dtype(f"u{dtype.itemsize}")
    values = np.memmap(path, bits, "r", start, (held // bits.itemsize,))[stored.offset :]
    steps = [step * bits.itemsize for step in stored.stride]
    return np.lib.stride_tricks.as_strided(values, stored.shape, steps).view(dtype)
