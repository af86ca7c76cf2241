"""Batch normalisation that follows a convolution is folded into its kernels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mechcore.filters.bank import load_bank
from tests.helpers.weight_files import onnx_model, write_hdf5, write_safetensors, write_torch

Arrays = dict[str, NDArray[np.float32]]

EPSILON = {"keras": 1e-3, "onnx": 1e-2}
"""Where it is not the default of torch, 1e-5."""


@pytest.fixture
def network(rng: np.random.Generator) -> Arrays:
    """Two convolutions with normalisation, and one of as many outputs without."""
    arrays: Arrays = {}
    for number in (1, 2):
        arrays[f"conv{number}.weight"] = rng.random((4, 4, 3, 3), dtype=np.float32)
        for name in ("weight", "bias", "running_mean", "running_var"):
            arrays[f"bn{number}.{name}"] = rng.random(4, dtype=np.float32)
    arrays["head.weight"] = rng.random((4, 4, 3, 3), dtype=np.float32)
    return arrays


def keras(path: Path, arrays: Arrays) -> None:
    h5py = pytest.importorskip("h5py")
    variables = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean"}
    variables["running_var"] = "moving_variance"
    renamed: Arrays = {}
    for name, array in arrays.items():
        layer, variable = name.split(".")
        is_kernel = array.ndim == 4
        values = array.transpose(2, 3, 1, 0) if is_kernel else array
        renamed[f"{layer}/{layer}/{'kernel' if is_kernel else variables[variable]}:0"] = values
    write_hdf5(path, renamed)
    with h5py.File(path, "a") as stored:
        stored.attrs["layer_names"] = [b"conv1", b"bn1", b"conv2", b"bn2", b"head"]


def onnx(path: Path, arrays: Arrays) -> None:
    node = pytest.importorskip("onnx").helper.make_node
    nodes, x = [], "x"
    for number in (1, 2):
        names = [f"bn{number}.{n}" for n in ("weight", "bias", "running_mean", "running_var")]
        nodes.append(node("Conv", [x, f"conv{number}.weight"], [f"c{number}"]))
        x = f"b{number}"
        nodes.append(node("BatchNormalization", [f"c{number}", *names], [x], epsilon=1e-2))
    nodes.append(node("Conv", [x, "head.weight"], ["y"]))
    path.write_bytes(onnx_model(nodes, arrays).SerializeToString())


WRITERS: dict[str, Callable[[Path, Any], None]] = {
    "torch": write_torch,
    "safetensors": write_safetensors,
    "keras": keras,
    "onnx": onnx,
}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize("fold", [True, False])
def test_kernels_are_multiplied_by_the_factors_of_their_own_normalisation(
    tmp_path: Path, network: Arrays, kind: str, fold: bool
) -> None:
    WRITERS[kind](tmp_path / "net", network)
    bank = load_bank(tmp_path / "net", fold_batchnorm=fold)
    kernels = {layer.name.split("/")[0].split(".")[0]: layer.kernels for layer in bank.layers}
    assert set(kernels) == {"conv1", "conv2", "head"}
    for name, values in kernels.items():
        factor = np.ones(4)
        if fold and name != "head":
            bn = name.replace("conv", "bn")
            variance = network[f"{bn}.running_var"] + EPSILON.get(kind, 1e-5)
            factor = network[f"{bn}.weight"] / np.sqrt(variance)
        expected = network[f"{name}.weight"] * factor[:, None, None, None]
        # One rounding of float32.
        np.testing.assert_allclose(values[:, :, 0, ::-1, ::-1], expected, rtol=1e-6)


def test_it_is_what_torch_fuses(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    layers = [torch.nn.Conv2d(3, 6, 3), torch.nn.BatchNorm2d(6), torch.nn.Conv2d(6, 6, 3, groups=6)]
    network = torch.nn.Sequential(*layers, torch.nn.BatchNorm2d(6, affine=False))
    network(torch.randn(8, 3, 9, 9, generator=torch.Generator().manual_seed(0)))
    torch.save(network.state_dict(), tmp_path / "net")
    network.eval()
    for layer, (first, second) in zip(
        load_bank(tmp_path / "net", fold_batchnorm=True).layers, ((0, 1), (2, 3)), strict=True
    ):
        fused = torch.nn.utils.fusion.fuse_conv_bn_eval(network[first], network[second])
        expected = fused.weight.detach().numpy()
        np.testing.assert_allclose(layer.kernels[:, :, 0, ::-1, ::-1], expected, rtol=1e-5)
