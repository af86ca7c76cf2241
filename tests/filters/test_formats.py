"""Weight files: what is a spatial convolution, which way it points, and what is refused."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import subprocess
import sys
import textwrap
import time
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

from mechcore import decompose
from mechcore.errors import InvalidValue, MechcoreError
from mechcore.experiment.weights import FORMATS, bank_name, check_weights
from mechcore.filters import formats
from mechcore.filters.bank import load_bank
from mechcore.filters.formats import open_tensors
from mechcore.filters.formats.tensors import Tensor
from mechcore.filters.layers import recognise
from tests.filters.weight_files import (
    WRITERS,
    keras_order,
    onnx_model,
    write_hdf5,
    write_keras,
    write_npz,
    write_raw_safetensors,
    write_safetensors,
    write_torch,
    write_weights_h5,
)

DATA = Path(__file__).with_name("data")

each_format = pytest.mark.parametrize("suffix", list(FORMATS))


@pytest.fixture
def kernel(rng: np.random.Generator) -> NDArray[np.float32]:
    """A kernel as torch has it, with a positive sum."""
    return rng.random((4, 2, 3, 3), dtype=np.float32)


def as_torch(kernels: NDArray[Any]) -> NDArray[Any]:
    return kernels[:, :, 0, ::-1, ::-1]


def refusal(path: Path, layout: str = "auto") -> str:
    """Return the one line that a file is refused with; nothing appears beside it."""
    before = sorted(path.parent.iterdir())
    with pytest.raises(MechcoreError) as caught:
        load_bank(path, layout)
    assert sorted(path.parent.iterdir()) == before
    text = str(caught.value)
    assert "\n" not in text
    assert path.name in text
    return text


def tensor(shape: tuple[int, ...], name: str = "x", dtype: str = "float32", **told: Any) -> Tensor:
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    return Tensor(name, shape, dtype, lambda: values, **told)


# What is read.


def test_all_formats_have_a_writer_here() -> None:
    assert list(WRITERS) == list(FORMATS)


@each_format
def test_every_format_gives_the_kernels_turned_by_180_degrees(
    tmp_path: Path, kernel: NDArray[np.float32], suffix: str
) -> None:
    path = tmp_path / f"net{suffix}"
    WRITERS[suffix](path, {"conv.weight": kernel, "conv.bias": kernel[:, 0, 0, 0]})
    bank = load_bank(path)
    (layer,) = bank.layers
    np.testing.assert_array_equal(as_torch(layer.kernels), kernel)
    assert layer.kernels.dtype == np.float32
    assert layer.kernels.flags.c_contiguous
    assert layer.kernels.flags.writeable
    assert [entry.reason for entry in bank.skipped] in (
        ["vector"],
        ["not the kernel of a convolution"],
    )
    assert bank.slices == 8
    assert bank.name == path.name
    assert bank.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@each_format
def test_suffixes_count_in_any_case(
    tmp_path: Path, kernel: NDArray[np.float32], suffix: str
) -> None:
    path = tmp_path / f"Net{suffix}"
    WRITERS[suffix](path, {"conv.weight": kernel})
    upper = path.rename(tmp_path / f"NET{suffix.upper()}")
    assert load_bank(upper).slices == 8
    assert bank_name(upper) == "NET"


@each_format
@pytest.mark.parametrize(("dtype", "read"), [("f8", "f8"), ("f4", "f4"), ("f2", "f4")])
def test_float64_stays_and_smaller_floats_become_float32(
    tmp_path: Path, kernel: NDArray[np.float32], suffix: str, dtype: str, read: str
) -> None:
    path = tmp_path / f"net{suffix}"
    WRITERS[suffix](path, {"conv.weight": kernel.astype(dtype)})
    (layer,) = load_bank(path).layers
    assert layer.kernels.dtype == np.dtype(read)
    np.testing.assert_array_equal(as_torch(layer.kernels), kernel.astype(dtype))


@each_format
@pytest.mark.parametrize("shape", [(6, 2, 5), (4, 3, 2, 3, 3), (4, 1, 1, 7)])
def test_lines_and_volumes_are_lists_of_planes(
    tmp_path: Path, rng: np.random.Generator, suffix: str, shape: tuple[int, ...]
) -> None:
    path = tmp_path / f"net{suffix}"
    values = rng.random(shape, dtype=np.float32)
    WRITERS[suffix](path, {"conv.weight": values})
    (layer,) = load_bank(path).layers
    planes = values.reshape(*shape[:2], *(1,) * (5 - len(shape)), *shape[2:])
    np.testing.assert_array_equal(layer.kernels[..., ::-1, ::-1], planes)


@each_format
def test_zero_kernels_are_fine(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"net{suffix}"
    WRITERS[suffix](path, {"conv.weight": np.zeros((4, 2, 3, 3), dtype=np.float32)})
    assert load_bank(path).slices == 8


@each_format
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused_by_name_and_number(
    tmp_path: Path, kernel: NDArray[np.float32], suffix: str, value: float
) -> None:
    path = tmp_path / f"net{suffix}"
    kernel[0, 0, 0, :2] = value
    WRITERS[suffix](path, {"conv.weight": kernel})
    assert "2 of 72 weights are infinite or not a number" in refusal(path)


@each_format
def test_a_file_without_convolution_is_refused_with_reasons(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"net{suffix}"
    WRITERS[suffix](path, {"a": np.ones((2, 3)), "b": np.ones(4), "c": np.ones((2, 2))})
    expected = "3 x not the kernel" if suffix == ".onnx" else "2 x matrix (as "
    assert expected in refusal(path)


@each_format
def test_whole_numbers_are_skipped(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"net{suffix}"
    WRITERS[suffix](path, {"conv.weight": np.ones((4, 2, 3, 3), dtype=np.int8)})
    assert "1 x int8 values" in refusal(path)


def test_the_largest_banks_take_much_less_than_a_second(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    kernels = {
        f"{place}.weight": np.ones((1024, 256, 3, 3), dtype=np.float32) for place in range(5)
    }
    write_safetensors(path, {**kernels, "head.weight": np.ones((4096, 4096), dtype=np.float32)})
    times = []
    for _ in range(3):
        start = time.perf_counter()
        bank = load_bank(path)
        times.append(time.perf_counter() - start)
    assert bank.slices == 5 * 1024 * 256
    # 0.2 s where it was written; a loop over the slices takes 10 s.
    assert min(times) < 2


# Which tensors are kernels, and in which order.


@pytest.mark.parametrize(
    ("shape", "name", "out_in"),
    [
        ((64, 3, 3, 3), "x", (64, 3)),
        ((3, 3, 3, 64), "x", (64, 3)),
        ((8, 16, 3, 3), "x", (8, 16)),
        ((3, 3, 8, 16), "x", (16, 8)),
        ((3, 3, 8, 16), "conv.weight", (3, 3)),
        ((16, 16, 1, 7), "conv.weight", (16, 16)),
        ((3, 3, 8, 8), "conv/kernel:0", (8, 8)),
        ((3, 3, 8, 8), "params.conv.kernel", (8, 8)),
        ((3, 3, 8, 8), "conv.weight", (3, 3)),
        ((3, 3, 8, 8), "x", (3, 3)),
        ((16, 1, 3, 3), "x", (16, 1)),
        ((1, 1, 3, 3), "x", (1, 1)),
        ((3, 3, 1, 1), "kernel", (1, 1)),
        ((1, 7, 16, 16), "kernel", (16, 16)),
        ((64, 32, 3), "conv1.weight", (64, 32)),
        ((3, 32, 64), "conv1/kernel", (64, 32)),
        ((8, 4, 2, 3, 3), "x", (8, 4)),
        ((2, 3, 3, 4, 64), "x", (64, 4)),
    ],
)
def test_the_order_of_axes_is_told_by_shape_and_name(
    shape: tuple[int, ...], name: str, out_in: tuple[int, int]
) -> None:
    assert recognise(tensor(shape, name)).kernels.shape[:2] == out_in


@pytest.mark.parametrize(
    ("shape", "name", "reason"),
    [
        ((), "x", "scalar"),
        ((3,), "x", "vector"),
        ((3, 3), "conv.weight", "matrix"),
        ((1, 3, 1, 3, 3, 3), "conv.weight", "6 axes"),
        ((64, 0, 3, 3), "x", "empty"),
        ((64, 64, 1, 1), "x", "kernel of one tap"),
        ((16, 16, 1, 1), "x", "kernel of one tap"),
        ((1, 1, 16, 16), "kernel", "kernel of one tap"),
        ((8, 8, 1, 1, 1), "x", "kernel of one tap"),
        ((64, 64, 1), "conv.weight", "kernel of one tap"),
        # Those of a network of 2015 that enlarges 32 times: no kernel of 21 x 21.
        ((21, 21, 64, 64), "upscore.weight", "axes longer than 31"),
        ((1, 768, 14, 14), "pos_embed", "something else by its name"),
        ((1, 197, 24), "vit.position_embeddings", "something else by its name"),
        ((1, 1, 8, 8), "attention.mask", "something else by its name"),
        ((64, 14, 14), "norm.weight", "3 axes, but not the weight of a conv by its name"),
        ((8, 4, 4), "experts.weight", "3 axes, but not the weight of a conv by its name"),
        ((1, 1, 24), "conv.weight_g", "3 axes, but not the weight of a conv by its name"),
    ],
)
def test_what_is_no_spatial_convolution_is_skipped_for_a_reason(
    shape: tuple[int, ...], name: str, reason: str
) -> None:
    entry = recognise(tensor(shape, name))
    assert (entry.name, entry.shape, entry.reason) == (name, shape, reason)


def test_the_users_layout_is_above_shape_and_name_but_not_above_a_graph() -> None:
    assert recognise(tensor((3, 3, 8, 8)), "keras").kernels.shape[:2] == (8, 8)
    assert recognise(tensor((3, 3, 8, 8), "kernel"), "torch").kernels.shape[:2] == (3, 3)
    told = tensor((3, 3, 8, 8), layout="torch", kind="convolution")
    assert recognise(told, "keras").kernels.shape[:2] == (3, 3)
    # Neither is the largest kernel.
    long = tensor((4, 1, 128), layout="torch", kind="convolution")
    assert recognise(long).kernels.shape == (4, 1, 1, 1, 128)


def test_a_wrong_layout_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"layout: 'tensorflow' is not allowed, expected one of"):
        load_bank(tmp_path / "net.npz", "tensorflow")


# Which way a kernel points: by the networks' own convolutions.


def drift(image: NDArray[Any], result: NDArray[Any]) -> NDArray[Any]:
    """Return how far the centroid moves, in px."""

    def centroid(values: NDArray[Any]) -> NDArray[Any]:
        y, x = np.indices(values.shape)
        y, x = y - (values.shape[0] - 1) / 2, x - (values.shape[1] - 1) / 2
        return np.array([np.sum(x * values), np.sum(y * values)]) / values.sum()

    return centroid(result) - centroid(image)


def check_directions(kernels: NDArray[Any], run: Any, groups: int = 1) -> None:
    """Compare the drift of a blob in one input channel with M1 / M0 of its kernel."""
    torch = pytest.importorskip("torch")
    outputs, inputs = kernels.shape[:2]
    blob = np.random.default_rng(0).random((5, 7))
    for out, channel in np.ndindex(outputs, inputs):
        image = torch.zeros((1, inputs * groups, 15, 17), dtype=torch.float64)
        image[0, out * groups // outputs * inputs + channel, 5:10, 5:12] = torch.from_numpy(blob)
        parts = decompose(kernels[out, channel, 0])
        # The centroid of a convolution is the sum of both centroids: only rounding is left.
        np.testing.assert_allclose(
            drift(image[0].sum(0).numpy(), run(image)[0, out].numpy()),
            parts.momentum_vector / parts.total,
            atol=1e-12,
        )


@pytest.mark.parametrize("size", [(3, 3), (5, 3), (1, 7)])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_torch_moves_a_blob_where_its_kernel_points(
    tmp_path: Path, rng: np.random.Generator, size: tuple[int, int], groups: int
) -> None:
    torch = pytest.importorskip("torch")
    weight = rng.random((4, 4 // groups, *size))
    write_torch(tmp_path / "net.pt", {"conv.weight": weight})
    (layer,) = load_bank(tmp_path / "net.pt").layers

    def run(image: Any) -> Any:
        padding = (size[0] - 1, size[1] - 1)
        kernel = torch.from_numpy(weight)
        return torch.nn.functional.conv2d(image, kernel, padding=padding, groups=groups)

    check_directions(layer.kernels, run, groups)


@pytest.mark.parametrize("groups", [1, 2])
def test_transposed_convolutions_of_a_graph_are_not_turned(
    tmp_path: Path, rng: np.random.Generator, groups: int
) -> None:
    onnx, torch = pytest.importorskip("onnx"), pytest.importorskip("torch")
    weight = rng.random((4, 3, 3, 5))
    node = onnx.helper.make_node("ConvTranspose", ["x", "w"], ["y"], group=groups)
    onnx.save(onnx_model([node], {"w": weight}), tmp_path / "net.onnx")
    (layer,) = load_bank(tmp_path / "net.onnx").layers
    assert layer.kernels.shape == (3 * groups, 4 // groups, 1, 3, 5)

    def run(image: Any) -> Any:
        kernel = torch.from_numpy(weight)
        return torch.nn.functional.conv_transpose2d(image, kernel, groups=groups)

    check_directions(layer.kernels, run, groups)


def test_kernels_of_keras_point_where_its_layers_move(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    torch = pytest.importorskip("torch")
    functions = torch.nn.functional
    plain, up, each = rng.random((3, 5, 2, 4)), rng.random((3, 5, 4, 2)), rng.random((3, 5, 2, 3))
    names = ("conv2d", "conv2d_transpose", "depthwise_conv2d")
    arrays = {f"layers/{n}/vars/0": a for n, a in zip(names, (plain, up, each), strict=True)}
    write_hdf5(tmp_path / "net.weights.h5", arrays)
    layers = {
        entry.name.split("/")[1]: entry for entry in load_bank(tmp_path / "net.weights.h5").layers
    }
    kernels = torch.from_numpy(plain.transpose(3, 2, 0, 1).copy())
    check_directions(
        layers["conv2d"].kernels, lambda image: functions.conv2d(image, kernels, padding=(2, 4))
    )
    # Keras has (kh, kw, out, in) for the same function of torch, which has (in, out, kh, kw).
    upward = torch.from_numpy(up.transpose(3, 2, 0, 1).copy())
    check_directions(
        layers["conv2d_transpose"].kernels, lambda image: functions.conv_transpose2d(image, upward)
    )
    single = torch.from_numpy(each.transpose(2, 3, 0, 1).reshape(6, 1, 3, 5).copy())
    check_directions(
        layers["depthwise_conv2d"].kernels,
        lambda image: functions.conv2d(image, single, padding=(2, 4), groups=2),
        groups=2,
    )


# Formats: what each has of its own.


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
    bank = load_bank(DATA / "small.keras")
    assert [layer.name for layer in bank.layers] == [f"layers/{n}/vars/0" for n in KERAS_LAYERS]
    with zipfile.ZipFile(DATA / "small.keras") as archive:
        stored = h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r")
    for layer, (name, (shape, axes)) in zip(bank.layers, KERAS_LAYERS.items(), strict=True):
        turn = 1 if name == "conv2d_transpose" else -1
        expected = stored[f"layers/{name}/vars/0"][()].transpose(axes).reshape(shape)
        np.testing.assert_array_equal(layer.kernels, expected[..., ::turn, ::turn])
    assert {entry.reason for entry in bank.skipped} == {"vector", "kernel of one tap"}


def test_classes_of_layers_come_from_the_configuration_or_the_path(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    layers = {"up": "Conv2DTranspose", "dw": "DepthwiseConv2D", "first": "Conv2D"}
    told = [{"class_name": kind, "config": {"name": name}} for name, kind in layers.items()]
    config = {"class_name": "Functional", "config": {"name": "net", "layers": told}}
    values = np.random.default_rng(0).random((3, 3, 2, 4), dtype=np.float32)
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
    np.testing.assert_array_equal(
        as_torch(each)[:, 0], values.transpose(2, 3, 0, 1).reshape(8, 3, 3)
    )
    np.testing.assert_array_equal(as_torch(first), values.transpose(3, 2, 0, 1))
    assert [entry.reason for entry in bank.skipped] == ["a state of the optimiser"]


def test_bfloat16_of_keras_is_read(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    values = np.arange(18).reshape(3, 3, 1, 2).astype(ml_dtypes.bfloat16)
    path = tmp_path / "net.weights.h5"
    with h5py.File(path, "w") as stored:
        stored.create_dataset("layers/conv2d/vars/0", data=values).attrs["dtype"] = "bfloat16"
    (layer,) = load_bank(path).layers
    np.testing.assert_array_equal(as_torch(layer.kernels).transpose(2, 3, 1, 0), values)


@pytest.mark.parametrize(
    ("code", "dtype"),
    [
        ("BF16", ml_dtypes.bfloat16),
        ("F8_E4M3", ml_dtypes.float8_e4m3fn),
        ("F8_E5M2", ml_dtypes.float8_e5m2),
    ],
)
def test_small_floats_of_safetensors_are_exact(tmp_path: Path, code: str, dtype: Any) -> None:
    values = np.linspace(-2, 3, 18).astype(dtype).reshape(2, 1, 3, 3)
    path = tmp_path / "net.safetensors"
    write_raw_safetensors(path, code, values.shape, values.tobytes())
    (layer,) = load_bank(path).layers
    np.testing.assert_array_equal(as_torch(layer.kernels), values.astype(np.float32))


def test_bfloat16_of_numpy_is_read_and_a_lost_type_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    values = np.linspace(-2, 3, 18).reshape(2, 1, 3, 3)
    write_npz(path, {"conv.weight": values.astype(ml_dtypes.bfloat16)})
    (layer,) = load_bank(path).layers
    np.testing.assert_array_equal(as_torch(layer.kernels), values.astype(ml_dtypes.bfloat16))
    write_npz(path, {"conv.weight": values.astype(ml_dtypes.float8_e5m2)})
    assert "'conv.weight' cannot be read: descr is not a valid dtype" in refusal(path)
    write_npz(path, {"conv.weight": values.astype(ml_dtypes.float8_e4m3fn)})
    assert "'conv.weight' is a kernel of float8, expected float64" in refusal(path)


@pytest.mark.parametrize(("code", "size"), [("F4", 16), ("F6_E2M3", 24), ("F8_E8M0", 32)])
def test_floats_without_a_reader_are_refused_by_name(tmp_path: Path, code: str, size: int) -> None:
    path = tmp_path / "net.safetensors"
    write_raw_safetensors(path, code, (2, 1, 4, 4), b"\x11" * size)
    assert f"'conv.weight' is a kernel of float{code[1]}" in refusal(path)


@pytest.mark.parametrize("dtype", ["bfloat16", "float8_e4m3fn", "float8_e5m2"])
def test_small_floats_of_torch_are_exact(tmp_path: Path, dtype: str) -> None:
    torch = pytest.importorskip("torch")
    values = torch.linspace(-2, 3, 18).reshape(2, 1, 3, 3).to(getattr(torch, dtype))
    torch.save({"conv.weight": values}, tmp_path / "net.pt")
    (layer,) = load_bank(tmp_path / "net.pt").layers
    np.testing.assert_array_equal(as_torch(layer.kernels), values.float().numpy())


def test_arrays_of_numpy_in_any_byte_order_and_order_of_axes(
    tmp_path: Path, kernel: NDArray[np.float32]
) -> None:
    path = tmp_path / "net.npz"
    np.savez_compressed(path, a=np.asfortranarray(kernel), b=kernel.astype(">f4"))
    for layer in load_bank(path).layers:
        np.testing.assert_array_equal(as_torch(layer.kernels), kernel)


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict"])
@pytest.mark.parametrize("archived", [True, False])
def test_checkpoints_of_torch_are_searched_for_weights(
    tmp_path: Path, kernel: NDArray[np.float32], key: str, archived: bool
) -> None:
    torch = pytest.importorskip("torch")
    values = torch.from_numpy(kernel)
    state = OrderedDict({"conv.weight": torch.nn.Parameter(values), "steps": torch.tensor(3)})
    optimiser = {"state": {0: {"exp_avg": values}}}
    path = tmp_path / "net.pth"
    checkpoint = {"epoch": 3, "lr": 0.1, "optimizer": optimiser, key: {"stem": state}}
    torch.save(checkpoint, path, _use_new_zipfile_serialization=archived)
    bank = load_bank(path)
    assert [layer.name for layer in bank.layers] == ["stem.conv.weight"]
    assert [entry.reason for entry in bank.skipped] == ["scalar"]
    torch.save({"net": state, "optimizer": optimiser}, path)
    assert [layer.name for layer in load_bank(path).layers] == ["net.conv.weight"]


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
    bank = load_bank(path)
    assert [entry.reason for entry in bank.skipped] == list(others)


def test_kernels_of_a_graph_are_found_by_use(tmp_path: Path, kernel: NDArray[np.float32]) -> None:
    onnx = pytest.importorskip("onnx")
    node, path = onnx.helper.make_node, tmp_path / "net.onnx"
    constant = onnx.numpy_helper.from_array(kernel[:2])
    branch = onnx.helper.make_graph(
        [node("Conv", ["x", "inner"], ["z"])],
        "branch",
        [],
        [],
        [onnx.numpy_helper.from_array(kernel[:1], "inner")],
    )
    nodes = [
        node("Identity", ["w"], ["same"]),
        node("Conv", ["x", "same"], ["a"]),
        node("Conv", ["a", "w"], ["b"]),
        node("Constant", [], ["c"], value=constant),
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
    reasons = {entry.name: entry.reason for entry in bank.skipped}
    assert reasons == {
        "dq": "kernel that is computed by DequantizeLinear",
        "circle": "kernel that is computed by Identity",
        "shaped like a kernel": "not the kernel of a convolution",
        "q": "not the kernel of a convolution",
    }


# What is refused, in one line.


@pytest.mark.parametrize("name", ["net.onx", "net.npy", "net", "net.zip"])
def test_unknown_suffixes_list_the_known(tmp_path: Path, name: str) -> None:
    text = refusal(tmp_path / name)
    assert "expected a file that ends in .safetensors, .npz, .onnx" in text
    assert ("did you mean '.onnx'?" in text) == (name == "net.onx")
    with pytest.raises(InvalidValue, match=r"^untrained: "):
        check_weights(tmp_path / name, "untrained")


@each_format
def test_missing_files_folders_and_pipes_are_refused(tmp_path: Path, suffix: str) -> None:
    assert "cannot be read: No such file" in refusal(tmp_path / f"missing{suffix}")
    (tmp_path / f"folder{suffix}").mkdir()
    assert "is a folder" in refusal(tmp_path / f"folder{suffix}")
    os.mkfifo(tmp_path / f"pipe{suffix}")
    assert "is a device, pipe or socket" in refusal(tmp_path / f"pipe{suffix}")


@each_format
def test_names_of_files_stay_on_one_line(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(MechcoreError) as caught:
        load_bank(tmp_path / f"a\n\x1b[31mb\x00{suffix}")
    assert str(caught.value).isprintable()


@each_format
@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"not a weight file\n" * 9, b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"\x80\x02}."],
)
def test_files_of_another_kind_are_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"net{suffix}"
    path.write_bytes(content)
    refusal(path)


@each_format
def test_truncated_files_are_refused(
    tmp_path: Path, kernel: NDArray[np.float32], suffix: str
) -> None:
    path = tmp_path / f"net{suffix}"
    WRITERS[suffix](path, {"conv.weight": kernel})
    whole = path.read_bytes()
    for share in (0.1, 0.5, 0.9):
        path.write_bytes(whole[: int(len(whole) * share)])
        refusal(path)


PACKAGES = {".onnx": "onnx", ".pt": "torch", ".pth": "torch", ".h5": "keras", ".keras": "keras"}


@pytest.mark.parametrize(("suffix", "extra"), list(PACKAGES.items()))
def test_a_missing_package_is_told_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, extra: str
) -> None:
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(b"x")
    package = formats.PACKAGES[extra]
    monkeypatch.delitem(sys.modules, f"mechcore.filters.formats.{extra}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    needed = f"needs the package {package}: pip install 'mechcore[{extra}]'"
    assert refusal(path) == f"weights{suffix}: reading {suffix} {needed}"


def test_packages_are_imported_by_their_own_formats_only(tmp_path: Path) -> None:
    write_npz(tmp_path / "net.npz", {"a": np.ones((2, 2, 3, 3))})
    code = f"""
    import sys
    from mechcore.filters.bank import load_bank
    load_bank({str(tmp_path / "net.npz")!r})
    assert not {{"torch", "onnx", "h5py", "safetensors"}} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


