"""The figures of whole networks: what they show is what was measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper, save_model

from mechcore.claims.networks import cases_of
from mechcore.results.results import Results
from mechcore.tracking.networks import network_runs
from mechcore.verification.networks import check_networks
from mechcore.verification.sampling import Sampling
from tests.helpers.experiments import SMALL, run
from tests.helpers.figures import check_contract, drawn, figure_of, marks
from tests.helpers.projects import PROJECT

DIGITS = str(PROJECT / "resources" / "networks" / "digits.onnx")
HEAVIEST = 130_000
"""Bytes of a file of a figure: a page holds dozens."""


def shift_network(path: Path, channels: int = 8) -> None:
    """Write a network of depthwise kernels of one tap each: shifts by up to one pixel."""
    kernels = np.zeros((channels, 1, 3, 3), np.float32)
    for number, kernel in enumerate(kernels):
        kernel[0, number % 3, number // 3 % 3] = 1.0
    tensors = {"first": np.ones((channels, 1, 1, 1), np.float32), "shifts": kernels}
    nodes = [
        helper.make_node("Conv", ["image", "first"], ["a"], "a$b_first"),
        helper.make_node("Conv", ["a", "shifts"], ["b"], "shifts", group=channels),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, number, side, side])
        for name, number, side in (("image", 1, 12), ("b", channels, 10))
    ]
    stored = [numpy_helper.from_array(values, name) for name, values in tensors.items()]
    graph = helper.make_graph(nodes, "shifts", ends[:1], ends[1:], stored)
    save_model(helper.make_model(graph), path)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("networks")
    shift_network(folder / "shifts.onnx")
    networks = [
        {"model": DIGITS, "images": ["digits", "disc"]},
        {"model": str(folder / "shifts.onnx"), "images": ["photographs"]},
    ]
    config = SMALL | {"betas": [0.5], "activations": ["relu"], "networks": networks}
    experiment = run(folder, config | {"images_per_set": 3, "flipped_networks": 2})
    return Results.load(experiment, folder)


def test_figures_of_networks_keep_to_the_contract(results: Results, tmp_path: Path) -> None:
    captions = check_contract(results, tmp_path, HEAVIEST)
    topics = ("digits-digits", "digits-disc", "shifts-photographs")
    expected = {
        f"{name}-{topic}" for name in ("displacement", "fields", "depth") for topic in topics
    }
    assert {"prediction", *expected} <= set(captions)


def test_shifts_are_predicted_exactly_by_each_momentum(results: Results) -> None:
    kinds = dict.fromkeys(("step", "cumulated", "step_positive", "step_first"), ("depthwise",))
    for case in cases_of(results, kinds):
        # A kernel of one tap is at the same place for its energy, its positive part and its sum.
        assert case.r2 == pytest.approx((1, 1, 1), abs=1e-9)
        assert case.slope == pytest.approx((1, 1, 1), abs=1e-9)
        assert case.r2_flipped < 0.9


def test_dots_of_a_shift_lie_on_the_line(results: Results) -> None:
    data, _ = drawn("prediction", results)
    rows = data.table[data.table.network == "shifts"]
    assert set(rows.kind) == {"depthwise"}
    np.testing.assert_allclose(rows.momentum, rows.displacement, atol=1e-9)


def test_curves_over_depth_are_the_table_of_layers(results: Results) -> None:
    data, panels = drawn("depth", results)
    layers = results.networks["digits-digits"].layers
    for axes, name in zip(panels.axes, ("displacement", "radius", "step_r2"), strict=True):
        (line,) = marks(axes, "trained")
        np.testing.assert_array_equal(line.get_ydata(), layers[name])
    assert figure_of("depth", results)[1].topic == data.topic == "digits-digits"


def test_networks_are_measured_again_on_an_image(results: Results) -> None:
    check = check_networks(results, Sampling(np.random.default_rng(0)))
    assert check.failures == []
    assert check.compared == check.planned == 3
    network = results.networks["digits-digits"]
    network.measurement.trained["path_step"] += 0.01
    try:
        (line,) = check_networks(results, Sampling(np.random.default_rng(0))).failures
    finally:
        network.measurement.trained["path_step"] -= 0.01
    assert line.startswith("networks/digits-digits.nc: path_step is ")


def test_a_run_of_mlflow_has_all_sets_of_its_network(results: Results) -> None:
    from mechcore.results.sweep import describe_sweep

    runs = {run.key: run for run in network_runs(results, describe_sweep(results, None))}
    assert set(runs) == {"digits", "shifts"}
    names = {name for name, _, _ in runs["digits"].metrics}
    assert {"digits_step_r2", "disc_radius", "digits_displacement_untrained"} <= names
