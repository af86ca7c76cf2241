"""Which tensors are kernels, in which order, and which way they point."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mechcore import decompose
from mechcore.filters.bank import load_bank
from mechcore.filters.bank_file import slices_by_shape
from mechcore.filters.formats.tensors import Tensor
from mechcore.filters.layers import Layer, Skipped, recognise
from tests.helpers.weight_files import onnx_model, write_hdf5, write_torch


def tensor(shape: tuple[int, ...], name: str, **stated: Any) -> Tensor:
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    return Tensor(name, shape, "float32", lambda: values, **stated)


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
        # Those of a network of 2015 that enlarges 32 times.
        ((21, 21, 64, 64), "upscore.weight", (21, 21)),
        ((16, 1, 512, 1), "conv1.weight", (16, 1)),
        ((64, 1, 1, 16), "conv1/kernel", (16, 1)),
    ],
)
def test_shape_and_name_decide_the_order_of_axes(
    shape: tuple[int, ...], name: str, out_in: tuple[int, int]
) -> None:
    layer = recognise(tensor(shape, name))
    assert isinstance(layer, Layer)
    assert layer.kernels.shape[:2] == out_in


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
        ((40, 40, 64, 64), "rel_pos_table", "axes longer than 31"),
        ((1, 1, 4097, 1), "conv.weight", "kernel of more than 4096 taps"),
        ((1, 768, 14, 14), "pos_embed", "something else by its name"),
        ((1, 197, 24), "vit.position_embeddings", "something else by its name"),
        ((1, 1, 8, 8), "attention.mask", "something else by its name"),
        ((64, 14, 14), "norm.weight", "3 axes, but not the weight of a conv by its name"),
        ((8, 4, 4), "experts.weight", "3 axes, but not the weight of a conv by its name"),
        ((1, 1, 24), "conv.weight_g", "3 axes, but not the weight of a conv by its name"),
    ],
)
def test_other_tensors_are_skipped(shape: tuple[int, ...], name: str, reason: str) -> None:
    assert recognise(tensor(shape, name)) == Skipped(name, shape, reason)


@pytest.mark.parametrize(
    ("shape", "name", "layout", "stated", "kernels"),
    [
        ((3, 3, 8, 8), "x", "keras", {}, (8, 8, 1, 3, 3)),
        ((3, 3, 8, 8), "kernel", "torch", {}, (3, 3, 1, 8, 8)),
        ((6, 3, 5, 2), "weight", "ohwi", {}, (6, 2, 1, 3, 5)),
        ((6, 3, 2), "conv.weight", "ohwi", {}, (6, 2, 1, 1, 3)),
        ((3, 3, 8, 8), "x", "keras", {"layout": "torch", "kind": "convolution"}, (3, 3, 1, 8, 8)),
        # Nor does the largest kernel of a guess bind a graph.
        ((4, 1, 128), "x", "auto", {"layout": "torch", "kind": "convolution"}, (4, 1, 1, 1, 128)),
    ],
)
def test_the_users_layout_overrides_shape_and_name_but_no_graph(
    shape: tuple[int, ...], name: str, layout: str, stated: Any, kernels: tuple[int, ...]
) -> None:
    layer = recognise(tensor(shape, name, **stated), layout)
    assert isinstance(layer, Layer)
    assert layer.kernels.shape == kernels


@pytest.mark.parametrize("kind", ["convolution", "transposed"])
def test_kernels_along_time_alone_are_lines(kind: str) -> None:
    stated = {"layout": "torch", "kind": kind, "dilations": (6, 1, 1), "strides": (3, 1, 1)}
    layer = recognise(tensor((4, 4, 3, 1, 1), "conv_t.weight", **stated))
    assert isinstance(layer, Layer)
    assert layer.kernels.shape == (4, 4, 1, 1, 3)
    first = layer.kernels[0, 0, 0, 0].tolist()
    assert (first, layer.spacing) == {
        "convolution": ([2, 1, 0], (1, 6)),
        "transposed": ([0, 1, 2], (1, 2)),
    }[kind]


# Which way a kernel points, by the networks' own convolutions.


def drift(
    image: NDArray[Any], result: NDArray[Any], finer: tuple[int, int] = (1, 1)
) -> NDArray[Any]:
    """Return how far the centroid moved, in pixels of the image."""

    def centroid(values: NDArray[Any]) -> NDArray[Any]:
        y, x = np.indices(values.shape)
        y, x = y - (values.shape[0] - 1) / 2, x - (values.shape[1] - 1) / 2
        return np.array([np.sum(x * values), np.sum(y * values)]) / values.sum()

    return centroid(result) / finer[::-1] - centroid(image)


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


@pytest.mark.parametrize("dilations", [(1, 1), (2, 2), (3, 1)])
@pytest.mark.parametrize(("kind", "strides"), [("Conv", (1, 1)), ("ConvTranspose", (2, 4))])
def test_dilation_and_stride_enter_the_predicted_velocity(
    tmp_path: Path,
    rng: np.random.Generator,
    kind: str,
    strides: tuple[int, int],
    dilations: tuple[int, int],
) -> None:
    onnx, torch = pytest.importorskip("onnx"), pytest.importorskip("torch")
    weight = rng.random((1, 1, 3, 5))
    stated = {"dilations": dilations, "strides": strides}
    node = onnx.helper.make_node(kind, ["x", "w"], ["y"], **stated)
    onnx.save(onnx_model([node], {"w": weight}), tmp_path / "net")
    slices = slices_by_shape(load_bank(tmp_path / "net"))["k3x5"]
    image = torch.zeros((1, 1, 41, 41), dtype=torch.float64)
    image[0, 0, 18:23, 17:24] = torch.from_numpy(rng.random((5, 7)))
    functions, kernel = torch.nn.functional, torch.from_numpy(weight)
    if kind == "Conv":
        response = functions.conv2d(image, kernel, padding="same", dilation=dilations)[0, 0]
    else:
        # Crops what the kernel adds on both sides, and what the last pixel lacks.
        padding = tuple((n - 1) * d // 2 for n, d in zip((3, 5), dilations, strict=True))
        response = functions.conv_transpose2d(
            image, kernel, stride=strides, dilation=dilations, padding=padding
        )[0, 0]
    moved = drift(image[0, 0].numpy(), response.numpy(), strides)
    velocity = [slices.velocity_x[0], slices.velocity_y[0]]
    np.testing.assert_allclose(moved, velocity, atol=1e-12)


def test_kernels_of_keras_point_where_layers_move(tmp_path: Path, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    functions = torch.nn.functional
    plain, up, each = rng.random((3, 5, 2, 4)), rng.random((3, 5, 4, 2)), rng.random((3, 5, 2, 3))
    names = ("conv2d", "conv2d_transpose", "depthwise_conv2d")
    arrays = {f"layers/{n}/vars/0": a for n, a in zip(names, (plain, up, each), strict=True)}
    write_hdf5(tmp_path / "net.weights.h5", arrays)
    layers = {
        entry.name.split("/")[1]: entry.kernels
        for entry in load_bank(tmp_path / "net.weights.h5").layers
    }
    kernels = torch.from_numpy(plain.transpose(3, 2, 0, 1).copy())
    check_directions(
        layers["conv2d"], lambda image: functions.conv2d(image, kernels, padding=(2, 4))
    )
    # Keras has (kh, kw, out, in) for the same function of torch, which has (in, out, kh, kw).
    upward = torch.from_numpy(up.transpose(3, 2, 0, 1).copy())
    check_directions(
        layers["conv2d_transpose"], lambda image: functions.conv_transpose2d(image, upward)
    )
    single = torch.from_numpy(each.transpose(2, 3, 0, 1).reshape(6, 1, 3, 5).copy())
    check_directions(
        layers["depthwise_conv2d"],
        lambda image: functions.conv2d(image, single, padding=(2, 4), groups=2),
        groups=2,
    )
