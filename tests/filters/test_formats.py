"""What each format of weight files has of its own; what is refused is in tests/faults."""

from __future__ import annotations

import io
import json
import sys
import warnings
import zipfile
from argparse import Namespace
from collections import OrderedDict
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from mechcore.errors import MechcoreError
from mechcore.experiment.weight_files import weight_files
from mechcore.experiment.weights import FORMATS, format_of
from mechcore.filters.bank import load_bank
from tests.helpers.weight_files import (
    WRITERS,
    keras_order,
    onnx_model,
    write_bundle,
    write_hdf5,
    write_keras,
    write_npz,
    write_raw_safetensors,
    write_safetensors,
)

DATA = Path(__file__).with_name("data")
SMALL_KERAS, SMALL_TFLITE = DATA / "small.keras", DATA / "small.tflite"


@pytest.fixture
def kernel(rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.random((4, 2, 3, 3), dtype=np.float32)


def as_torch(kernels: NDArray[Any]) -> NDArray[Any]:
    return kernels[:, :, 0, ::-1, ::-1]


def test_arrays_of_numpy_in_any_byte_order_and_order_of_axes(
    tmp_path: Path, kernel: NDArray[np.float32]
) -> None:
    path = tmp_path / "net.npz"
    np.savez_compressed(path, a=np.asfortranarray(kernel), b=kernel.astype(">f4"))
    for layer in load_bank(path).layers:
        np.testing.assert_array_equal(as_torch(layer.kernels), kernel)


def test_members_of_an_archive_that_are_no_arrays_are_skipped(
    tmp_path: Path, kernel: NDArray[np.float32]
) -> None:
    path = tmp_path / "net.npz"
    write_npz(path, {"a": kernel})
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    assert [entry.reason for entry in load_bank(path).skipped] == ["not an array"]


VALUES = np.linspace(-2, 3, 18).reshape(2, 1, 3, 3)


SMALL_FLOATS = {
    "BF16": ml_dtypes.bfloat16,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2,
}


def write_small_floats(path: Path, code: str, values: NDArray[Any]) -> None:
    """Write values of a type that numpy does not have, as the libraries of each format do."""
    if path.suffix == ".safetensors":
        write_raw_safetensors(path, code, values.shape, values.tobytes())
    elif path.suffix == ".npz":
        write_npz(path, {"conv.weight": values})
    elif path.suffix == ".pt":
        torch = pytest.importorskip("torch")
        tensor = torch.from_numpy(values.astype(np.float32)).to(getattr(torch, values.dtype.name))
        torch.save({"conv.weight": tensor}, path)
    else:
        with pytest.importorskip("h5py").File(path, "w") as stored:
            dataset = stored.create_dataset("layers/conv2d/vars/0", data=keras_order(values))
            dataset.attrs["dtype"] = values.dtype.name


@pytest.mark.parametrize(
    ("suffix", "code"),
    [*product((".safetensors", ".pt"), SMALL_FLOATS), (".npz", "BF16"), (".h5", "BF16")],
)
def test_small_floats_are_exact(tmp_path: Path, suffix: str, code: str) -> None:
    values, path = VALUES.astype(SMALL_FLOATS[code]), tmp_path / f"net{suffix}"
    write_small_floats(path, code, values)
    (layer,) = load_bank(path).layers
    np.testing.assert_array_equal(as_torch(layer.kernels), values.astype(np.float32))


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict"])
@pytest.mark.parametrize("archived", [True, False])
def test_checkpoints_of_torch_are_searched_for_weights(
    tmp_path: Path, kernel: NDArray[np.float32], key: str, archived: bool
) -> None:
    torch = pytest.importorskip("torch")
    values = torch.from_numpy(kernel)
    state = OrderedDict({"conv.weight": torch.nn.Parameter(values), "steps": torch.tensor(3)})
    optimiser = {"state": {0: {"exp_avg": values}}, "param_groups": [{"lr": 0.1}]}
    path = tmp_path / "net.pth"
    best = np.float64(0.5)
    checkpoint = {"epoch": 3, "best": best, "optim_g": optimiser, key: {"stem": state}}
    torch.save(checkpoint, path, _use_new_zipfile_serialization=archived)
    bank = load_bank(path)
    assert [layer.name for layer in bank.layers] == ["stem.conv.weight"]
    reasons = ["a state of the optimiser", "scalar"]
    assert [entry.reason for entry in bank.skipped] == reasons
    torch.save({"net": state, "optimizer": optimiser}, path)
    assert [layer.name for layer in load_bank(path).layers] == ["net.conv.weight"]


def test_settings_of_training_beside_the_weights_are_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: NDArray[np.float32]
) -> None:
    torch = pytest.importorskip("torch")
    module = ModuleType("omegaconf")
    for name, base in {"Dict": dict, "List": list, "Plain": object}.items():
        kind = type(name, (base,), {"__module__": module.__name__})
        monkeypatch.setattr(module, name, kind, raising=False)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    settings = [module.Dict(a=1), module.List([1, 2]), module.Plain(), module.Plain]
    vars(settings[0])["b"] = 2
    paths = {"path": Path("a"), "args": Namespace(lr=0.1), "seen": {1, 2}, "best": np.float32(1)}
    weights = {"state_dict": {"conv.weight": torch.from_numpy(kernel)}}
    torch.save(weights | paths | {"hyper_parameters": settings}, tmp_path / "net.ckpt")
    monkeypatch.delitem(sys.modules, module.__name__)
    (layer,) = load_bank(tmp_path / "net.ckpt").layers
    np.testing.assert_array_equal(as_torch(layer.kernels), kernel)


