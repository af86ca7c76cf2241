"""The fast convolutions and pools equal those of the reference evaluator."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from mechcore.networks.step import Step
from tests.helpers.onnx_models import node

CONVOLUTIONS = {
    "plain": ((4, 3, 3, 3), {}),
    "strides and pads": ((4, 3, 3, 2), {"strides": [2, 3], "pads": [1, 0, 2, 1]}),
    "dilation": ((4, 3, 3, 3), {"dilations": [2, 1], "pads": [2, 1, 2, 1]}),
    "groups": ((6, 1, 3, 3), {"group": 3}),
    "depthwise": ((3, 1, 2, 2), {"group": 3}),
    "same, upper": ((4, 3, 4, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    "same, lower": ((4, 3, 4, 3), {"auto_pad": "SAME_LOWER", "strides": [1, 2]}),
    "valid": ((4, 3, 3, 3), {"auto_pad": "VALID"}),
}

TRANSPOSED = {
    "plain": ((3, 4, 3, 3), {}),
    "strides and pads": ((3, 4, 4, 4), {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
    "output padding": ((3, 4, 3, 3), {"strides": [2, 2], "output_padding": [1, 1]}),
    "dilation": ((3, 4, 3, 2), {"dilations": [2, 1]}),
}

POOLS = {
    "plain": {"kernel_shape": [2, 2], "strides": [2, 2]},
    "pads": {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    "ceiling": {"kernel_shape": [2, 3], "strides": [2, 2], "ceil_mode": 1},
    "same": {"kernel_shape": [3, 2], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
}

RESIZED = {
    "nearest": {"mode": "nearest"},
    "nearest, floor": {
        "mode": "nearest",
        "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": "floor",
    },
    "bilinear": {"mode": "linear"},
    "bilinear, aligned": {"mode": "linear", "coordinate_transformation_mode": "align_corners"},
}


def _require_equal(operator: str, arrays: list, attributes: dict) -> None:
    names = [f"input{place}" if array is not None else "" for place, array in enumerate(arrays)]
    made = node(operator, *names, to="y", **attributes)
    feeds = {name: array for name, array in zip(names, arrays, strict=True) if name}
    expected = ReferenceEvaluator(made).run(None, feeds)[0]
    found = Step(made, helper.defs.onnx_opset_version())(*arrays)[0]
    assert found.shape == expected.shape
    # The order of sums differs, so the last digits do.
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_convolutions(name: str, rng: np.random.Generator) -> None:
    shape, attributes = CONVOLUTIONS[name]
    image = rng.standard_normal((2, 3, 9, 11))
    arrays = [image, rng.standard_normal(shape), rng.standard_normal(shape[0])]
    _require_equal("Conv", arrays, attributes)


@pytest.mark.parametrize("name", TRANSPOSED)
def test_transposed_convolutions(name: str, rng: np.random.Generator) -> None:
    shape, attributes = TRANSPOSED[name]
    bias = rng.standard_normal(shape[1])
    arrays = [rng.standard_normal((2, 3, 4, 5)), rng.standard_normal(shape), bias]
    _require_equal("ConvTranspose", arrays, attributes)


def test_groups_of_transposed_convolutions_stand_side_by_side(rng: np.random.Generator) -> None:
    image, weights = rng.standard_normal((1, 4, 5, 5)), rng.standard_normal((4, 3, 2, 2))
    both = Step(node("ConvTranspose", "x", "w", to="y", group=2), 18)(image, weights)[0]
    alone = Step(node("ConvTranspose", "x", "w", to="y"), 18)
    parts = [alone(image[:, half], weights[half])[0] for half in (slice(2), slice(2, 4))]
    np.testing.assert_allclose(both, np.concatenate(parts, axis=1), rtol=1e-12)


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("operator", ["MaxPool", "AveragePool"])
def test_pools(operator: str, name: str, rng: np.random.Generator) -> None:
    _require_equal(operator, [rng.standard_normal((2, 3, 9, 10))], POOLS[name])


def test_averages_that_count_the_padding(rng: np.random.Generator) -> None:
    attributes = POOLS["pads"] | {"count_include_pad": 1}
    _require_equal("AveragePool", [rng.standard_normal((1, 2, 8, 7))], attributes)


@pytest.mark.parametrize("name", RESIZED)
@pytest.mark.parametrize("scales", [(2.0, 3.0), (0.5, 1.5)])
def test_interpolation(name: str, scales: tuple[float, float], rng: np.random.Generator) -> None:
    arrays = [rng.standard_normal((1, 2, 4, 6)), None, np.array([1, 1, *scales], np.float32)]
    _require_equal("Resize", arrays, RESIZED[name])


def test_a_max_pool_says_which_pixels_it_took(rng: np.random.Generator) -> None:
    image = rng.standard_normal((1, 2, 7, 7))
    largest, places = Step(node("MaxPool", "x", to="y", **POOLS["pads"]), 18)(image)
    assert np.array_equal(image.ravel()[places], largest)
