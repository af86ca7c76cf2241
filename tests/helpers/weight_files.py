"""Writes weight files as the libraries do, for the tests of their readers."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


def write_safetensors(path: Path, arrays: Arrays) -> None:
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)


def write_raw_safetensors(path: Path, dtype: str, shape: tuple[int, ...], values: bytes) -> None:
    """Write one tensor, ``conv.weight``, of any type."""
    entry = {"dtype": dtype, "shape": list(shape), "data_offsets": [0, len(values)]}
    header = json.dumps({"conv.weight": entry}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + values)


def write_npz(path: Path, arrays: Arrays) -> None:
    np.savez(path, **dict(arrays))


def write_torch(path: Path, arrays: Arrays) -> None:
    torch = pytest.importorskip("torch")
    torch.save({name: torch.from_numpy(array.copy()) for name, array in arrays.items()}, path)


def onnx_model(nodes: list[Any], initializers: Arrays) -> Any:
    onnx = pytest.importorskip("onnx")
    tensors = [onnx.numpy_helper.from_array(array, name) for name, array in initializers.items()]
    graph = onnx.helper.make_graph(nodes, "graph", [], [], initializer=tensors)
    return onnx.helper.make_model(graph)


def write_onnx(path: Path, arrays: Arrays) -> None:
    onnx = pytest.importorskip("onnx")
    convolved = [name for name, array in arrays.items() if array.ndim > 2]
    nodes = [onnx.helper.make_node("Conv", ["x", name], [f"y{name}"]) for name in convolved]
    onnx.save(onnx_model(nodes, arrays), path)


def keras_order(array: NDArray[Any]) -> NDArray[Any]:
    return np.moveaxis(array, (0, 1), (-1, -2)) if array.ndim > 2 else array


def write_hdf5(path: Path | io.BytesIO, arrays: Arrays) -> None:
    """Write datasets under their paths, as they are."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as stored:
        for name, array in arrays.items():
            stored[name] = array


def write_weights_h5(path: Path | io.BytesIO, arrays: Arrays) -> None:
    names = [f"layers/conv2d_{place}/vars/0" for place in range(len(arrays))]
    write_hdf5(path, dict(zip(names, map(keras_order, arrays.values()), strict=True)))


def write_keras(path: Path, arrays: Arrays, **options: Any) -> None:
    weights = io.BytesIO()
    write_weights_h5(weights, arrays)
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", weights.getvalue())


def varint(number: int) -> bytes:
    """A number as TensorFlow's formats have it: seven bits a byte, the lowest first."""
    rest = number >> 7
    return bytes([number & 127 | 128]) + varint(rest) if rest else bytes([number])


def protobuf(*fields: tuple[int, int | bytes]) -> bytes:
    """A message of Protocol Buffers, of numbers and of bytes."""
    return b"".join(
        varint(8 * field) + varint(value)
        if isinstance(value, int)
        else varint(8 * field + 2) + varint(len(value)) + value
        for field, value in fields
    )


def leveldb_table(entries: Mapping[str, bytes], compression: int = 0, named: int = 1) -> bytes:
    """A sorted table in one block, whose keys leave out what they share with the one before.

    The index names that block once, or more often.
    """
    block, before = b"", b""
    for name, value in sorted(entries.items()):
        key = name.encode()
        kept = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(before, key, strict=False))))
        block += varint(kept) + varint(len(key) - kept) + varint(len(value)) + key[kept:] + value
        before = key
    restart = struct.pack("<II", 0, 1)
    block += restart
    place = varint(0) + varint(len(block))
    index = (varint(0) + varint(1) + varint(len(place)) + b"z" + place) * named + restart
    footer = varint(0) + varint(0) + varint(len(block) + 5) + varint(len(index))
    end = bytes([compression]) + bytes(4)
    magic = bytes.fromhex("57fb808b247547db")
    return block + end + index + end + footer.ljust(40, b"\0") + magic


def bundle_entry(array: NDArray[Any], offset: int) -> bytes:
    shape = protobuf(*((2, protobuf((1, length))) for length in array.shape))
    dtype = {"float32": 1, "float64": 2, "int64": 9, "float16": 19}[array.dtype.name]
    return protobuf((1, dtype), (2, shape), (4, offset), (5, array.nbytes))


def write_bundle(path: Path, arrays: Arrays, objects: Mapping[str, str] | None = None) -> None:
    """Write variables as TensorFlow does, as they are; names of objects by their keys."""
    entries, values = {"": protobuf((1, 1), (3, protobuf((1, 1))))}, b""
    for name, array in arrays.items():
        entries[name] = bundle_entry(array, len(values))
        values += array.tobytes()
    if objects is not None:
        given = [protobuf((2, name.encode()), (3, key.encode())) for key, name in objects.items()]
        graph = protobuf((1, protobuf(*((2, each) for each in given))))
        text = varint(len(graph)) + bytes(4) + graph
        entries["_CHECKPOINTABLE_OBJECT_GRAPH"] = protobuf((1, 7), (4, len(values)), (5, len(text)))
        values += text
    path.write_bytes(leveldb_table(entries))
    path.with_suffix(".data-00000-of-00001").write_bytes(values)


def write_index(path: Path, arrays: Arrays) -> None:
    write_bundle(path, {name: keras_order(array) for name, array in arrays.items()})


WRITERS: dict[str, Callable[[Path, Arrays], None]] = {
    ".safetensors": write_safetensors,
    ".npz": write_npz,
    ".onnx": write_onnx,
    ".pt": write_torch,
    ".pth": write_torch,
    ".weights.h5": write_weights_h5,
    ".h5": write_weights_h5,
    ".keras": write_keras,
    ".index": write_index,
}
"""Writers of kernels in the order of torch by suffix."""

WRITTEN_BY = {".onnx": "onnx", ".pt": "torch", ".pth": "torch", ".h5": "h5py", ".keras": "h5py"}
"""What writes a format, where that is not what every machine has."""

each_format = pytest.mark.parametrize("suffix", [name for name in WRITERS if name != ".index"])
"""Formats of one file."""
