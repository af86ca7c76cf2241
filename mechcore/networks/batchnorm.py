"""Batch normalisation, put into the convolution before it.

Its factors may be negative: without this, positive paths would follow what a unit is held back by.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
from onnx import NodeProto, helper

from mechcore.filters.formats.tensors import output_factors
from mechcore.networks.windows import Array


def _conv(weights: Array, factors: Array, _: int) -> Array:
    return weights * factors[:, np.newaxis, np.newaxis, np.newaxis]


def _conv_transpose(weights: Array, factors: Array, groups: int) -> Array:
    of_inputs = np.repeat(factors.reshape(groups, -1), len(weights) // groups, axis=0)
    return weights * of_inputs[..., np.newaxis, np.newaxis]


SCALED: dict[str, Callable[[Array, Array, int], Array]] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
}
"""Weights of a layer whose outputs are multiplied by factors."""


def with_batchnorm(nodes: list[NodeProto], constants: dict[str, Array]) -> list[NodeProto]:
    """Return nodes without the batch normalisations that a convolution can take up."""
    uses = Counter(name for node in nodes for name in node.input)
    makers = {output: node for node in nodes for output in node.output}
    kept: list[NodeProto] = []
    folded: dict[str, NodeProto] = {}
    for node in nodes:
        layer = makers.get(node.input[0]) if node.op_type == "BatchNormalization" else None
        if (
            layer is not None
            and layer.op_type in SCALED
            and uses[layer.output[0]] == 1
            and {*node.input[1:], *filter(None, layer.input[1:])} <= {*constants}
        ):
            folded[layer.output[0]] = _folded(layer, node, constants)
        else:
            kept.append(node)
    return [folded.get(node.output[0], node) if node.output else node for node in kept]


def _folded(layer: NodeProto, norm: NodeProto, constants: dict[str, Array]) -> NodeProto:
    """The layer with weights and a bias of its own: other layers may share those it had."""
    attributes = {
        item.name: helper.get_attribute_value(item) for item in (*layer.attribute, *norm.attribute)
    }
    gain, shift, mean, variance = (constants[name] for name in norm.input[1:5])
    factors = output_factors(gain, variance, attributes.get("epsilon", 1e-5))
    bias = constants[layer.input[2]] if len(layer.input) > 2 else np.zeros_like(mean)
    weights = SCALED[layer.op_type](constants[layer.input[1]], factors, attributes.get("group", 1))
    output = norm.output[0]
    names = {f"{output}/weights": weights, f"{output}/bias": (bias - mean) * factors + shift}
    constants.update(names)
    folded = NodeProto()
    folded.CopyFrom(layer)
    del folded.input[1:], folded.output[:]
    folded.input.extend(names)
    folded.output.append(output)
    return folded
