"""Positive paths equal a random walk that steps back from one unit to the pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from mechcore.networks.network import unit_moments
from tests.helpers.onnx_models import Array, model, node

SHAPE = (2, 6, 5)

SAME = {"pads": [1, 1, 1, 1]}


class Layer(NamedTuple):
    """A node, its other inputs by name, and whether it has weights of both signs."""

    op: str
    arrays: dict[str, tuple[int, ...]] = {}  # noqa: RUF012 - read only
    attributes: dict = {}  # noqa: RUF012 - read only


CHAIN = [
    Layer("Conv", {"a": (3, 2, 3, 3), "a0": (3,)}, SAME),
    Layer("Relu"),
    Layer("MaxPool", {}, {"kernel_shape": [2, 2]}),
    Layer("Conv", {"b": (4, 3, 2, 2), "b0": (4,)}, {"strides": [2, 1]}),
    Layer("Conv", {"c": (3, 4, 2, 2), "c0": (3,)}, SAME),
    Layer("AveragePool", {}, {"kernel_shape": [2, 2]}),
    Layer("ConvTranspose", {"d": (3, 2, 2, 2), "d0": (2,)}, {"strides": [2, 2]}),
]


def _nodes() -> list[onnx.NodeProto]:
    names = ["image", *(f"t{number}" for number in range(len(CHAIN)))]
    return [
        node(layer.op, of, *layer.arrays, to=to, **layer.attributes)
        for layer, of, to in zip(CHAIN, names, names[1:], strict=False)
    ]


def _matrix(step: onnx.NodeProto, arrays: dict[str, Array], given: Array) -> Array:
    """What a linear node makes of each of its inputs, (unit, input)."""
    weights = {name: arrays[name] for name in step.input[1:2]}
    plain = onnx.NodeProto()
    plain.CopyFrom(step)
    del plain.input[2:]
    run = ReferenceEvaluator(plain).run
    columns = [
        run(None, {step.input[0]: one.reshape(given.shape), **weights})[0].ravel()
        for one in np.eye(given.size)
    ]
    return np.stack(columns, axis=1)


def _walk_back(arrays: dict[str, Array], image: Array) -> tuple[Array, Array]:
    """Probabilities of (unit, pixel), and which units have a path, as it is defined."""
    probabilities, known = np.eye(image.size), np.ones(image.size, bool)
    value = image
    for step in _nodes():
        feeds = {step.input[0]: value, **{name: arrays[name] for name in step.input[1:]}}
        made = ReferenceEvaluator(step).run(None, feeds)[0]
        if step.op_type == "Relu":
            value = made
            continue
        if step.op_type == "MaxPool":
            _, height, width = value.shape[1:]
            tall, wide = made.shape[2:]
            steps = np.zeros((made.size, value.size))
            for unit, (c, y, x) in enumerate(np.ndindex(*made.shape[1:])):
                window = value[0, c, y : y + 2, x : x + 2]
                down, across = np.unravel_index(window.argmax(), window.shape)
                steps[unit, (c * height + y + down) * width + x + across] = 1
            assert (tall, wide) == (height - 1, width - 1)
        else:
            steps = np.maximum(_matrix(step, arrays, value) * value.ravel(), 0) * known
        total = steps.sum(axis=1)
        known = total > 0
        steps[known] /= total[known, np.newaxis]
        probabilities = steps @ probabilities
        value = made
    return probabilities, known


@pytest.mark.parametrize("seed", range(3))
def test_moments_equal_a_walk_from_each_unit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    arrays = {
        name: rng.standard_normal(shape) for layer in CHAIN for name, shape in layer.arrays.items()
    }
    image = rng.standard_normal((1, *SHAPE))
    probabilities, known = _walk_back(arrays, image)
    found = [*unit_moments(model(_nodes(), arrays, SHAPE), image[0]).values()][-1]

    y, x = np.indices(SHAPE[1:]) - (np.array(SHAPE[1:])[:, np.newaxis, np.newaxis] - 1) / 2
    monomials = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y])
    pixels = np.repeat(monomials[:, np.newaxis], SHAPE[0], axis=1).reshape(6, -1)
    expected = (probabilities @ pixels.T).T
    assert known.sum() > 0
    # Means of numbers up to 9: the last digits are those of the order of sums.
    np.testing.assert_allclose(found.paths.reshape(6, -1), expected, atol=1e-12)


def _convolutions(*sizes: tuple[int, ...], relu: bool) -> list[onnx.NodeProto]:
    nodes, of = [], "image"
    for number, _ in enumerate(sizes):
        nodes.append(node("Conv", of, f"w{number}", to=f"conv{number}", **SAME))
        of = f"conv{number}"
        if relu:
            nodes.append(node("Relu", of, to=f"relu{number}"))
            of = f"relu{number}"
    return nodes


SIZES = ((3, 2, 3, 3), (4, 3, 3, 3), (2, 4, 3, 3))


def _units(make: Callable[[tuple[int, ...]], Array], image: Array, *, relu: bool):
    arrays = {f"w{number}": make(size) for number, size in enumerate(SIZES)}
    return unit_moments(model(_convolutions(*SIZES, relu=relu), arrays, SHAPE), image)


def test_without_negative_weights_rectifiers_do_nothing(rng: np.random.Generator) -> None:
    image = rng.random(SHAPE)
    weights = {size: rng.random(size) for size in SIZES}
    linear, rectified = (
        _units(weights.__getitem__, image, relu=relu)["conv2"] for relu in (False, True)
    )
    assert np.array_equal(linear.signed, rectified.signed)
    # All evidence is positive, so both measures are of the same mass.
    np.testing.assert_allclose(rectified.paths, linear.signed / linear.signed[0], rtol=1e-11)


def test_kernels_that_shift_displace_by_whole_pixels(rng: np.random.Generator) -> None:
    def shift(size: tuple[int, ...]) -> Array:
        kernel = np.zeros(size)
        kernel[..., 0, 2] = 1.0
        return kernel

    units = _units(shift, rng.random(SHAPE) + 0.5, relu=True)
    for layers, name in enumerate(["conv0", "conv1", "conv2"], start=1):
        known = units[name].strength > 0
        moved = units[name].paths[1:3] - units[name].position
        signed = units[name].signed[1:3] / np.where(known, units[name].signed[0], 1)
        # A correlation with a tap at the upper right sees what lies there.
        for axis, expected in enumerate([layers, -layers]):
            np.testing.assert_allclose(moved[axis][known], expected, atol=1e-12)
            np.testing.assert_allclose(
                (signed - units[name].position)[axis][known], expected, atol=1e-12
            )
