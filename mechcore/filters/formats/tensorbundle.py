"""Reads variables that TensorFlow saved: a sorted table of their names, and files of values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechcore.errors import MechcoreError, shown
from mechcore.experiment.weight_files import LARGEST_INDEX, bundle_of
from mechcore.filters.formats.keras_model import KINDS, class_key
from mechcore.filters.formats.tensors import FLOATS, Tensor, natural_order, unread

TYPES = {1: "float32", 2: "float64", 3: "int32", 7: "text", 9: "int64", 10: "bool"}
TYPES |= {14: "bfloat16", 19: "float16"}
"""Types of values by their number."""

MAGIC, FOOTER = bytes.fromhex("57fb808b247547db"), 48
"""How a table ends, and the bytes of its end, which say where its index is."""

MOST_ENTRIES, LONGEST_KEY = 100_000, 1_000
"""Limits of a table: a key is stored as what it adds to the last one, so bytes may stand for MB."""

OBJECTS, VALUE = "_CHECKPOINTABLE_OBJECT_GRAPH", "/.ATTRIBUTES/VARIABLE_VALUE"
"""Key of the description of a model, and how the keys of its variables end."""

AVERAGE = "/ExponentialMovingAverage"

Message = dict[int, list[Any]]
"""Fields of a message of Protocol Buffers by their numbers."""


@contextmanager
def open_tensors(path: Path) -> Generator[list[Tensor]]:
    """Open a SavedModel, or the index of a checkpoint."""
    index, *files = bundle_of(path)
    if index.stat().st_size > LARGEST_INDEX:
        raise MechcoreError(f"has an index of more than {LARGEST_INDEX} bytes")
    entries = {key: _message(value) for key, value in _entries(index.read_bytes())}
    header = entries.pop("", {})
    if len(files) != _field(header, 1):
        stated = _field(header, 1)
        raise MechcoreError(f"has {len(files)} of {stated} files of values beside its index")
    if 2 in header:
        raise MechcoreError("was saved on a big-endian machine")
    objects = entries.pop(OBJECTS, None)
    names = _names(list(entries), _text(files, objects) if objects else b"")
    yield [_tensor(name, entries[key], files, set(names.values())) for key, name in names.items()]


def _entries(table: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the entries of a table of LevelDB: an index of blocks, and blocks of entries."""
    if not table.endswith(MAGIC):
        raise MechcoreError("has a damaged index: copy it again")
    _, _, start, size = _numbers(BytesIO(table[-FOOTER:]), 4)
    read = count = 0
    for _, place in _block(table, start, size):
        start, size = _numbers(BytesIO(place), 2)
        read += size
        if read > len(table):
            raise MechcoreError("has an index whose blocks overlap")
        for key, value in _block(table, start, size):
            count += 1
            if count > MOST_ENTRIES:
                raise MechcoreError(f"has more than {MOST_ENTRIES} variables")
            yield key.decode(), value


def _block(table: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    block, compression = table[start : start + size], table[start + size]
    if compression:
        raise MechcoreError("has a compressed index, which TensorFlow does not write")
    # Places where a reader could start follow the entries, then their number.
    stream = BytesIO(block[: -4 - 4 * int.from_bytes(block[-4:], "little")])
    key = b""
    while stream.tell() < len(stream.getbuffer()):
        kept, added, length = _numbers(stream, 3)
        key = key[:kept] + stream.read(added)
        if len(key) > LONGEST_KEY:
            raise MechcoreError(f"has a name of more than {LONGEST_KEY} characters")
        yield key, stream.read(length)


def _number(stream: BytesIO) -> int:
    """Read a number of seven bits a byte, the lowest first; ten bytes at most."""
    value = 0
    for place in range(10):
        (byte,) = stream.read(1)
        value |= (byte & 127) << 7 * place
        if byte < 128:
            break
    return value


def _numbers(stream: BytesIO, count: int) -> list[int]:
    return [_number(stream) for _ in range(count)]


def _message(data: bytes) -> Message:
    fields: Message = {}
    stream = BytesIO(data)
    while stream.tell() < len(data):
        field, kind = divmod(_number(stream), 8)
        if kind == 0:
            value: bytes | int = _number(stream)
        else:
            value = stream.read({1: 8, 5: 4}[kind] if kind != 2 else _number(stream))
        fields.setdefault(field, []).append(value)
    return fields


def _field(message: Message, field: int) -> Any:
    """A field that does not repeat; numbers that are zero are left out."""
    return message.get(field, [0])[-1]


def _text(files: Sequence[Path], entry: Message) -> bytes:
    """Return a text, which follows its length and a checksum."""
    size = _field(entry, 5)
    if size > LARGEST_INDEX:
        raise MechcoreError(f"has a description of more than {LARGEST_INDEX} bytes")
    stream = BytesIO(_bytes(files, entry).tobytes())
    length = _number(stream)
    return stream.read(4 + length)[4:]


def _names(keys: list[str], objects: bytes) -> dict[str, str]:
    """Names of variables by their keys, in the order of the model."""
    nodes = map(_message, _message(objects).get(1, []))
    attributes = [_message(each) for node in nodes for each in node.get(2, [])]
    given = {
        each[3][0].decode(): each[2][0].decode() for each in attributes if 2 in each and 3 in each
    }
    counts = Counter(given.values())
    names = {}
    # Keys number the layers of a model of Keras; the names that they had in it may repeat.
    for key in sorted(keys, key=lambda key: (_is_slot(key), natural_order(key))):
        name = given.get(key, "")
        names[key] = name if counts[name] == 1 and not _is_slot(key) else key.removesuffix(VALUE)
    return names


def _is_slot(name: str) -> bool:
    """Whether a variable is the optimiser's, in a model of objects."""
    return "/.OPTIMIZER_SLOT/" in name or name.startswith("optimizer/")


def _tensor(name: str, entry: Message, files: Sequence[Path], variables: set[str]) -> Tensor:
    shape = tuple(
        _field(_message(axis), 1) for axis in _message(_field(entry, 2) or b"").get(2, [])
    )
    dtype = TYPES.get(_field(entry, 1), "unknown")
    *owners, variable = name.split("/")
    # Without objects, an optimiser adds its word to the name of the variable.
    slot = "/".join(owners) in variables and not name.endswith(AVERAGE)
    if slot or _is_slot(name):
        return unread(name, "a state of the optimiser", shape)
    if 7 in entry:
        return unread(name, "a variable in pieces", shape)
    kinds = [KINDS[key] for key in map(class_key, owners[::-1]) if key in KINDS]
    return Tensor(
        # Averages stand beside what they are of.
        f"ema/{name.removesuffix(AVERAGE)}" if name.endswith(AVERAGE) else name,
        shape,
        dtype,
        partial(_values, name, entry, files, dtype, shape),
        layout="keras",
        kind="depthwise" if variable.startswith("depthwise_") else next(iter(kinds), None),
    )


def _values(
    name: str, entry: Message, files: Sequence[Path], dtype: str, shape: tuple[int, ...]
) -> NDArray[np.generic]:
    needed, stated = math.prod(shape) * np.dtype(FLOATS[dtype]).itemsize, _field(entry, 5)
    if needed != stated:
        claim = f"{shown(name)} declares {needed} bytes of values but holds {stated}"
        raise MechcoreError(claim)
    return _bytes(files, entry).view(FLOATS[dtype]).reshape(shape)


def _bytes(files: Sequence[Path], entry: Message) -> NDArray[np.uint8]:
    file, start, size = (_field(entry, field) for field in (3, 4, 5))
    return np.fromfile(files[file], np.uint8, size, offset=start)
