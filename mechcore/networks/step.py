"""A node of a network that is ready to run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from onnx import NodeProto, helper

from mechcore.networks.runtime import Operator

LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")
"""Operators whose second input is a matrix of kernels."""


@dataclass(frozen=True, eq=False)
class Step:
    """A node that is ready to run."""

    node: NodeProto
    opset: int

    @property
    def kind(self) -> str:
        """Name of the operator."""
        return str(self.node.op_type)

    @cached_property
    def operator(self) -> Operator:
        """What runs it."""
        return Operator(self.node, self.opset)

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """Attributes by name."""
        known = {item.name: helper.get_attribute_value(item) for item in self.node.attribute}
        return {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in known.items()
        }
