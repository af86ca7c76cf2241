"""Copies of a network keep what they should, and lose the rest."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from mechcore.networks.copies import flipped, untrained
from tests.helpers.projects import PROJECT

DIGITS = PROJECT / "resources" / "networks" / "digits.onnx"


def weights(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


@pytest.fixture(scope="module")
def digits() -> onnx.ModelProto:
    return onnx.load(DIGITS)


def test_flipped_kernels_are_mirror_images_of_the_trained(digits: onnx.ModelProto) -> None:
    before, after = weights(digits), weights(flipped(digits, 1))
    for name, kernels in before.items():
        if kernels.ndim == 4:
            mirrored = [np.flip(kernels, axes) for axes in ((), (2,), (3,), (2, 3))]
            same = np.array([(other == after[name]).all(axis=(2, 3)) for other in mirrored])
            assert same.any(axis=0).all()
            # Each of the four has a share of about a quarter: 512 kernels scatter by 2%.
            if kernels.shape[-1] == 3:
                np.testing.assert_allclose(same.mean(axis=(1, 2)), 0.25, atol=0.08)
        else:
            np.testing.assert_array_equal(after[name], kernels)


def test_untrained_weights_have_the_deviation_of_their_layer(digits: onnx.ModelProto) -> None:
    before, after = weights(digits), weights(untrained(digits, 1))
    for name, values in before.items():
        if name.endswith("bias"):
            np.testing.assert_array_equal(after[name], values)
        else:
            assert (after[name] != values).all()
            # A standard deviation of n values is good to 1/sqrt(2n).
            assert after[name].std() / values.std() == pytest.approx(1, abs=5 / values.size**0.5)


@pytest.mark.parametrize("copy", [flipped, untrained])
def test_the_seed_decides_the_copy_and_the_network_stays(copy, digits: onnx.ModelProto) -> None:  # type: ignore[no-untyped-def]
    before = digits.SerializeToString()
    first, again, other = (copy(digits, seed).SerializeToString() for seed in (1, 1, 2))
    assert digits.SerializeToString() == before
    assert first == again
    assert len({first, other, before}) == 3


def test_weights_of_constant_nodes_are_changed_too() -> None:
    kernels = numpy_helper.from_array(np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3), "k")
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 5, 5])
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 3, 3])
    nodes = [
        helper.make_node("Constant", [], ["w"], value=kernels),
        helper.make_node("Conv", ["x", "w"], ["y"]),
    ]
    model = helper.make_model(helper.make_graph(nodes, "net", [image], [output]))
    changed = untrained(model, 0).graph.node[0].attribute[0].t
    assert (numpy_helper.to_array(changed) != numpy_helper.to_array(kernels)).all()
