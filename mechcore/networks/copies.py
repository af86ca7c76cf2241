"""Copies of a network with other weights: what would be seen without what was learned."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import numpy as np
import onnx
from onnx import numpy_helper

from mechcore.io.arrays import Array
from mechcore.networks.step import LAYERS

SPATIAL = ("Conv", "ConvTranspose")
"""Layers whose kernels have positions."""


def flipped(model: onnx.ModelProto, seed: int) -> onnx.ModelProto:
    """Return a copy in which each kernel is mirrored in x and in y, each with probability 1/2.

    Kernels keep their energy, their width and the sum of their taps; their momenta get random
    signs.
    """
    generator = np.random.default_rng(seed)

    def mirrored(kernels: Array) -> Array:
        for axis in range(2, kernels.ndim):
            chosen = generator.random(kernels.shape[:2]) < 0.5
            kernels = np.where(
                chosen.reshape(*chosen.shape, *[1] * (kernels.ndim - 2)),
                np.flip(kernels, axis),
                kernels,
            )
        return kernels

    return _with_weights(model, SPATIAL, mirrored)


def untrained(model: onnx.ModelProto, seed: int) -> onnx.ModelProto:
    """Return a copy whose weights are normal deviates with each layer's own standard deviation."""
    generator = np.random.default_rng(seed)
    return _with_weights(
        model, LAYERS, lambda weights: generator.normal(0.0, weights.std(), weights.shape)
    )


def _with_weights(
    model: onnx.ModelProto, operators: Collection[str], change: Callable[[Array], Array]
) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    names = {node.input[1] for node in copy.graph.node if node.op_type in operators}
    for name, tensor in _constants(copy.graph):
        if name in names:
            values = numpy_helper.to_array(tensor)
            changed = change(values.astype(np.float64)).astype(values.dtype)
            tensor.CopyFrom(numpy_helper.from_array(changed, tensor.name))
    return copy


def _constants(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Stored tensors by the names under which nodes use them."""
    for tensor in graph.initializer:
        yield tensor.name, tensor
    for node in graph.node:
        if node.op_type == "Constant":
            yield from ((node.output[0], item.t) for item in node.attribute if item.name == "value")
