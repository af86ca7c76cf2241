"""Write the banks of `resources/banks` as networks: `python resources/networks/export.py`.

They are the networks of `resources/banks/networks.py` in ONNX: convolutions that keep the size of
an image, each with a ReLU after it. The denoiser ends before its residual is taken away.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

FOLDER = Path(__file__).parent
BANKS = FOLDER.parent / "banks"

OPSET, IR = 17, 8
"""Of ONNX: old enough for all runtimes."""

SIDES: dict[str, int | str] = {"digits": 8, "denoiser": "side"}
"""Height and width of the input; a name stands for any."""

OUTPUTS: dict[str, list[int | str]] = {
    "digits": ["images", 10],
    "denoiser": ["images", 1, "side", "side"],
}

HEADS = {
    "digits": [
        helper.make_node(
            "MaxPool", ["relu3"], ["pool"], "pool", kernel_shape=[2, 2], strides=[2, 2]
        ),
        helper.make_node("Flatten", ["pool"], ["flatten"], "flatten"),
        helper.make_node(
            "Gemm", ["flatten", "linear.weight", "linear.bias"], ["linear"], "linear", transB=1
        ),
    ],
    "denoiser": [],
}
"""What follows the convolutions."""


def network(name: str, weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    """Return a network with these weights."""
    layers = sorted({key.partition(".")[0] for key in weights if key.startswith("conv")})
    nodes: list[onnx.NodeProto] = []
    for layer in layers:
        before = nodes[-1].output[0] if nodes else "image"
        nodes += convolution(layer, before, weights[f"{layer}.weight"].shape[-1])
    if name == "denoiser":
        nodes.pop()
    nodes += HEADS[name]
    side = SIDES[name]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["images", 1, side, side])
    output = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, OUTPUTS[name])
    tensors = [numpy_helper.from_array(values, key) for key, values in weights.items()]
    graph = helper.make_graph(nodes, name, [image], [output], tensors)
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR, producer_name="mechcore")
    onnx.checker.check_model(model, full_check=True)
    return model


def convolution(layer: str, before: str, side: int) -> list[onnx.NodeProto]:
    """Return a convolution that keeps the size, and its ReLU; an even kernel sees more behind."""
    pads = 2 * [(side - 1) // 2] + 2 * [side // 2]
    inputs = [before, f"{layer}.weight", f"{layer}.bias"]
    relu = layer.replace("conv", "relu")
    return [
        helper.make_node("Conv", inputs, [layer], layer, pads=pads, kernel_shape=[side, side]),
        helper.make_node("Relu", [layer], [relu], relu),
    ]


if __name__ == "__main__":
    for name in SIDES:
        onnx.save(network(name, load_file(BANKS / f"{name}.safetensors")), FOLDER / f"{name}.onnx")