class Runs:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("form", ["torch", "legacy", "pickle"])
def test_no_code_runs_from_a_file_of_torch(tmp_path: Path, form: str) -> None:
    torch = pytest.importorskip("torch")
    path, touched = tmp_path / "net.pt", tmp_path / "touched"
    objects = {"conv.weight": Runs(touched)}
    writers = {
        "torch": lambda: torch.save(objects, path),
        "legacy": lambda: torch.save(objects, path, _use_new_zipfile_serialization=False),
        "pickle": lambda: path.write_bytes(pickle.dumps(objects)),
    }
    writers[form]()
    text = refusal(path)
    if form != "pickle":
        assert "torch.save(model.state_dict(), path)" in text
    assert not touched.exists()


def test_whole_modules_and_scripts_of_torch_are_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "net.pt"
    torch.save(torch.nn.Conv2d(1, 1, 3), path)
    assert "holds code or Python objects" in refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/constants.pkl", b"")
        archive.writestr("net/data.pkl", b"")
    assert "holds code or Python objects" in refusal(path)
    torch.save(torch.ones((1, 1, 3, 3)), path)
    assert "holds an object of type Tensor, not a state dict" in refusal(path)


def test_pickles_in_arrays_of_numpy_are_not_loaded(tmp_path: Path) -> None:
    path, touched = tmp_path / "net.npz", tmp_path / "touched"
    objects = np.empty((1, 1, 3, 3), dtype=object)
    objects[...] = Runs(touched)
    np.savez(path, allow_pickle=True, a=objects)
    assert "1 x object values" in refusal(path)
    assert not touched.exists()


