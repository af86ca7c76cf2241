"""A node of a network that runs on arrays, by the reference evaluator of ONNX."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from onnx import NodeProto, TensorProto, helper
from onnx.reference import ReferenceEvaluator

from mechcore.networks.runtime import NEW_OPS
from mechcore.networks.windows import Values

LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Operators whose second input is a matrix of kernels."""


class Step:
    """A node that runs on arrays."""

    def __init__(self, node: NodeProto, opset: int) -> None:
        self.node, self.opset = node, opset
        self.kind = str(node.op_type)
        # A node may have one tensor as two inputs.
        self._names = [f"input{place}" if name else "" for place, name in enumerate(node.input)]

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """Attributes by name."""
        known = {item.name: helper.get_attribute_value(item) for item in self.node.attribute}
        return {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in known.items()
        }

    @cached_property
    def _evaluator(self) -> ReferenceEvaluator:
        clone = NodeProto()
        clone.CopyFrom(self.node)
        del clone.input[:], clone.output[:]
        clone.input.extend(self._names)
        # A MaxPool always says which pixel it took.
        clone.output.extend(["output", "place"] if self.kind == "MaxPool" else ["output"])
        inputs, outputs = _infos(filter(None, self._names)), _infos(clone.output)
        graph = helper.make_graph([clone], "node", inputs, outputs)
        return ReferenceEvaluator(graph, opsets={"": self.opset}, new_ops=NEW_OPS)

    def __call__(self, *inputs: Values | None) -> list[Values]:
        """Return the outputs of the node; None stands for inputs that it does not have."""
        feeds = {
            name: value
            for name, value in zip(self._names, inputs, strict=True)
            if name and value is not None
        }
        return list(self._evaluator.run(None, feeds))


def _infos(names: Iterable[str]) -> list[Any]:
    return [helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in names]
