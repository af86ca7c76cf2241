"""Networks for tests, built as ONNX graphs from arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Array = NDArray[np.float64]


def node(op: str, *inputs: str, to: str, **attributes: Any) -> onnx.NodeProto:
    """A node that is named as what it makes."""
    return helper.make_node(op, inputs, [to], name=to, **attributes)


def model(
    nodes: Sequence[onnx.NodeProto],
    arrays: Mapping[str, NDArray[Any]],
    shape: tuple[int | str, int | str, int | str] = (1, 9, 9),
    opset: int = 18,
) -> onnx.ModelProto:
    """A network from ``image`` to what its last node makes."""
    image = helper.make_tensor_value_info("image", TensorProto.DOUBLE, [1, *shape])
    output = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.DOUBLE, None)
    stored = [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()]
    graph = helper.make_graph(nodes, "network", [image], [output], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