def test_a_tensor_larger_than_its_storage_is_refused(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "net.pt"
    for shape, text in {
        (1000, 1000, 3, 3): "declares 36000000 bytes of values but holds 4",
        (10**4, 10**4, 3, 3): "more than 100 times the file's",
        (10**6, 10**6, 3, 3): "its kernels would take",
    }.items():
        torch.save({"conv.weight": torch.ones(1).as_strided(shape, (0, 0, 0, 0))}, path)
        assert text in refusal(path)


def test_mappings_that_contain_each_other_end(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "net.pt"
    state: dict[str, Any] = {"conv.weight": torch.ones((1, 1, 3, 3))}
    for _ in range(60):
        state = {"a": state, "b": state}
    state["itself"] = state
    torch.save(state, path)
    assert load_bank(path).slices == 1


def npy(header: str, values: bytes) -> bytes:
    padded = header.ljust(118).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded + values


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((10**6, 10**4, 3, 3), "its kernels would take"),
        ((1000, 1000, 3, 3), "declares 36000000 bytes of values but holds 36"),
        ((-1, 1, 3, 3), ""),
    ],
)
def test_headers_of_numpy_that_declare_too_much_are_refused(
    tmp_path: Path, shape: tuple[int, ...], text: str
) -> None:
    path = tmp_path / "net.npz"
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", npy(header, b"\0" * 36))
    assert text in refusal(path)


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


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".onnx"])
def test_names_that_occur_twice_are_refused(
    tmp_path: Path, kernel: NDArray[np.float32], suffix: str
) -> None:
    path = tmp_path / f"net{suffix}"
    if suffix == ".npz":
        write_npz(path, {"a": kernel})
        with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
            archive.writestr("a.npy", archive.read("a.npy"))
    else:
        WRITERS[suffix](path, {"first1": kernel, "first2": kernel})
        path.write_bytes(path.read_bytes().replace(b"first2", b"first1"))
    refusal(path)