def test_parameters_of_a_script_are_read(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    layers = [torch.nn.Conv1d(2, 4, 3), torch.nn.ReLU(), torch.nn.ConvTranspose1d(4, 2, 5)]
    network = torch.nn.Sequential(*layers)
    with warnings.catch_warnings():
        # From PyTorch 2.9 on it advises another format; old files stay.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(network), str(tmp_path / "net.pt"))
    bank = load_bank(tmp_path / "net.pt")
    assert [layer.name for layer in bank.layers] == ["0.weight", "2.weight"]
    plain, up = (layer.weight.detach().numpy() for layer in (layers[0], layers[2]))
    np.testing.assert_array_equal(as_torch(bank.layers[0].kernels)[:, :, 0], plain)
    np.testing.assert_array_equal(bank.layers[1].kernels[:, :, 0, 0], up.swapaxes(0, 1))
    assert [entry.name for entry in bank.skipped] == ["0.bias", "2.bias"]


def test_tensors_of_torch_without_plain_values_are_skipped(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    values = torch.ones((4, 2, 3, 3))
    others = {
        "sparse values": values.to_sparse(),
        "a tensor without values": values.to("meta"),
        "complex64 values": values.to(torch.complex64),
        "bool values": values.bool(),
    }
    path = tmp_path / "net.pt"
    torch.save({"conv.weight": values, **{f"{n}.weight": v for n, v in others.items()}}, path)
    assert [entry.reason for entry in load_bank(path).skipped] == list(others)


def test_mappings_of_torch_that_contain_each_other_end(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "net.pt"
    state: dict[str, Any] = {"conv.weight": torch.ones((1, 1, 3, 3))}
    for _ in range(60):
        state = {"a": state, "b": state}
    state["itself"] = state
    torch.save(state, path)
    (layer,) = load_bank(path).layers
    assert layer.kernels[..., 0, 0].size == 1


def test_kernels_of_a_graph_are_found_by_use(tmp_path: Path, kernel: NDArray[np.float32]) -> None:
    onnx = pytest.importorskip("onnx")
    node, path = onnx.helper.make_node, tmp_path / "net.onnx"
    inner = onnx.numpy_helper.from_array(kernel[:1], "inner")
    convolution = node("Conv", ["x", "inner"], ["z"])
    branch = onnx.helper.make_graph([convolution], "branch", [], [], [inner])
    nodes = [
        node("Identity", ["w"], ["same"]),
        node("Conv", ["x", "same"], ["a"]),
        node("Conv", ["a", "w"], ["b"]),
        node("Constant", [], ["c"], value=onnx.numpy_helper.from_array(kernel[:2])),
        node("Conv", ["b", "c"], ["d"]),
        node("DequantizeLinear", ["q", "scale"], ["dq"]),
        node("Conv", ["d", "dq"], ["e"]),
        node("If", ["yes"], ["f"], then_branch=branch, else_branch=branch),
        node("Add", ["f", "shaped like a kernel"], ["g"]),
        node("Identity", ["circle"], ["circle"]),
        node("Conv", ["g", "circle"], ["h"]),
    ]
    arrays = {"w": kernel, "shaped like a kernel": kernel, "q": kernel.astype(np.int8)}
    onnx.save(onnx_model(nodes, arrays), path)
    bank = load_bank(path)
    names = ["w", "c", "If_7.then_branch.0/inner", "If_7.else_branch.0/inner"]
    assert sorted(layer.name for layer in bank.layers) == sorted(names)
    assert {entry.name: entry.reason for entry in bank.skipped} == {
        "dq": "kernel that is computed by DequantizeLinear",
        "circle": "kernel that is computed by Identity",
        "shaped like a kernel": "not the kernel of a convolution",
        "q": "not the kernel of a convolution",
    }


def onnx_nodes(kernel: NDArray[np.float32]) -> dict[str, tuple[list[Any], dict[str, Any]]]:
    """Graphs that make a kernel of constants, by what they do: nodes and constants."""
    node = pytest.importorskip("onnx").helper.make_node
    scale = np.array([0.5, 0.25, 2, 1], np.float32)
    zero, quantised = np.array([3, 0, -2, 1], np.int8), (kernel * 20 - 10).astype(np.int8)
    convolution = node("Conv", ["x", "w"], ["y"])
    dequantised = node("DequantizeLinear", ["q", "s", "z"], ["w"], axis=0)
    plain = node("DequantizeLinear", ["q", "s"], ["w"])
    integer = node("ConvInteger", ["x8", "q", "", "z"], ["y8"])
    cast, scaled = node("Cast", ["y8"], ["y32"], to=1), node("Mul", ["y32", "s"], ["y"])
    to_int = node("Cast", ["x"], ["x8"], to=3)
    return {
        "Transpose": (
            [node("Transpose", ["v"], ["w"], perm=[3, 2, 0, 1]), convolution],
            {"v": kernel.transpose(2, 3, 1, 0)},
        ),
        "Cast": (
            [node("Cast", ["v"], ["w"], to=1), convolution],
            {"v": kernel.astype(np.float16)},
        ),
        "DequantizeLinear by filter": (
            [dequantised, convolution],
            {"q": quantised, "s": scale, "z": zero},
        ),
        "DequantizeLinear": ([plain, convolution], {"q": quantised, "s": scale[:1].reshape(())}),
        "a chain": (
            [
                node("Identity", ["v"], ["i"]),
                node("Transpose", ["i"], ["q"], perm=[1, 0, 2, 3]),
                plain,
                convolution,
            ],
            {"v": quantised.swapaxes(0, 1), "s": scale[:1].reshape(())},
        ),
        "ConvInteger": (
            [to_int, integer, cast, scaled],
            {"q": quantised, "s": scale[:1], "z": zero[:1]},
        ),
    }


@pytest.mark.parametrize("name", list(onnx_nodes(np.ones((4, 2, 3, 3), np.float32))))
def test_kernels_behind_nodes_are_those_that_the_graph_convolves_with(
    tmp_path: Path, kernel: NDArray[np.float32], name: str
) -> None:
    onnx = pytest.importorskip("onnx")
    from onnx.reference import ReferenceEvaluator

    nodes, constants = onnx_nodes(kernel)[name]
    nodes[-1].name = "layer"
    model = onnx_model(nodes, constants)
    for names, values in ((["x"], model.graph.input), (["y"], model.graph.output)):
        values.extend(onnx.helper.make_tensor_value_info(n, 1, None) for n in names)
    onnx.save(model, tmp_path / "net")
    (layer,) = load_bank(tmp_path / "net").layers
    for channel in range(2):
        image = np.zeros((1, 2, 5, 5), np.float32)
        image[0, channel, 2, 2] = 1
        (response,) = ReferenceEvaluator(model).run(None, {"x": image})
        # Whole numbers and quarters: nothing is rounded.
        np.testing.assert_array_equal(layer.kernels[:, channel, 0], response[0])


def test_quantised_convolutions_are_dequantised_and_layers_are_named_by_nodes(
    tmp_path: Path, kernel: NDArray[np.float32]
) -> None:
    onnx = pytest.importorskip("onnx")
    quantised = (kernel * 100).astype(np.int8)
    scale = np.array([0.5, 0.25, 2, 1], np.float32)
    zero = np.array([3, 0, 0, 1], np.int8)
    inputs = ["x", "xs", "xz", "q", "s", "z", "ys", "yz"]
    node = onnx.helper.make_node
    nodes = [
        node("QLinearConv", inputs, ["y"], name="/stem/Conv", dilations=[2, 3], strides=[4, 1]),
        node("Conv", ["y", "a"], ["b"], name="twice"),
        node("Conv", ["b", "c"], ["d"], name="twice"),
    ]
    arrays = {"q": quantised, "s": scale, "z": zero, "a": kernel, "c": kernel}
    onnx.save(onnx_model(nodes, arrays), tmp_path / "net")
    layers = {layer.name: layer for layer in load_bank(tmp_path / "net").layers}
    assert list(layers) == ["/stem/Conv", "a", "c"]
    expected = (quantised - zero[:, None, None, None]) * scale[:, None, None, None]
    np.testing.assert_array_equal(as_torch(layers["/stem/Conv"].kernels), expected)
    assert layers["/stem/Conv"].spacing == (2, 3)


KERAS_LAYERS = {
    "conv2d": ((4, 1, 1, 3, 3), (3, 2, 0, 1)),
    "depthwise_conv2d": ((8, 1, 1, 3, 3), (2, 3, 0, 1)),
    "separable_conv2d": ((8, 1, 1, 5, 5), (2, 3, 0, 1)),
    "functional/layers/conv2d": ((2, 3, 1, 3, 3), (3, 2, 0, 1)),
    "conv2d_transpose": ((3, 2, 1, 3, 3), (2, 3, 0, 1)),
    "conv1d": ((2, 3, 1, 1, 3), (2, 1, 0)),
    "conv3d": ((2, 1, 2, 3, 3), (4, 3, 0, 1, 2)),
}
"""Layers of small.keras in the order of its model: shape, and axes of what the file holds."""


def test_a_real_file_of_keras_is_read_in_the_order_of_its_model() -> None:
    h5py = pytest.importorskip("h5py")
    bank = load_bank(SMALL_KERAS)
    assert [layer.name for layer in bank.layers] == [f"layers/{n}/vars/0" for n in KERAS_LAYERS]
    with zipfile.ZipFile(SMALL_KERAS) as archive:
        stored = h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r")
    for layer, (name, (shape, axes)) in zip(bank.layers, KERAS_LAYERS.items(), strict=True):
        turn = 1 if name == "conv2d_transpose" else -1
        expected = stored[f"layers/{name}/vars/0"][()].transpose(axes).reshape(shape)
        np.testing.assert_array_equal(layer.kernels, expected[..., ::turn, ::turn])
    assert {entry.reason for entry in bank.skipped} == {"vector", "kernel of one tap"}


def test_classes_of_layers_come_from_the_configuration_or_the_path(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    h5py = pytest.importorskip("h5py")
    layers = {"up": "Conv2DTranspose", "dw": "DepthwiseConv2D", "first": "Conv2D"}
    stated = [{"class_name": kind, "config": {"name": name}} for name, kind in layers.items()]
    config = {"class_name": "Functional", "config": {"name": "net", "layers": stated}}
    values = rng.random((3, 3, 2, 4), dtype=np.float32)
    path = tmp_path / "old.h5"
    write_hdf5(path, {f"model_weights/{name}/{name}/kernel:0": values for name in layers})
    with h5py.File(path, "a") as stored:
        stored["optimizer_weights/adam/first/kernel_momentum"] = values
        stored["sub/vars/0"] = values
        stored["sub/vars"].attrs["name"] = "conv2d_transpose_7"
        stored.attrs["model_config"] = json.dumps(config)
    bank = load_bank(path)
    up, each, first, named = (layer.kernels for layer in bank.layers)
    np.testing.assert_array_equal(up[:, :, 0], values.transpose(2, 3, 0, 1))
    np.testing.assert_array_equal(named, up)
    expected = values.transpose(2, 3, 0, 1).reshape(8, 3, 3)
    np.testing.assert_array_equal(as_torch(each)[:, 0], expected)
    np.testing.assert_array_equal(as_torch(first), values.transpose(3, 2, 0, 1))
    assert [entry.reason for entry in bank.skipped] == ["a state of the optimiser"]


@pytest.mark.parametrize("stated", ["model_config", "layer_names"])
def test_old_files_of_keras_have_names_twice_with_a_number(
    tmp_path: Path, rng: np.random.Generator, stated: str
) -> None:
    h5py = pytest.importorskip("h5py")
    shapes = {"zz_conv2d": (3, 3, 2, 4), "conv2d_transpose_1": (3, 3, 8, 4), "conv1d": (3, 5, 2)}
    kinds = ("Conv2D", "Conv2DTranspose", "Conv1D")
    layers = [
        {
            "class_name": kind,
            "config": {"name": name, "strides": 1, "dilation_rate": [2] * (len(shape) - 2)},
        }
        for kind, (name, shape) in zip(kinds, shapes.items(), strict=True)
    ]
    values = {name: rng.random(shape, dtype=np.float32) for name, shape in shapes.items()}
    arrays = {f"{name}/{name}_1/kernel:0": array for name, array in values.items()}
    write_hdf5(tmp_path / "old.h5", arrays)
    with h5py.File(tmp_path / "old.h5", "a") as file:
        if stated == "layer_names":
            file.attrs[stated] = [name.encode() for name in shapes]
        else:
            file.attrs[stated] = json.dumps({"config": {"name": "m", "layers": layers}})
    read = load_bank(tmp_path / "old.h5").layers
    assert [layer.name for layer in read] == list(arrays)
    plain, up, line = (layer.kernels for layer in read)
    np.testing.assert_array_equal(as_torch(plain), values["zz_conv2d"].transpose(3, 2, 0, 1))
    np.testing.assert_array_equal(up[:, :, 0], values["conv2d_transpose_1"].transpose(2, 3, 0, 1))
    np.testing.assert_array_equal(as_torch(line)[:, :, 0], values["conv1d"].transpose(2, 1, 0))
    apart = (2, 2) if stated == "model_config" else (1, 1)
    assert [layer.spacing for layer in read] == [apart, apart, (1, apart[1])]


def test_compressed_files_of_keras_are_read(tmp_path: Path, kernel: NDArray[np.float32]) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "net.h5", "w") as stored:
        options = {"compression": "gzip", "shuffle": True}
        stored.create_dataset("conv2d/vars/0", data=keras_order(kernel), **options)
    write_keras(tmp_path / "net.keras", {"a": kernel}, compression=zipfile.ZIP_DEFLATED)
    for name in ("net.h5", "net.keras"):
        (layer,) = load_bank(tmp_path / name).layers
        np.testing.assert_array_equal(as_torch(layer.kernels), kernel)


def test_shards_are_read_as_one_file(tmp_path: Path, kernel: NDArray[np.float32]) -> None:
    names = {"conv2.weight": "a.safetensors", "conv10.weight": "b.safetensors"}
    for factor, (name, file) in enumerate(names.items()):
        write_safetensors(tmp_path / file, {name: kernel * (factor + 1)})
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 576}, "weight_map": names}))
    bank = load_bank(index)
    assert [layer.name for layer in bank.layers] == list(names)
    np.testing.assert_array_equal(as_torch(bank.layers[1].kernels), kernel * 2)
    write_safetensors(tmp_path / "b.safetensors", {"conv10.weight": kernel})
    assert load_bank(index).sha256 != bank.sha256
    assert weight_files([tmp_path]) == [index]


