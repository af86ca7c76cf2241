"""The controls as they run: they hold, and a millionth breaks them; the findings are observed."""

from __future__ import annotations

import dataclasses

import pytest
import xarray as xr

from mechcore.claims.criteria import judge
from mechcore.claims.verdict import BROKEN, HOLDS, NOT_REPRODUCED, OBSERVED
from mechcore.engines import reference
from mechcore.experiment.config import load_experiment
from mechcore.experiment.controls import SHIFT_RATIO
from mechcore.io.arrays import Array
from mechcore.results.results import Results
from mechcore.simulation.controls import run_controls
from tests.helpers.experiments import SMALL, run

CONFIG = SMALL | {"activations": ["identity", "relu"], "sizes": [3]}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("controls")
    return Results.load(run(folder, CONFIG), folder)


def with_controls(results: Results, runs: xr.Dataset) -> dict[str, str]:
    """The verdicts on results with other controls."""
    other = dataclasses.replace(results)
    other.__dict__["control_runs"] = runs
    return {claim.id: claim.verdict for claim in judge(other)}


def test_controls_hold_and_findings_are_observed(results: Results) -> None:
    verdicts = with_controls(results, results.control_runs)
    assert {verdicts[name] for name in ("N1", "N2", "N3", "N4")} == {HOLDS}
    assert {verdicts[name] for name in ("F1", "F2")} == {OBSERVED}
    assert verdicts["C1"] == NOT_REPRODUCED


@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize(
    ("ratio", "density", "pattern", "broken"),
    [
        (0.6, "signed", "noise", {"N1"}),
        (0.0, "signed", "noise", {"N1", "N2"}),
        (0.0, "absolute", "disc", {"N1", "N2", "N3"}),
        (SHIFT_RATIO, "absolute", "delta", {"N4"}),
    ],
)
def test_a_millionth_of_a_pixel_breaks_a_control(
    results: Results, axis: str, ratio: float, density: str, pattern: str, broken: set[str]
) -> None:
    runs = results.control_runs
    moved = (runs.mixing_ratio == ratio) & (runs.density == density) & (runs.pattern == pattern)
    # The shift is under the identity, too: there it is also linear.
    broken = broken | {"N1"} if ratio == SHIFT_RATIO else broken
    shifted = runs[f"mu_{axis}"] + 1e-6 * (moved & (runs.t == 1))
    verdicts = with_controls(results, runs.assign({f"mu_{axis}": shifted}))
    assert {name for name, verdict in verdicts.items() if verdict == BROKEN} == broken


def test_a_tap_that_is_a_millionth_off_breaks_every_control(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = reference.convolve

    def wrong(image: Array, kernel: Array) -> Array:
        off = kernel.copy()
        off[0, 0] += 1e-6
        return right(image, off)

    monkeypatch.setattr(reference, "convolve", wrong)
    runs = run_controls(load_experiment(CONFIG | {"engine": "reference"}))
    verdicts = with_controls(results, runs)
    assert {verdicts[name] for name in ("N1", "N2", "N3", "N4")} == {BROKEN}