def test_compressed_zeros_of_any_size_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    zeros = np.zeros((2000, 1000, 3, 3), dtype=np.float32)
    np.savez_compressed(tmp_path / "net.npz", a=zeros)
    assert "more than 100 times the file's" in refusal(tmp_path / "net.npz")
    with zipfile.ZipFile(tmp_path / "net.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", zeros.tobytes())
    assert "more than 100 times the file's" in refusal(tmp_path / "net.keras")
    with zipfile.ZipFile(tmp_path / "net.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/data/0", bytes(1000))
    assert "is compressed" in refusal(tmp_path / "net.pt")


def test_values_outside_of_the_file_are_never_read(
    tmp_path: Path, kernel: NDArray[np.float32]
) -> None:
    onnx, h5py = pytest.importorskip("onnx"), pytest.importorskip("h5py")
    model = onnx_model([onnx.helper.make_node("Conv", ["x", "w"], ["y"])], {"w": kernel})
    options = {"save_as_external_data": True, "location": "w.bin", "size_threshold": 0}
    onnx.save(model, tmp_path / "net.onnx", **options)
    assert "'w' is in another file, which is not opened" in refusal(tmp_path / "net.onnx")
    write_weights_h5(tmp_path / "whole.h5", {"a": kernel})
    with h5py.File(tmp_path / "linked.h5", "w") as stored:
        stored["layers"] = h5py.ExternalLink("whole.h5", "/layers")
    assert "it is empty" in refusal(tmp_path / "linked.h5")
    with h5py.File(tmp_path / "virtual.h5", "w") as stored:
        source = h5py.VirtualSource(
            tmp_path / "whole.h5", "layers/conv2d_0/vars/0", keras_order(kernel).shape
        )
        virtual = h5py.VirtualLayout(keras_order(kernel).shape, "f4")
        virtual[...] = source
        stored.create_virtual_dataset("layers/conv2d/vars/0", virtual)
    assert "is in another file" in refusal(tmp_path / "virtual.h5")
    (tmp_path / "raw").write_bytes(kernel.tobytes())
    with h5py.File(tmp_path / "raw.h5", "w") as stored:
        shape = keras_order(kernel).shape
        stored.create_dataset("conv2d/vars/0", shape, "f4", external=[(tmp_path / "raw", 0, 288)])
    assert "is in another file" in refusal(tmp_path / "raw.h5")


