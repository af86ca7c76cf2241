"""Reads ``.onnx``: the graph states which tensors are the weights of convolutions."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from mechcore.errors import shown
from mechcore.filters.formats import WeightFileError
from mechcore.filters.formats.tensors import Tensor, unread

KINDS = {"Conv": "convolution", "FusedConv": "convolution", "ConvTranspose": "transposed"}
"""Nodes whose second input is a kernel, and what they do with it."""

Named = tuple[str, onnx.TensorProto]


@dataclass(frozen=True)
class _Scope:
    """What a graph can use by name: its own, and that of the graphs around it."""

    tensors: ChainMap[str, Named] = field(default_factory=ChainMap)
    producers: ChainMap[str, onnx.NodeProto] = field(default_factory=ChainMap)


@contextmanager
def open_tensors(path: Path) -> Generator[list[Tensor]]:
    """Open an ``.onnx`` file."""
    model = onnx.load(path, load_external_data=False)
    if any(node.op_type in KINDS for function in model.functions for node in function.node):
        advice = "expand them with onnx.inliner.inline_local_functions"
        raise WeightFileError(path, f"has convolutions inside of functions: {advice}")
    stored: dict[str, onnx.TensorProto] = {}
    kernels: dict[str, Tensor] = {}
    for scope, nodes in _graphs(path, model.graph, _Scope(), ""):
        stored.update(scope.tensors.maps[0].values())
        for node in nodes:
            kernel = _kernel(path, node, scope)
            kernels.setdefault(kernel.name, kernel)
    others = [
        unread(name, "not the kernel of a convolution", tuple(tensor.dims))
        for name, tensor in stored.items()
        if name not in kernels
    ]
    yield [*kernels.values(), *others]


def _graphs(
    path: Path, graph: onnx.GraphProto, outer: _Scope, prefix: str
) -> Iterator[tuple[_Scope, list[onnx.NodeProto]]]:
    """Yield each graph's scope and its convolutions, from the outside in."""
    scope = _inner_scope(path, graph, outer, prefix)
    yield scope, [node for node in graph.node if node.op_type in KINDS and len(node.input) > 1]
    for place, node in enumerate(graph.node):
        for attribute in node.attribute:
            for number, inner in enumerate([attribute.g, *attribute.graphs]):
                if inner.node:
                    name = f"{prefix}{node.op_type}_{place}.{attribute.name}.{number}/"
                    yield from _graphs(path, inner, scope, name)


def _inner_scope(path: Path, graph: onnx.GraphProto, outer: _Scope, prefix: str) -> _Scope:
    pairs = [(tensor.name, tensor) for tensor in graph.initializer]
    for node in graph.node:
        if node.op_type == "Constant" and node.output:
            pairs += [(node.output[0], item.t) for item in node.attribute if item.name == "value"]
    own = {name: (f"{prefix}{name}", tensor) for name, tensor in pairs}
    if len(own) < len(pairs):
        raise WeightFileError(path, "holds two tensors with the same name")
    producers = {output: node for node in graph.node for output in node.output}
    return _Scope(outer.tensors.new_child(own), outer.producers.new_child(producers))


def _kernel(path: Path, node: onnx.NodeProto, scope: _Scope) -> Tensor:
    source = _source(node.input[1], scope)
    if source not in scope.tensors:
        producer = scope.producers.get(source)
        reason = f"computed by {producer.op_type}" if producer else "not stored as an array"
        # Names that are no UTF-8 come as bytes.
        return unread(str(source), f"kernel that is {reason}")
    name, tensor = scope.tensors[source]
    shape, kind = tuple(tensor.dims), KINDS[node.op_type]
    if any(length < 0 for length in shape):
        raise WeightFileError(path, f"{shown(name)} declares a negative length: {shown(shape)}")
    groups = next((item.i for item in node.attribute if item.name == "group"), 1)
    if groups < 1 or (kind == "transposed" and shape and shape[0] % groups):
        raise WeightFileError(path, f"{shown(name)} cannot be split into {groups} groups")
    dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type).name
    return Tensor(name, shape, dtype, partial(_values, path, name, tensor), "torch", kind, groups)


def _source(name: str, scope: _Scope) -> str:
    # Exporters point to shared weights through nodes that only pass them on. No more nodes than
    # there are can do so: beyond that they form a circle.
    for _ in range(len(scope.producers)):
        producer = scope.producers.get(name)
        if name in scope.tensors or producer is None or producer.op_type != "Identity":
            break
        name = producer.input[0]
    return name


def _values(path: Path, name: str, tensor: onnx.TensorProto) -> NDArray[np.generic]:
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        advice = "save the model with its weights in one file"
        claim = f"{shown(name)} is in another file, which is not opened: {advice}"
        raise WeightFileError(path, claim)
    return numpy_helper.to_array(tensor)
