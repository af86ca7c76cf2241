"""What is refused before a network runs: one line that names the node or the tensor."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import onnx
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, shape_inference

from mechcore.errors import MechcoreError, one_line, shortened, shown

OWN_DOMAINS = ("", "ai.onnx")

MOST_UNITS = 2**25
"""Units of a tensor: at 20 numbers a unit, 5 GB. Networks for 512 x 512 px have half as many."""


def node_name(node: NodeProto) -> str:
    """Return the name of a node, or of what it makes."""
    return str(node.name or node.output[0])


def refused(node: NodeProto, reason: str) -> MechcoreError:
    """Return the error of a node that cannot be analysed."""
    operator = one_line(shortened(node.op_type))
    return MechcoreError(f"node {shown(node_name(node))} ({operator}): {reason}")


def opset_of(model: onnx.ModelProto) -> int:
    """Return the version of the operators of a network."""
    versions = [each.version for each in model.opset_import if each.domain in OWN_DOMAINS]
    newest = onnx.defs.onnx_opset_version()
    if not versions or not 1 <= versions[0] <= newest:
        found = versions[0] if versions else "none"
        raise MechcoreError(f"opset {found}: expected one from 1 to {newest}")
    return int(versions[0])


def require_stored(tensor: TensorProto) -> None:
    """Refuse a tensor whose values are elsewhere, or that claims to be too large."""
    if tensor.data_location == TensorProto.EXTERNAL:
        advice = "save the model with its weights in one file"
        raise MechcoreError(
            f"{shown(tensor.name)} is in another file, which is not opened: {advice}"
        )
    _require_size(tensor.name, tensor.dims)


def require_strides(nodes: Sequence[NodeProto]) -> None:
    """Refuse steps of nothing: onnx 1.17 divides by them, which ends the process."""
    for node in nodes:
        steps = [item.ints for item in node.attribute if item.name in ("strides", "dilations")]
        if any(step < 1 for each in steps for step in each):
            raise refused(node, "strides and dilations must be at least 1")


def require_plausible_sizes(
    model: onnx.ModelProto, nodes: Sequence[NodeProto], image: ValueInfoProto
) -> None:
    """Refuse nodes that make too large a tensor of an image."""
    graph = helper.make_graph(nodes, "sized", [image], [], model.graph.initializer)
    sized = helper.make_model(graph, opset_imports=model.opset_import)
    try:
        inferred = shape_inference.infer_shapes(sized, data_prop=True).graph
    except shape_inference.InferenceError as error:
        raise MechcoreError(one_line(str(error).splitlines()[0])) from error
    for each in (*inferred.input, *inferred.value_info):
        lengths = [max(dim.dim_value, 1) for dim in each.type.tensor_type.shape.dim]
        _require_size(each.name, lengths)


def _require_size(name: str, lengths: Sequence[int]) -> None:
    if any(length < 0 for length in lengths) or math.prod(lengths) > MOST_UNITS:
        size = " x ".join(map(str, lengths))
        raise MechcoreError(f"{shown(name)} would be {size}, expected at most {MOST_UNITS} values")


def require_order(nodes: Sequence[NodeProto], known: Collection[str]) -> None:
    """Refuse nodes that stand before what they need, as in a circle."""
    names = {*known, ""}
    for node in nodes:
        if not node.output:
            raise MechcoreError(f"a node of {shown(node.op_type)} makes nothing")
        missing = next((name for name in node.input if name not in names), None)
        if missing is not None:
            raise refused(node, f"no node before it makes its input {shown(missing)}")
        twice = next((name for name in node.output if name and name in names), None)
        if twice is not None:
            raise refused(node, f"another node makes {shown(twice)}, too")
        names.update(node.output)


def require_operators(
    nodes: Sequence[NodeProto],
    image: str,
    alone: Collection[str],
    together: Collection[str],
    constant: Collection[str],
) -> None:
    """Refuse operators without a rule, for one input or several that depend on the image."""
    makers = {image: ""}
    for node in nodes:
        of_image = [makers[name] for name in node.input if name in makers]
        if node.op_type == "Shape" or not of_image:
            known, what = constant, " on constants"
        else:
            several = len(of_image) > 1
            known, what = (together, " of several tensors") if several else (alone, "")
            makers.update(dict.fromkeys(node.output, node_name(node)))
        if node.op_type not in known or node.domain not in OWN_DOMAINS:
            before = f"; --until {shown(of_image[0])} ends before it" if any(of_image[:1]) else ""
            raise refused(node, f"this operator{what} is not supported{before}")