def test_datasets_without_values_are_refused_and_compressed_ones_read(
    tmp_path: Path, kernel: NDArray[np.float32]
) -> None:
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "net.h5"
    for shape, text in {(3, 3, 4, 4): "holds 0", (3, 3, 10**5, 10**6): "would take"}.items():
        with h5py.File(path, "w") as stored:
            stored.create_dataset("conv2d/vars/0", shape, "f4", chunks=(3, 3, 4, 4))
        assert text in refusal(path)
    with h5py.File(path, "w") as stored:
        options = {"compression": "gzip", "shuffle": True}
        stored.create_dataset("conv2d/vars/0", data=keras_order(kernel), **options)
    np.testing.assert_array_equal(as_torch(load_bank(path).layers[0].kernels), kernel)


@pytest.mark.parametrize("dims", [(4, 2, 3, 4), (-4, 2, 3, 3), (10**9, 10**9, 3, 3)])
def test_tensors_of_a_graph_that_do_not_fit_their_shape_are_refused(
    tmp_path: Path, kernel: NDArray[np.float32], dims: tuple[int, ...]
) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx_model([onnx.helper.make_node("Conv", ["x", "w"], ["y"])], {"w": kernel})
    model.graph.initializer[0].dims[:] = dims
    (tmp_path / "net.onnx").write_bytes(model.SerializeToString())
    refusal(tmp_path / "net.onnx")


