"""Writes weight files as the libraries do, for the tests of their readers."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping
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


WRITERS: dict[str, Callable[[Path, Arrays], None]] = {
    ".safetensors": write_safetensors,
    ".npz": write_npz,
    ".onnx": write_onnx,
    ".pt": write_torch,
    ".pth": write_torch,
    ".weights.h5": write_weights_h5,
    ".h5": write_weights_h5,
    ".keras": write_keras,
}
"""Writers of kernels in the order of torch by suffix."""

WRITTEN_BY = {".onnx": "onnx", ".pt": "torch", ".pth": "torch", ".h5": "h5py", ".keras": "h5py"}
"""What writes a format, where that is not what every machine has."""

each_format = pytest.mark.parametrize("suffix", list(WRITERS))
