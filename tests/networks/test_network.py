"""What `mechcore.network` and its command return."""

from __future__ import annotations

import re
import subprocess
import sys
import tracemalloc
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
import xarray as xr
from onnx.reference import ReferenceEvaluator

import mechcore
from mechcore.cli import main
from mechcore.filters.bank import load_bank
from mechcore.io.netcdf import read_dataset
from mechcore.networks.dataset import layer_means
from mechcore.networks.network import unit_moments
from mechcore.networks.operators import JOINTS, RULES
from tests.helpers.onnx_models import model, node
from tests.helpers.projects import PROJECT

DIGITS = PROJECT / "resources" / "networks" / "digits.onnx"

GATES: dict[str, list[onnx.NodeProto]] = {
    "Relu": [node("Relu", "conv", to="gated")],
    "LeakyRelu": [node("LeakyRelu", "conv", to="gated", alpha=0.1)],
    "PRelu": [node("PRelu", "conv", "slopes", to="gated")],
    "Clip": [node("Clip", "conv", "zero", "one", to="gated")],
    "Sigmoid": [node("Sigmoid", "conv", to="gated")],
    "Tanh": [node("Tanh", "conv", to="gated")],
    "Gelu": [node("Gelu", "conv", to="gated")],
    "Silu": [node("Sigmoid", "conv", to="s"), node("Mul", "conv", "s", to="gated")],
    "exact Gelu": [
        node("Div", "conv", "two", to="scaled"),
        node("Erf", "scaled", to="erf"),
        node("Add", "erf", "one", to="shifted"),
        node("Mul", "conv", "shifted", to="gated"),
    ],
    "squeeze and excitation": [
        node("Relu", "conv", to="relu"),
        node("GlobalAveragePool", "relu", to="mean"),
        node("Conv", "mean", "square", to="inner"),
        node("HardSigmoid", "inner", to="factor"),
        node("Mul", "relu", "factor", to="gated"),
    ],
    "MaxPool": [node("MaxPool", "conv", to="gated", kernel_shape=[3, 3], pads=[1, 1, 1, 1])],
    "constant factor": [node("Mul", "conv", "slopes", to="gated")],
    "excitation by dense layers": [
        node("GlobalAveragePool", "conv", to="mean"),
        node("Flatten", "mean", to="flat"),
        node("MatMul", "flat", "matrix", to="inner"),
        node("Sigmoid", "inner", to="sigmoid"),
        node("Unsqueeze", "sigmoid", "axes", to="factor"),
        node("Mul", "factor", "conv", to="gated"),
    ],
    "difference": [
        node("Sub", "none", "conv", to="turned"),
        node("Relu", "turned", to="gated"),
    ],
    "Pad": [
        node("Relu", "conv", to="relu"),
        node("Pad", "relu", "pads", to="gated"),
    ],
}
"""From one tensor to another without a bias."""


@pytest.mark.parametrize("name", GATES)
def test_without_biases_the_evidence_of_a_unit_sums_to_its_value(
    name: str, rng: np.random.Generator
) -> None:
    arrays = {
        "w": rng.standard_normal((3, 1, 3, 3)),
        "square": rng.standard_normal((3, 3, 1, 1)),
        "slopes": np.array([0.5, -0.5, 2.0]).reshape(3, 1, 1),
        "zero": np.array(0.0),
        "one": np.array(1.0),
        "two": np.array(2.0),
        "none": np.zeros((1, 3, 1, 1)),
        "matrix": rng.standard_normal((3, 3)),
        "axes": np.array([2, 3]),
        "pads": np.array([0, 0, 1, 0, 0, 0, 2, 3]),
    }
    first, last = (
        node("Conv", "image", "w", to="conv"),
        node("Conv", "gated", "square", to="last"),
    )
    network = model([first, *GATES[name], last], arrays, opset=20)
    image = rng.standard_normal((1, 9, 9))
    value = ReferenceEvaluator(network).run(None, {"image": image[np.newaxis]})[0]
    units = unit_moments(network, image)["last"]
    # Functions are computed once, and divided by their argument and multiplied by it again.
    np.testing.assert_allclose(units.signed[0], value[0], rtol=1e-10, atol=1e-12)
    assert np.isfinite(units.paths).all()


@pytest.fixture(scope="module")
def digits() -> xr.Dataset:
    return mechcore.network(DIGITS, np.random.default_rng(0).random((2, 1, 8, 8)))


def test_layers_have_the_names_that_filters_give_their_kernels(digits: xr.Dataset) -> None:
    assert {layer.name for layer in load_bank(DIGITS).layers} <= {*digits.layer.values}


def test_channels_of_all_layers_stand_side_by_side(digits: xr.Dataset) -> None:
    sizes = digits.layer_channels.values
    assert np.array_equal(digits.layer_number, np.repeat(np.arange(len(sizes)), sizes))
    assert digits.layer_kind.values[0] == "first"
    assert digits.layer_kind.values[-1] == "dense"
    assert digits.path_displacement.dims == ("image", "channel_index", "axis")
    assert digits.energy_covariance.dims == ("channel_index", "axis", "axis2")