def test_functions_with_convolutions_and_wrong_groups_are_refused(
    tmp_path: Path, kernel: NDArray[np.float32]
) -> None:
    onnx = pytest.importorskip("onnx")
    path, helper = tmp_path / "net.onnx", onnx.helper
    model = onnx_model([], {"w": kernel})
    conv = helper.make_node("Conv", ["x", "w"], ["y"])
    version = helper.make_opsetid("", 17)
    model.functions.append(helper.make_function("own", "f", ["x", "w"], ["y"], [conv], [version]))
    path.write_bytes(model.SerializeToString())
    assert "inline_local_functions" in refusal(path)
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], group=3)
    path.write_bytes(onnx_model([node], {"w": kernel}).SerializeToString())
    assert "'w' cannot be split into 3 groups" in refusal(path)


def test_names_of_a_graph_that_are_no_text_are_told(
    tmp_path: Path, kernel: NDArray[np.float32]
) -> None:
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node("Conv", ["x", "unknown"], ["y"])
    content = onnx_model([node], {"w": kernel}).SerializeToString()
    (tmp_path / "net.onnx").write_bytes(content.replace(b"unknown", b"\xffnknown"))
    assert "kernel that is not stored as an array" in refusal(tmp_path / "net.onnx")


def test_a_header_of_safetensors_beyond_the_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes((2**40).to_bytes(8, "little") + b"{}")
    refusal(path)
    write_raw_safetensors(path, "F32", (10**6, 10**6, 3, 3), b"\0" * 36)
    refusal(path)


