"""Moments of linear networks equal those of the kernel that brute force composes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from mechcore.networks.network import kernel_moments, unit_moments
from tests.helpers.onnx_models import Array, model, node

SIDE = 13
"""px: the central units of all networks see no edge."""


class Stack(NamedTuple):
    nodes: list[onnx.NodeProto]
    shapes: dict[str, tuple[int, ...]]
    """Of random weights."""
    arrays: dict[str, Any] = {}  # noqa: RUF012 - read only
    period: int = 1
    """Of units between two of the layer before: the kernels are means over them."""
    own_weights: bool = False
    """Whether operators have weights that are no array: their squares need another network."""


def _conv(of: str, weights: str, to: str, **attributes: Any) -> onnx.NodeProto:
    return node("Conv", of, weights, to=to, **attributes)


SAME = {"pads": [1, 1, 1, 1]}

STACKS = {
    "channels": Stack(
        [_conv("image", "a", "first", **SAME), _conv("first", "b", "last", **SAME)],
        {"a": (3, 2, 3, 3), "b": (2, 3, 3, 3)},
    ),
    "strides and dilation": Stack(
        [
            _conv("image", "a", "first", strides=[2, 1], **SAME),
            _conv("first", "b", "last", dilations=[1, 2], pads=[1, 2, 1, 2]),
        ],
        {"a": (3, 2, 3, 3), "b": (2, 3, 3, 3)},
    ),
    "even sizes": Stack(
        [
            _conv("image", "a", "first", pads=[0, 1, 1, 0]),
            _conv("first", "b", "last", strides=[2, 2], pads=[1, 1, 2, 2]),
        ],
        {"a": (3, 2, 2, 4), "b": (2, 3, 4, 2)},
    ),
    "depthwise and groups": Stack(
        [
            _conv("image", "a", "first", group=2, **SAME),
            _conv("first", "b", "last", group=2, **SAME),
        ],
        {"a": (4, 1, 3, 3), "b": (2, 2, 3, 3)},
    ),
    "residual": Stack(
        [
            _conv("image", "a", "first", **SAME),
            _conv("first", "b", "second", **SAME),
            _conv("image", "c", "short"),
            node("Add", "second", "short", to="sum"),
            _conv("sum", "d", "last"),
        ],
        {"a": (3, 2, 3, 3), "b": (2, 3, 3, 3), "c": (2, 2, 1, 1), "d": (1, 2, 3, 3)},
    ),
    "branches with other fields": Stack(
        [
            _conv("image", "a", "even", pads=[0, 0, 1, 1]),
            _conv("image", "b", "odd", **SAME),
            node("Concat", "even", "odd", to="both", axis=1),
            _conv("both", "c", "last"),
        ],
        {"a": (2, 2, 2, 2), "b": (1, 2, 3, 3), "c": (2, 3, 2, 2)},
    ),
    "mean and batch normalisation": Stack(
        [
            node("Mul", "image", "factors", to="scaled"),
            node("AveragePool", "scaled", to="mean", kernel_shape=[2, 3], strides=[1, 2]),
            node("BatchNormalization", "mean", "g", "s", "m", "v", to="normal"),
            _conv("normal", "a", "first"),
            node("BatchNormalization", "first", "g", "s", "m", "v", to="last"),
        ],
        {"a": (2, 2, 3, 3)},
        {
            "factors": np.array([2.0, -1.0]).reshape(1, 2, 1, 1),
            "g": np.array([-1.0, 2.0]),
            "s": np.array([0.5, 1.0]),
            "m": np.array([0.1, 0.2]),
            "v": np.array([0.5, 2.0]),
        },
        own_weights=True,
    ),
    "transposed": Stack(
        [
            _conv("image", "a", "first", strides=[2, 2], **SAME),
            node("ConvTranspose", "first", "b", to="up", strides=[2, 2], pads=[1, 0, 1, 0]),
            _conv("up", "c", "last"),
        ],
        {"a": (2, 2, 3, 3), "b": (2, 3, 4, 2), "c": (2, 3, 1, 1)},
        period=2,
    ),
    "nearest": Stack(
        [
            node("Resize", "image", "", "scales", to="up", mode="nearest"),
            _conv("up", "a", "last", **SAME),
        ],
        {"a": (2, 2, 3, 3)},
        {"scales": np.array([1, 1, 2, 3], np.float32)},
        period=6,
    ),
    "bilinear": Stack(
        [
            node("Resize", "image", "", "scales", to="up", mode="linear"),
            _conv("up", "a", "last", **SAME),
        ],
        {"a": (2, 2, 3, 3)},
        {"scales": np.array([1, 1, 2, 2], np.float32)},
        period=2,
        own_weights=True,
    ),
    "whole": Stack(
        [
            _conv("image", "a", "first", strides=[3, 3]),
            node("Flatten", "first", to="flat"),
            node("Gemm", "flat", "b", "bias", to="last", transB=1),
        ],
        {"a": (2, 2, 1, 1), "b": (3, 2 * 5 * 5), "bias": (3,)},
    ),
    "mean of all": Stack(
        [
            _conv("image", "a", "first", strides=[3, 3]),
            node("GlobalAveragePool", "first", to="mean"),
            _conv("mean", "b", "last"),
        ],
        {"a": (2, 2, 1, 1), "b": (3, 2, 1, 1)},
        own_weights=True,
    ),
}


def _network(stack: Stack, rng: np.random.Generator, power: int = 1) -> onnx.ModelProto:
    weights = {name: rng.standard_normal(shape) ** power for name, shape in stack.shapes.items()}
    return model(stack.nodes, weights | stack.arrays, (2, SIDE, SIDE))


def _jacobian(network: onnx.ModelProto) -> Array:
    """Derivative of all units by all pixels of a linear network, (channel, y, x, *pixel)."""
    pixels = np.eye(2 * SIDE**2).reshape(-1, 2, SIDE, SIDE)
    run = ReferenceEvaluator(network).run
    rest = run(None, {"image": np.zeros((1, 2, SIDE, SIDE))})[0]
    made = run(None, {"image": pixels})[0] - rest
    made = made.reshape(*made.shape, *[1] * (4 - made.ndim))
    return np.moveaxis(made, 0, -1).reshape(*made.shape[1:], 2, SIDE, SIDE)


def _monomials(x: Array, y: Array) -> Array:
    x, y = np.broadcast_arrays(x, y)
    return np.stack([np.ones_like(x), x, y, x * x, y * y, x * y])


PIXELS = np.arange(SIDE) - (SIDE - 1) / 2


def _last(layers: dict[str, Any]) -> Any:
    return [*layers.values()][-1]


@pytest.mark.parametrize(
    ("name", "power"),
    [
        (name, power)
        for name in STACKS
        for power in (1, 2)
        if power == 1 or not STACKS[name].own_weights
    ],
)
def test_kernels_alone(name: str, power: int) -> None:
    stack = STACKS[name]
    found = _last(kernel_moments(_network(stack, np.random.default_rng(5))))[power - 1]
    jacobian = _jacobian(_network(stack, np.random.default_rng(5), power))
    height, width = jacobian.shape[1:3]
    block = [slice((n - stack.period) // 2, (n + stack.period) // 2) for n in (height, width)]
    if stack.period == 1:
        block = [slice(n // 2, n // 2 + 1) for n in (height, width)]
    x, y = (found.grid.axis(axis)[part] for axis, part in ((0, block[1]), (1, block[0])))
    about = _monomials(
        PIXELS - x[:, np.newaxis, np.newaxis],
        PIXELS[:, np.newaxis] - y[:, np.newaxis, np.newaxis, np.newaxis],
    )
    expected = np.einsum("oyxipq,myxpq->moi", jacobian[:, block[0], block[1]], about)
    expected /= len(x) * len(y)
    # Sums of hundreds of products of size 100 or so.
    np.testing.assert_allclose(found.moments, expected, rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("name", STACKS)
def test_all_units_of_a_linear_network(name: str, rng: np.random.Generator) -> None:
    network = _network(STACKS[name], rng)
    image = rng.standard_normal((2, SIDE, SIDE))
    found = _last(unit_moments(network, image)).signed
    monomials = _monomials(PIXELS, PIXELS[:, np.newaxis])
    expected = np.einsum("oyxipq,ipq,mpq->moyx", _jacobian(network), image, monomials)
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-12, atol=1e-11)