@pytest.mark.parametrize("of_layers", [True, False])
def test_models_of_tensorflow_js_are_read(
    tmp_path: Path, rng: np.random.Generator, of_layers: bool
) -> None:
    shapes = {
        "a/kernel": (3, 3, 2, 4),
        "b/depthwise_kernel": (3, 3, 4, 1),
        "c/kernel": (3, 3, 2, 4),
    }
    stored = {name: rng.integers(0, 255, shape, np.uint8) for name, shape in shapes.items()}
    data = b"".join(values.tobytes() for values in stored.values())
    for name, part in (("1.bin", data[:50]), ("2.bin", data[50:])):
        (tmp_path / name).write_bytes(part)
    quantization = {"dtype": "uint8", "scale": 0.5, "min": -3}
    weights = [
        {"name": name, "shape": shape, "dtype": "float32", "quantization": quantization}
        for name, shape in shapes.items()
    ]
    kinds = {"Conv2D": "Conv2D", "DepthwiseConv2D": "DepthwiseConv2dNative"}
    kinds["Conv2DTranspose"] = "Conv2DBackpropInput"
    layers = [
        {"class_name": kind, "config": {"name": name.partition("/")[0], "dilation_rate": [2, 3]}}
        for name, kind in zip(shapes, kinds, strict=True)
    ]
    nodes = [{"op": "Relu"}] + [
        {"op": kind, "input": ["x", name]}
        for name, kind in zip(shapes, kinds.values(), strict=True)
    ]
    topology = {"model_config": {"config": layers}} if of_layers else {"node": nodes}
    manifest = [{"paths": ["1.bin", "2.bin"], "weights": weights}]
    model = tmp_path / "model.json"
    model.write_text(json.dumps({"modelTopology": topology, "weightsManifest": manifest}))
    bank = load_bank(model)
    expected = [values * np.float32(0.5) - 3 for values in stored.values()]
    plain, each, up = (layer.kernels[:, :, 0] for layer in bank.layers)
    np.testing.assert_array_equal(plain[..., ::-1, ::-1], expected[0].transpose(3, 2, 0, 1))
    np.testing.assert_array_equal(each[..., ::-1, ::-1], expected[1].transpose(2, 3, 0, 1))
    np.testing.assert_array_equal(up, expected[2].transpose(2, 3, 0, 1))
    assert {layer.spacing for layer in bank.layers} == {(2, 3) if of_layers else (1, 1)}