def test_a_bank_beyond_the_largest_is_refused(
    tmp_path: Path, kernel: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mechcore.filters.bank.LARGEST_BANK", kernel.nbytes)
    write_npz(tmp_path / "net.npz", {"a": kernel})
    assert load_bank(tmp_path / "net.npz").slices == 8
    write_npz(tmp_path / "net.npz", {"a": kernel, "b": kernel})
    assert "its kernels would take 576 bytes, more than 288" in refusal(tmp_path / "net.npz")


CLAIMS = {
    "claims.npz": "np.savez_compressed(path, a=np.zeros((4000, 4000, 3, 3), dtype=np.float32))",
    "claims.h5": """
        with h5py.File(path, "w") as stored:
            options = {"chunks": (3, 3, 64, 64), "compression": "gzip"}
            data = stored.create_dataset("conv2d/vars/0", (3, 3, 4096, 4096), "f4", **options)
            data[:, :, :64, :64] = 0""",
    "claims.pt": 'torch.save({"a": torch.ones(1).as_strided((4000, 4000, 3, 3), (0,) * 4)}, path)',
}


def test_files_that_claim_gigabytes_are_refused_in_little_memory(tmp_path: Path) -> None:
    for package in ("torch", "onnx", "h5py"):
        pytest.importorskip(package)
    imports = "import h5py, numpy as np, torch\n"
    for name, code in CLAIMS.items():
        path = f"path = {str(tmp_path / name)!r}\n"
        subprocess.run([sys.executable, "-c", imports + path + textwrap.dedent(code)], check=True)
    # What the packages take by themselves is not counted: half a gigabyte more than that.
    code = f"""
    import resource
    import h5py, onnx, torch, safetensors
    from pathlib import Path
    from mechcore.errors import MechcoreError
    from mechcore.filters.bank import load_bank
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**29,) * 2)
    for path in Path({str(tmp_path)!r}).iterdir():
        try:
            load_bank(path)
        except MechcoreError as error:
            assert "more than 100 times the file's" in str(error), error
        else:
            raise AssertionError(path)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_a_tensor_can_be_read_while_the_file_is_open(
    tmp_path: Path, kernel: NDArray[np.float32]
) -> None:
    write_keras(tmp_path / "net.keras", {"a": kernel}, compression=zipfile.ZIP_DEFLATED)
    with open_tensors(tmp_path / "net.keras") as (found,):
        np.testing.assert_array_equal(found.read(), keras_order(kernel))
