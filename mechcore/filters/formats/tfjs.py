"""Reads TensorFlow.js: a model in JSON, and files beside it with the values."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechcore.errors import shown
from mechcore.experiment.weight_files import MANIFEST, parts_of, read_index
from mechcore.filters.formats.keras_model import KINDS, LayerClass, classes_of, is_fixed, layer_of
from mechcore.filters.formats.tensors import Tensor

OPERATIONS = {
    "Conv2D": "convd",
    "_FusedConv2D": "convd",
    "DepthwiseConv2dNative": "depthwiseconvd",
    "FusedDepthwiseConv2dNative": "depthwiseconvd",
    "Conv2DBackpropInput": "convdtranspose",
}
"""Operations of TensorFlow whose second input is a kernel, and the layer of Keras that each is."""


@contextmanager
def open_tensors(path: Path) -> Generator[list[Tensor]]:
    """Open a model of TensorFlow.js."""
    index, parts = read_index(path), {part.name: part for part in parts_of(path)}
    topology = index.get("modelTopology") or {}
    classes = classes_of(json.dumps(topology))
    operations = _operations(topology.get("node", []))

    def layer(name: str) -> LayerClass:
        return operations.get(name) or layer_of(name.split("/")[:-1], classes)

    yield [
        replace(
            _tensor(entry, layer(str(entry["name"])), values),
            fixed=is_fixed(str(entry["name"]).split("/")[:-1], classes),
        )
        for group in index[MANIFEST]
        for entry, values in _packed(parts, group)
    ]


def _operations(nodes: list[dict[str, Any]]) -> dict[str, LayerClass]:
    """What a graph does with its constants, by their names."""
    return {
        node["input"][1]: LayerClass(OPERATIONS[node["op"]])
        for node in nodes
        if node["op"] in OPERATIONS
    }


def _packed(
    parts: Mapping[str, Path], group: Mapping[str, Any]
) -> Iterator[tuple[Any, Callable[[], bytes]]]:
    """Yield the tensors of a group, whose bytes follow each other from one file into the next."""
    files = [parts[name] for name in group["paths"]]
    joined = cache(lambda: b"".join(file.read_bytes() for file in files))
    start = 0
    for entry in group["weights"]:
        if min(entry["shape"], default=0) < 0:
            message = f"{shown(entry['name'])} declares a negative length: {shown(entry['shape'])}"
            raise ValueError(message)
        end = start + prod(entry["shape"]) * _stored(entry).itemsize
        yield entry, partial(lambda first, last: joined()[first:last], start, end)
        start = end


def _stored(entry: Mapping[str, Any]) -> np.dtype[Any]:
    stored: np.dtype[Any] = np.dtype(str(entry.get("quantization", entry)["dtype"]))
    return stored


def _tensor(entry: Mapping[str, Any], layer: LayerClass, packed: Callable[[], bytes]) -> Tensor:
    shape, quantised = tuple(entry["shape"]), "quantization" in entry

    def read() -> NDArray[Any]:
        values = np.frombuffer(packed(), _stored(entry)).reshape(shape)
        scale = entry.get("quantization", {})
        return values * scale.get("scale", 1) + scale.get("min", 0) if quantised else values

    return Tensor(
        str(entry["name"]),
        shape,
        "float32" if quantised else _stored(entry).name,
        read,
        layout="keras",
        kind=KINDS.get(layer.key),
        dilations=layer.steps("dilation_rate", len(shape) - 2),
        strides=layer.steps("strides", len(shape) - 2),
    )