def test_lengths_stay_inside_of_the_image_and_the_field(digits: xr.Dataset) -> None:
    field = digits.theoretical_field.values[digits.layer_number]
    assert (np.abs(digits.own_momentum).max("axis") <= field / 2).all()
    # The largest variance is that of both ends of the image alike.
    assert (digits.radius.fillna(0) <= np.sqrt(2) * 3.5).all()
    shares = digits.cancelled.values
    assert ((shares >= 0) & (shares <= 1)).all()
    explained = digits[["explained_step", "explained_path", "explained_signed"]].to_array()
    assert (np.isnan(explained) | ((explained >= 0) & (explained <= 1))).all()


def test_kernels_alone_need_no_image(digits: xr.Dataset) -> None:
    alone = mechcore.network(DIGITS)
    assert "path_displacement" not in alone
    xr.testing.assert_equal(
        alone, digits[[*alone.data_vars]].drop_vars("map_layer", errors="ignore")
    )


def test_the_kernels_predict_steps_where_all_evidence_is_alike(rng: np.random.Generator) -> None:
    kernels = rng.random((20, 1, 3, 3)) * (rng.random((20, 1, 3, 3)) < 0.3)
    kernels[:, :, 1, 1] += 0.1
    network = model([node("Conv", "image", "w", to="conv")], {"w": np.where(kernels > 0, 1.0, 0.0)})
    data = mechcore.network(network, np.ones((1, 1, 9, 9)))
    # Weights of 0 and 1 are their own squares, and an even image weighs all taps alike.
    np.testing.assert_allclose(data.path_step[0], data.own_momentum, atol=1e-12)
    np.testing.assert_allclose(data.path_displacement[0], data.kernel_displacement, atol=1e-12)
    assert data.explained_step.item() == pytest.approx(1, abs=1e-12)


def test_maps_show_the_same_as_channels_of_one(rng: np.random.Generator) -> None:
    weights = {"w": rng.random((1, 1, 3, 3))}
    network = model([node("Conv", "image", "w", to="conv")], weights)
    image = rng.random((1, 9, 9))
    data = mechcore.network(network, image[np.newaxis])
    units = unit_moments(network, image)["conv"]
    np.testing.assert_allclose(data.field[0, 0], (units.paths[1:3] - units.position)[:, 0])
    assert np.array_equal(data.field_x[0], np.arange(7) - 3.0)


def test_documentation_names_all_operators() -> None:
    text = (PROJECT / "docs" / "networks.md").read_text("utf-8")
    table = text[text.index("## Operators") : text.index("A product of two tensors")]
    assert {*RULES, *JOINTS} <= {*re.findall(r"\w+", table)}


def _chain(layers: int) -> onnx.ModelProto:
    names = ["image", *(f"conv{number}" for number in range(layers))]
    nodes = [node("Conv", of, "w", to=to, pads=[1, 1, 1, 1]) for of, to in pairwise(names)]
    return model(nodes, {"w": np.full((4, 4, 3, 3), 0.1)}, (4, 64, 64))


def test_memory_does_not_grow_with_depth() -> None:
    peaks = []
    for layers in (8, 40):
        tracemalloc.start()
        mechcore.network(_chain(layers), np.ones((1, 4, 64, 64)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # All units of all layers would be five times as much.
    assert peaks[1] < 1.5 * peaks[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--images", "disc", "--pattern", "disc"], "expected one of them"),
        (["--pattern", "circle"], "one of delta, disc"),
        (["--images", "nowhere"], "or a folder of"),
        (["--figure", "picture.jpg"], "one of .png, .svg"),
        (["--output", "data.csv"], "a file that ends in .nc"),
        (["--until", "conv9"], "the name of a node"),
        (["--size", "0"], "an integer from 1 to 4096"),
    ],
)
def test_options_that_do_not_fit(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    paths = [str(tmp_path / word) if "." in word else word for word in options]
    with pytest.raises(SystemExit, match="2"):
        main(["network", str(DIGITS), *paths])
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_command(tmp_path: Path) -> None:
    outputs = {name: tmp_path / f"out{name}" for name in (".nc", ".csv", ".png")}
    options = [*("--output", outputs[".nc"]), *("--table", outputs[".csv"])]
    options += ["--figure", outputs[".png"], "--pattern", "disc"]
    command = [sys.executable, "-m", "mechcore", "network", DIGITS, *options]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=True)

    expected = mechcore.network(DIGITS, pattern="disc")
    written = read_dataset(outputs[".nc"])
    xr.testing.assert_equal(written, expected)
    means = layer_means(expected)
    pd.testing.assert_frame_equal(pd.read_csv(outputs[".csv"]), means, check_dtype=False)
    assert outputs[".png"].read_bytes().startswith(b"\x89PNG")
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == [*means.layer]
