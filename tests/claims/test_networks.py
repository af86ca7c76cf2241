"""C11 on made-up lines: what every kind of layers must show, on real images, beside chance."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import xarray as xr

from mechcore.claims.networks import displacements, positive_taps
from mechcore.claims.thresholds import CENSUS_NETWORKS
from mechcore.claims.verdict import (
    IN_PART,
    NOT_OBSERVED,
    NOT_REPRODUCED,
    OBSERVED,
    REPRODUCED,
)
from mechcore.experiment.network import Network
from mechcore.experiment.networks import NetworkRun, PlannedNetwork
from mechcore.networks.measurement_file import NetworkMeasurement
from mechcore.results.networks import NetworkResults
from mechcore.results.results import Results
from tests.helpers.projects import PROJECT

MODEL = str(PROJECT / "resources" / "networks" / "digits.onnx")
KINDS = ("first", "full", "depthwise", "pointwise")
MEASURES = ("step", "cumulated", "step_positive", "step_first")
WEIGHTS = ("trained", "untrained", "flipped 1", "flipped 2")


def network(
    name: str = "net", images: str = "digits", seed: int = 0, channels: int = 32, **changes: float
) -> NetworkResults:
    """A network whose momenta explain 0.9 of the displacements, and of other weights 0.05.

    Changes are values of R² by kind, and ``slope`` of all kinds.
    """
    shape, generator = (len(WEIGHTS), len(MEASURES), len(KINDS), 8), np.random.default_rng(seed)
    r2, slope = np.full(shape, 0.05), np.zeros(shape)
    r2[0], slope[0] = 0.9, changes.get("slope", 1.0)
    for number, kind in enumerate(KINDS):
        r2[0, :, number] = changes.get(kind, 0.9)
    noise = generator.normal(scale=0.01, size=shape)
    dims = ("weights", "measure", "layer", "image")
    lines = xr.Dataset(
        {"r2": (dims, r2 + noise), "slope": (dims, slope + noise)},
        {"weights": list(WEIGHTS), "measure": list(MEASURES)},
    )
    layers = xr.Dataset(
        {
            "layer_kind": ("layer", np.array(KINDS, dtype=object)),
            "layer_channels": ("layer", np.full(len(KINDS), channels)),
        }
    )
    plan = PlannedNetwork(
        Network(model=MODEL, name=name), NetworkRun(images=images, count=8, flipped=2)
    )
    return NetworkResults(plan, NetworkMeasurement({}, layers, layers, lines))


def results_of(*networks: NetworkResults) -> Results:
    known = {f"{one.plan.network.label}-{one.plan.images}": one for one in networks}
    return cast(Results, SimpleNamespace(networks=known))


def judged(*networks: NetworkResults) -> Any:
    return displacements(results_of(*networks))


@pytest.mark.parametrize(
    ("changes", "verdict", "words"),
    [
        ({}, REPRODUCED, "^predicted: "),
        ({"depthwise": 0.4}, IN_PART, "better than by chance: displacement by depthwise layers"),
        ({"slope": 3.0}, IN_PART, "^better than by chance"),
        ({"slope": -1.0}, NOT_REPRODUCED, "^not predicted"),
        (dict.fromkeys(KINDS, 0.02), NOT_REPRODUCED, "^not predicted"),
        # Layers of one tap move nothing by themselves: only what they add up is judged.
        ({"pointwise": 0.02}, IN_PART, "not predicted: displacement up to pointwise layers"),
    ],
)
def test_every_kind_of_layers_must_be_predicted(
    changes: dict[str, float], verdict: str, words: str
) -> None:
    judgement = judged(network(**changes))
    assert judgement.verdict == verdict
    assert pytest.approx(judgement.figures[0].value, abs=0.05) == min(
        [0.9, *(value for kind, value in changes.items() if kind in KINDS)]
    )

    assert re.search(words, judgement.range)
    assert judgement.range.endswith("Of these networks only: net")


@pytest.mark.parametrize(("depthwise", "verdict"), [(0.9, OBSERVED), (0.4, NOT_OBSERVED)])
def test_positive_taps_are_judged_in_every_kind(depthwise: float, verdict: str) -> None:
    judgement = positive_taps(results_of(network(depthwise=depthwise)))
    assert judgement is not None
    assert judgement.verdict == verdict


@pytest.mark.parametrize("nothing", [{"images": "noise"}, {"channels": 4}])
def test_noise_and_layers_of_few_channels_decide_nothing(nothing: dict[str, Any]) -> None:
    assert judged(network(**nothing)) is None
    assert judged() is None


def test_of_many_networks_the_interval_is_over_networks_as_well() -> None:
    different = [
        network(f"net{number}", seed=number, full=0.45 + 0.4 * (number % 2))
        for number in range(CENSUS_NETWORKS)
    ]
    few, many = judged(*different[:-2]), judged(*different)
    ends = [
        {figure.name: figure.value for figure in judgement.figures}[
            "R², displacement by full layers: at least"
        ]
        for judgement in (few, many)
    ]
    # Eight networks are all there is; ten are a sample, whose mean may be anything around 0.65.
    assert ends[0] == pytest.approx(0.65, abs=0.01)
    assert ends[1] < 0.55
    assert many.range.endswith("10 networks")
