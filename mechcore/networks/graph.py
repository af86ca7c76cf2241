"""Reads an ONNX model as steps that run one after the other, in double precision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from mechcore.errors import InvalidValue, MechcoreError, did_you_mean, shown
from mechcore.networks.batchnorm import with_batchnorm
from mechcore.networks.checks import (
    node_name,
    opset_of,
    refused,
    require_operators,
    require_order,
    require_plausible_sizes,
    require_stored,
    require_strides,
)
from mechcore.networks.operators import JOINTS, RULES
from mechcore.networks.step import LAYERS, Step
from mechcore.networks.windows import Values

CONSTANT = (
    *("Constant", "Identity", "Cast", "DequantizeLinear", "Reshape", "Transpose", "Squeeze"),
    *("Unsqueeze", "Shape", "Gather", "Concat", "Slice"),
    *("Add", "Sub", "Mul", "Div", "Floor", "Ceil"),
)
"""What may be computed from constants: kernels that are stored in another form, and sizes."""


@dataclass(frozen=True, eq=False)
class Graph:
    """A network."""

    steps: tuple[Step, ...]
    constants: Mapping[str, Values]
    image: str
    """Name of the input."""


def load_graph(model: onnx.ModelProto, shape: Sequence[int], until: str | None = None) -> Graph:
    """Read a network, or the part of it that a node needs, for (channel, y, x) images."""
    proto = onnx.ModelProto()
    # Nodes are given names.
    proto.CopyFrom(model)
    image, _ = image_input(proto)
    opset = opset_of(proto)
    for tensor in proto.graph.initializer:
        require_stored(tensor)
    nodes = [node for node in proto.graph.node if image not in node.output]
    require_order(nodes, {image, *(each.name for each in proto.graph.initializer)})
    nodes = _needed(nodes, _ends(proto.graph, until))
    require_operators(nodes, image, RULES, JOINTS, CONSTANT)
    require_strides(nodes)
    sized = helper.make_tensor_value_info(image, TensorProto.FLOAT, [1, *shape])
    require_plausible_sizes(proto, nodes, sized)
    constants = {
        each.name: _in_double(numpy_helper.to_array(each)) for each in proto.graph.initializer
    }
    nodes = _without_constants(nodes, constants, opset)
    _name_layers(nodes)
    _require_finite(nodes, constants)
    nodes = with_batchnorm(nodes, constants)
    return Graph(tuple(Step(node, opset) for node in nodes), constants, image)


def image_input(model: onnx.ModelProto) -> tuple[str, tuple[int | None, ...]]:
    """Return the name of a network's images, and their channels, height and width.

    They are None where it leaves them open. A network that begins by putting channels to the front
    gets images in that order.
    """
    stored = {each.name for each in model.graph.initializer}
    inputs = [each for each in model.graph.input if each.name not in stored]
    if len(inputs) != 1:
        raise MechcoreError(f"it has {len(inputs)} inputs, expected one of images")
    name = inputs[0].name
    axes = [each.dim_value or None for each in inputs[0].type.tensor_type.shape.dim]
    if len(axes) != 4:
        raise MechcoreError(
            f"input {shown(name)} has {len(axes)} axes, expected (image, channel, y, x)"
        )
    users = [node for node in model.graph.node if name in node.input]
    if [_puts_channels_first(node) for node in users] == [True]:
        return users[0].output[0], (axes[3], axes[1], axes[2])
    return name, tuple(axes[1:])


def _puts_channels_first(node: NodeProto) -> bool:
    orders = [tuple(item.ints) for item in node.attribute if item.name == "perm"]
    return node.op_type == "Transpose" and orders == [(0, 3, 1, 2)]


def _in_double(values: Values) -> Values:
    """Floating-point values in double precision, and others as they are."""
    is_float = values.dtype.kind == "f" or "float" in values.dtype.name
    return values.astype(np.float64) if is_float else values


def _ends(graph: onnx.GraphProto, until: str | None) -> set[str]:
    """Names of the tensors at which the analysis ends."""
    if until is None:
        return {each.name for each in graph.output}
    for node in graph.node:
        if until in (node.name, *node.output):
            return {node.output[0]}
    known = [node_name(node) for node in graph.node]
    raise InvalidValue("until", until, f"the name of a node{did_you_mean(until, known)}")


def _needed(nodes: list[NodeProto], wanted: set[str]) -> list[NodeProto]:
    needed: list[NodeProto] = []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            needed.append(node)
            wanted.update(node.input)
    return needed[::-1]


def _without_constants(
    nodes: list[NodeProto], constants: dict[str, Values], opset: int
) -> list[NodeProto]:
    """Run what depends on no image, and return the other nodes."""
    kept = []
    for node in nodes:
        given = [constants.get(name) for name in node.input if name]
        if node.op_type in CONSTANT and all(each is not None for each in given):
            values = (constants.get(name) for name in node.input)
            constants[node.output[0]] = _in_double(Step(node, opset)(*values)[0])
        else:
            kept.append(node)
    return kept


def _name_layers(nodes: list[NodeProto]) -> None:
    """Give layers the names that `mechcore filters` gives their kernels."""
    layers = [node for node in nodes if node.op_type in LAYERS and len(node.input) > 1]
    counts = Counter(node.name for node in layers)
    for node in layers:
        if not node.name or counts[node.name] > 1:
            node.name = node.input[1]
    # Layers may share kernels.
    counts = Counter(node.name for node in layers)
    for node in layers:
        if counts[node.name] > 1:
            node.name = node.output[0]


def _require_finite(nodes: list[NodeProto], constants: Mapping[str, Values]) -> None:
    for node in nodes:
        weights = constants.get(node.input[1]) if node.op_type in LAYERS else None
        if weights is not None and not np.isfinite(weights).all():
            raise refused(node, "some of its weights are infinite or not a number")
