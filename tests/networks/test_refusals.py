"""Networks that cannot be analysed are refused in one line, before they cost time or memory."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from mechcore.errors import MechcoreError
from mechcore.networks.network import network, unit_moments
from tests.helpers.onnx_models import model, node

WEIGHTS = {
    "k": np.ones((2, 1, 3, 3)),
    "d": np.ones((2, 2, 3, 3)),
    "shape": np.array([1, 14, 7, 1]),
    "axes": np.array([3]),
    "pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
    "one": np.array(1.0),
}


def _conv(*more: onnx.NodeProto, **attributes: object) -> onnx.ModelProto:
    """A convolution, and nodes behind it."""
    return model([node("Conv", "image", "k", to="conv", **attributes), *more], WEIGHTS)


def _changed(change: Callable[[onnx.ModelProto], object]) -> onnx.ModelProto:
    made = _conv(node("Relu", "conv", to="relu"))
    change(made)
    return made


def _external(made: onnx.ModelProto) -> None:
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def _doubling() -> onnx.ModelProto:
    """Constants that are put side by side with themselves, 40 times."""
    nodes = [
        node("Concat", f"c{number}", f"c{number}", to=f"c{number + 1}", axis=0)
        for number in range(40)
    ]
    last = node("Add", "image", "c40", to="sum")
    return model([*nodes, last], WEIGHTS | {"c0": np.ones((1, 1, 1, 1))})


def _deep() -> onnx.ModelProto:
    inner = helper.make_graph([node("Relu", "image", to="y")], "g", [], [])
    for _ in range(50):
        branch = helper.make_node("If", ["image"], ["y"], then_branch=inner, else_branch=inner)
        inner = helper.make_graph([branch], "g", [], [])
        if inner.ByteSize() > 10**6:
            break
    return model([*inner.node], WEIGHTS)


REFUSED: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "operator": (lambda: _conv(node("Softmax", "conv", to="p")), "--until 'conv' ends before it"),
    "product": (
        lambda: _conv(node("Mul", "conv", "conv", to="square")),
        "node 'square' (Mul): this operator of several tensors is not supported",
    ),
    "domain": (
        lambda: _conv(node("Relu", "conv", to="relu", domain="com.microsoft")),
        "node 'relu' (Relu): this operator is not supported",
    ),
    "control characters": (lambda: _conv(node("So\x1b[0m", "conv", to="x\n")), "So\\x1b[0m"),
    "computed kernel": (
        lambda: model([node("Conv", "image", "image", to="conv")], {}),
        "node 'conv' (Conv): this operator of several tensors",
    ),
    "kernel of one axis": (
        lambda: model([node("Conv", "image", "k", to="conv")], {"k": np.ones((2, 1, 3))}),
        "node 'conv' (Conv): cannot run",
    ),
    "channels": (
        lambda: model([node("Conv", "image", "d", to="conv")], WEIGHTS),
        "node 'conv' (Conv): cannot run",
    ),
    "no stride": (
        lambda: _conv(strides=[0, 0]),
        "node 'conv' (Conv): strides and dilations must be",
    ),
    "no group": (lambda: _conv(group=0), "node 'conv' (Conv): cannot run"),
    "negative padding": (lambda: _conv(pads=[-1] * 4), "node 'conv' (Conv): cannot run"),
    "padding": (lambda: _conv(pads=[10**6] * 4), "expected at most"),
    "image": (
        lambda: model([node("Conv", "image", "k", to="conv")], WEIGHTS, (1, 10**6, 10**6)),
        "'image' would be 1 x 1 x 1000000 x 1000000",
    ),
    "constants that double": (_doubling, "expected at most"),
    "transposed, far apart": (
        lambda: _conv(node("ConvTranspose", "conv", "d", to="up", strides=[10**5] * 2)),
        "expected at most",
    ),
    "scales": (
        lambda: model(
            [node("Resize", "image", "", "s", to="up")], {"s": np.array([1, 1, 9e5, 9e5], "f")}
        ),
        "expected at most",
    ),
    "cubic": (
        lambda: model(
            [node("Resize", "image", "", "s", to="up", mode="cubic")],
            {"s": np.array([1, 1, 2, 2], "f")},
        ),
        "only nearest and linear interpolation",
    ),
    "part of a channel": (
        lambda: _conv(node("Reshape", "conv", "shape", to="x")),
        "only flattening is supported",
    ),
    "mean of a row": (
        lambda: _conv(node("ReduceMean", "conv", "axes", to="x", keepdims=1)),
        "only a mean over all of y and x",
    ),
    "padding with ones": (
        lambda: _conv(node("Pad", "conv", "pads", "one", to="x")),
        "only zeros around y and x",
    ),
    "circle": (
        lambda: _changed(lambda made: made.graph.node[0].input.__setitem__(0, "relu")),
        "no node before it makes its input 'relu'",
    ),
    "missing weights": (
        lambda: _changed(lambda made: made.graph.initializer.__delitem__(0)),
        "no node before it makes its input 'k'",
    ),
    "two of a name": (
        lambda: _changed(lambda made: made.graph.node[1].output.__setitem__(0, "conv")),
        "another node makes 'conv'",
    ),
    "newer operators": (
        lambda: _changed(lambda made: setattr(made.opset_import[0], "version", 999)),
        "opset 999",
    ),
    "no operators": (lambda: _changed(lambda made: made.opset_import.__delitem__(0)), "opset none"),
    "external data": (lambda: _changed(_external), "in another file, which is not opened"),
    "claimed size": (
        lambda: _changed(lambda made: made.graph.initializer[0].dims.__setitem__(0, 10**12)),
        "expected at most",
    ),
    "negative size": (
        lambda: _changed(lambda made: made.graph.initializer[0].dims.__setitem__(0, -5)),
        "'k' would be -5",
    ),
    "two inputs": (
        lambda: _changed(lambda made: made.graph.input.append(made.graph.input[0])),
        "2 inputs",
    ),
    "sound": (
        lambda: _changed(
            lambda made: made.graph.input[0].type.tensor_type.shape.dim.__delitem__(0)
        ),
        "3 axes, expected (image, channel, y, x)",
    ),
    "no layer": (lambda: model([node("Relu", "image", to="relu")], {}), "no layer with kernels"),
    "graphs in graphs": (_deep, "(If): this operator is not supported"),
    "not a number": (
        lambda: model([node("Conv", "image", "k", to="c")], {"k": np.full((1, 1, 3, 3), np.nan)}),
        "some of its weights are infinite or not a number",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_line(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(MechcoreError) as refusal:
        network(make())
    text = str(refusal.value)
    assert message in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.ones((1, 2, 9, 9)), "expected (image, 1, 9, 9)"),
        (np.ones((1, 9, 9)), "shape (1, 9, 9)"),
        (np.ones((0, 1, 9, 9)), "shape (0, 1, 9, 9)"),
        (np.full((1, 1, 9, 9), np.inf), "finite values"),
    ],
)
def test_images_that_do_not_fit(images: np.ndarray, message: str) -> None:
    with pytest.raises(MechcoreError, match="images") as refusal:
        network(_conv(), images)
    assert message in str(refusal.value)


def test_until_ends_before_what_is_not_supported() -> None:
    made = _conv(node("Relu", "conv", to="relu"), node("Softmax", "relu", to="p"))
    assert [*unit_moments(made, np.ones((1, 9, 9)), until="relu")] == ["conv"]
    with pytest.raises(MechcoreError, match="did you mean 'relu'"):
        network(made, until="rellu")


@pytest.mark.parametrize(
    "damage",
    {
        "empty": lambda _: b"",
        "half": lambda content: content[: len(content) // 2],
        "text": lambda _: b"no network",
    }.items(),
    ids=lambda case: case[0],
)
def test_damaged_files(damage: tuple[str, Callable[[bytes], bytes]], tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    file.write_bytes(damage[1](_conv().SerializeToString()))
    command = [sys.executable, "-m", "mechcore", "network", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "Traceback" not in done.stderr
