"""Reads an ONNX file as steps that run one after the other, in double precision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, helper, numpy_helper

from mechcore.errors import InvalidValue, MechcoreError, did_you_mean, shown
from mechcore.networks.batchnorm import with_batchnorm
from mechcore.networks.runtime import Operator
from mechcore.networks.windows import Values

Model = str | Path | bytes | onnx.ModelProto

LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Operators whose second input is a matrix of kernels."""

CONSTANT = (
    *("Identity", "Cast", "Reshape", "Transpose", "DequantizeLinear", "Unsqueeze", "Squeeze"),
    *("Shape", "Gather", "Concat", "Slice", "Add", "Sub", "Mul", "Div", "Floor", "Ceil"),
)
"""What may be computed from constants: kernels that are stored in another form, and sizes."""


@dataclass(frozen=True, eq=False)
class Step:
    """A node that is ready to run."""

    node: NodeProto
    operator: Operator

    @property
    def kind(self) -> str:
        """Name of the operator."""
        return str(self.node.op_type)

    @property
    def name(self) -> str:
        """Name of the node, or of what it makes."""
        return _name(self.node)

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """Attributes by name."""
        known = {item.name: helper.get_attribute_value(item) for item in self.node.attribute}
        return {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in known.items()
        }


@dataclass(frozen=True, eq=False)
class Graph:
    """A network."""

    name: str
    steps: tuple[Step, ...]
    constants: Mapping[str, Values]
    image: str
    """Name of the input."""
    shape: tuple[int | None, ...]
    """Channels, height and width of an image; None for what the network leaves open."""


def load_graph(model: Model, until: str | None = None) -> Graph:
    """Read a network, or the part of it that a node needs."""
    proto, name = _proto(model)
    image, shape = image_input(proto)
    opsets = {each.domain: each.version for each in proto.opset_import}
    opset = opsets.get("", opsets.get("ai.onnx", 1))
    constants = {each.name: _constant(each) for each in proto.graph.initializer}
    nodes = [*proto.graph.node]
    _require_order(nodes, {"", image, *constants})
    nodes = _needed(nodes, _ends(proto.graph, until))
    nodes = _without_constants(nodes, constants, opset)
    _name_layers(nodes)
    nodes = with_batchnorm(nodes, constants)
    steps = tuple(Step(node, Operator(node, opset)) for node in nodes)
    return Graph(name, steps, constants, image, shape)


def _proto(model: Model) -> tuple[onnx.ModelProto, str]:
    if isinstance(model, onnx.ModelProto):
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        return copy, copy.graph.name or "network"
    if isinstance(model, bytes):
        return onnx.load_model_from_string(model), "network"
    return onnx.load(model, load_external_data=False), Path(model).name


def _name(node: NodeProto) -> str:
    return str(node.name or node.output[0])


def _constant(tensor: onnx.TensorProto) -> Values:
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        advice = "save the model with its weights in one file"
        raise MechcoreError(
            f"{shown(tensor.name)} is in another file, which is not opened: {advice}"
        )
    return in_double(numpy_helper.to_array(tensor))


def in_double(values: Values) -> Values:
    """Return floating-point values in double precision, and others as they are."""
    is_float = values.dtype.kind == "f" or "float" in values.dtype.name
    return values.astype(np.float64) if is_float else values


def _require_order(nodes: list[NodeProto], known: set[str]) -> None:
    """Refuse nodes that stand before what they need, as in a circle."""
    for node in nodes:
        missing = next((name for name in node.input if name not in known), None)
        if missing is not None:
            raise MechcoreError(
                f"node {shown(_name(node))} ({node.op_type}) needs {shown(missing)}, which no node"
                " before it makes"
            )
        twice = next((name for name in node.output if name and name in known), None)
        if twice is not None:
            raise MechcoreError(f"two nodes make {shown(twice)}")
        known.update(node.output)


def _ends(graph: onnx.GraphProto, until: str | None) -> set[str]:
    """Names of the tensors at which the analysis ends."""
    if until is None:
        return {each.name for each in graph.output}
    for node in graph.node:
        if until in (node.name, *node.output):
            return {node.output[0]}
    known = [_name(node) for node in graph.node if node.output]
    raise InvalidValue("until", until, f"the name of a node{did_you_mean(until, known)}")


def _needed(nodes: list[NodeProto], wanted: set[str]) -> list[NodeProto]:
    needed: list[NodeProto] = []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            needed.append(node)
            wanted = wanted.union(node.input)
    return needed[::-1]


def _without_constants(
    nodes: list[NodeProto], constants: dict[str, Values], opset: int
) -> list[NodeProto]:
    """Run what depends on no image, and return the other nodes."""
    kept = []
    for node in nodes:
        given = [constants.get(name) for name in node.input]
        stored = node.op_type == "Constant"
        if stored or (node.op_type in CONSTANT and all(each is not None for each in given)):
            constants[node.output[0]] = in_double(Operator(node, opset)(*given)[0])
        else:
            kept.append(node)
    return kept


def _name_layers(nodes: list[NodeProto]) -> None:
    """Give layers the names that `mechcore filters` gives their kernels."""
    layers = [node for node in nodes if node.op_type in LAYERS]
    counts = Counter(node.name for node in layers)
    for node in layers:
        if not node.name or counts[node.name] > 1:
            node.name = node.input[1]


def image_input(model: onnx.ModelProto) -> tuple[str, tuple[int | None, ...]]:
    """Return the name of a network's input, and its channels, height and width."""
    stored = {each.name for each in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in stored]
    if len(inputs) != 1:
        raise MechcoreError(f"it has {len(inputs)} inputs, expected one of images")
    dims = inputs[0].type.tensor_type.shape.dim
    if len(dims) != 4:
        name = shown(inputs[0].name)
        raise MechcoreError(f"input {name} has {len(dims)} axes, expected (image, channel, y, x)")
    return inputs[0].name, tuple(each.dim_value or None for each in dims[1:])