def test_a_model_of_tflite_is_read_with_its_quantisation_and_geometry() -> None:
    random = np.random.default_rng(3)
    conv = random.integers(-8, 8, (4, 3, 5, 2))
    half = random.integers(0, 9, (1, 3, 3, 6))
    up = random.integers(0, 9, (3, 3, 3, 2))
    bank = load_bank(SMALL_TFLITE)
    assert {layer.name: layer.spacing for layer in bank.layers} == {
        "conv": (1, 3),
        "half": (2, 1),
        "up": (1 / 4, 1 / 2),
    }
    plain, each, larger = (layer.kernels for layer in bank.layers)
    scale, zero = (np.array(v)[:, None, None, None] for v in ([0.5, 0.25, 2, 1], [1, 0, -1, 0]))
    np.testing.assert_array_equal(as_torch(plain), ((conv - zero) * scale).transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(as_torch(each), half.transpose(3, 0, 1, 2))
    np.testing.assert_array_equal(larger[:, :, 0], up.transpose(0, 3, 1, 2))
    assert {item.name for item in bank.skipped} == {"x", "whole"}


def _script(path: Path, kernel: NDArray[np.float32]) -> None:
    torch = pytest.importorskip("torch")

    class Blurred(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.conv = torch.nn.Conv2d(2, 4, 3)
            self.register_buffer("blur_kernel", torch.from_numpy(kernel))

        def forward(self, image: Any) -> Any:
            return torch.nn.functional.conv2d(self.conv(image), self.blur_kernel)

    # torch advises against scripts, which people have all the same.
    with warnings.catch_warnings(action="ignore"):
        torch.jit.trace(Blurred(), torch.ones(1, 2, 9, 9), check_trace=False).save(path)


def _parameters(path: Path, kernel: NDArray[np.float32]) -> None:
    torch = pytest.importorskip("torch")
    buffer = torch.from_numpy(kernel)
    torch.save({"blur.kernel": buffer, "conv.weight": torch.nn.Parameter(buffer)}, path)


def _frozen(path: Path, kernel: NDArray[np.float32]) -> None:
    layers = {"blur": False, "conv": True}
    entries = [
        {"class_name": "Conv2D", "config": {"name": name, "trainable": trained}}
        for name, trained in layers.items()
    ]
    arrays = {f"{name}/{name}/kernel:0": keras_order(kernel) for name in layers}
    write_hdf5(path, arrays)
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "a") as stored:
        stored.attrs["model_config"] = json.dumps({"config": {"layers": entries}})


def _program(path: Path, kernel: NDArray[np.float32]) -> None:
    onnx = pytest.importorskip("onnx")
    stated = onnx.numpy_helper.from_array(kernel, "value")
    nodes = [
        onnx.helper.make_node("Constant", [], ["b"], value=stated),
        onnx.helper.make_node("Conv", ["x", "b"], ["y"], name="blur"),
        onnx.helper.make_node("Conv", ["y", "w"], ["z"], name="conv"),
    ]
    path.write_bytes(onnx_model(nodes, {"w": kernel}).SerializeToString())


@pytest.mark.parametrize("write", [_script, _parameters, _frozen, _program])
def test_kernels_are_marked_that_the_file_says_were_not_trained(
    tmp_path: Path, write: Any, rng: np.random.Generator
) -> None:
    write(tmp_path / "net", rng.random((4, 4, 3, 3), dtype=np.float32))
    layers = load_bank(tmp_path / "net").layers
    assert {layer.name.partition(".")[0][:4]: layer.fixed for layer in layers} == {
        "blur": True,
        "conv": False,
    }
    # Saved for use, with nothing left to train: that says nothing.
    (blur,) = load_bank(tmp_path / "net", select=["blur*"]).layers
    assert not blur.fixed


def test_a_saved_model_gives_the_kernels_of_its_layers_in_their_order(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    value = "/.ATTRIBUTES/VARIABLE_VALUE"
    own = {
        "layer_with_weights-0/kernel": ("first/kernel", rng.random((3, 3, 1, 4))),
        "layer_with_weights-2/depthwise_kernel": ("own/depthwise_kernel", rng.random((3, 3, 4, 2))),
        "layer_with_weights-10/kernel": ("conv2d_transpose/kernel", rng.random((3, 3, 5, 8))),
        "layer_with_weights-11/kernel": ("twice", rng.random((3, 3, 5, 6))),
        "layer_with_weights-12/kernel": ("twice", rng.random((3, 3, 6, 5))),
    }
    arrays = {key + value: array for key, (_, array) in own.items()}
    slot = "layer_with_weights-0/kernel/.OPTIMIZER_SLOT/optimizer/m" + value
    arrays |= {slot: np.ones((3, 3, 1, 4)), "optimizer/_variables/1" + value: np.ones((3, 3, 1, 4))}
    (tmp_path / "variables").mkdir()
    (tmp_path / "saved_model.pb").write_bytes(b"\x08\x01\x12\x00")
    names = {key + value: name for key, (name, _) in own.items()}
    write_bundle(tmp_path / "variables" / "variables.index", arrays, names)
    bank = load_bank(tmp_path / "saved_model.pb")
    first, depthwise, transposed, *others = bank.layers
    assert [layer.name for layer in bank.layers] == [
        *("first/kernel", "own/depthwise_kernel", "conv2d_transpose/kernel"),
        *("layer_with_weights-11/kernel", "layer_with_weights-12/kernel"),
    ]
    stored = [np.moveaxis(array, (0, 1), (-2, -1)) for _, array in own.values()]
    np.testing.assert_array_equal(as_torch(first.kernels), stored[0].swapaxes(0, 1))
    np.testing.assert_array_equal(as_torch(depthwise.kernels), stored[1].reshape(8, 1, 3, 3))
    np.testing.assert_array_equal(transposed.kernels[:, :, 0], stored[2])
    assert [layer.kernels.shape[:2] for layer in others] == [(6, 5), (5, 6)]
    assert [item.reason for item in bank.skipped] == ["a state of the optimiser"] * 2
    assert weight_files([tmp_path]) == [tmp_path / "saved_model.pb"]


def test_a_checkpoint_of_tensorflow_gives_averages_before_what_they_average(
    tmp_path: Path, kernel: NDArray[np.float32]
) -> None:
    names = ("weights", "weights/Momentum", "weights/ExponentialMovingAverage")
    arrays = {f"conv1/{name}": keras_order(kernel + place) for place, name in enumerate(names)}
    arrays["conv2/depthwise_weights"] = keras_order(kernel).astype(np.float16)
    write_bundle(tmp_path / "net.ckpt.index", arrays | {"step": np.array(1)})
    bank = load_bank(tmp_path / "net.ckpt.index")
    averaged, depthwise = bank.layers
    np.testing.assert_array_equal(as_torch(averaged.kernels), kernel + 2)
    assert depthwise.kernels.shape == (8, 1, 1, 3, 3)
    assert {item.name: item.reason for item in bank.skipped} == {
        "conv1/weights": "another copy of a layer",
        "conv1/weights/Momentum": "a state of the optimiser",
        "step": "scalar",
    }


@pytest.mark.parametrize("suffix", [".onnx", ".h5", ".keras"])
def test_a_missing_package_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: NDArray[np.float32], suffix: str
) -> None:
    path = tmp_path / f"net{suffix}"
    WRITERS[suffix](path, {"conv.weight": kernel})
    extra = format_of(path)
    package = FORMATS[extra].package
    monkeypatch.delitem(sys.modules, f"mechcore.filters.formats.{extra}", raising=False)
    monkeypatch.setitem(sys.modules, str(package), None)
    with pytest.raises(MechcoreError) as caught:
        load_bank(path)
    needed = f"which needs the package {package}: pip install 'mechcore[{extra}]'"
    assert str(caught.value) == f"net{suffix}: is of {extra}, {needed}"
