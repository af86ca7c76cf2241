"""What controls decide: N1 to N4 hold and break by a millionth; C1, F1 and F2 can be otherwise."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from mechcore.analysis.mechanics import NO_CONTROLS
from mechcore.claims.criteria import judge
from mechcore.claims.thresholds import AT_REST_DRIFT
from mechcore.claims.verdict import (
    BROKEN,
    HOLDS,
    IN_PART,
    NOT_OBSERVED,
    NOT_REPRODUCED,
    NOT_YET_MEASURED,
    OBSERVED,
    REPRODUCED,
    Claim,
)
from mechcore.engines import reference
from mechcore.experiment.config import load_experiment
from mechcore.experiment.controls import SHIFT_RATIO
from mechcore.io.arrays import Array
from mechcore.results.results import Results
from mechcore.simulation.controls import run_controls
from tests.helpers.experiments import SMALL, run

CONFIG = SMALL | {"activations": ["identity", "relu"], "sizes": [3]}
AS_THEY_RUN = {"C1": NOT_REPRODUCED, "F1": OBSERVED, "F2": OBSERVED}
AS_THEY_RUN |= dict.fromkeys(["N1", "N2", "N3", "N4"], HOLDS)

Change = Callable[[Results], None]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("controls")
    return Results.load(run(folder, CONFIG), folder)


def judged(results: Results, *changes: Change) -> dict[str, Claim]:
    """What controls decide, after changes to a copy of the results."""
    other = dataclasses.replace(results)
    other.__dict__["control_runs"] = results.control_runs
    for change in changes:
        change(other)
    return {claim.id: claim for claim in judge(other) if claim.id in AS_THEY_RUN}


def setting(column: str, value: object, condition: str, table: str = "controls") -> Change:
    def change(results: Results) -> None:
        rows = getattr(results, table).copy()
        rows.loc[rows.eval(condition), column] = value
        # Tables are fields of a frozen class, or computed once.
        results.__dict__[table] = rows

    return change


def changed(verdicts: dict[str, Claim]) -> dict[str, str]:
    return {
        name: claim.verdict
        for name, claim in verdicts.items()
        if claim.verdict != AS_THEY_RUN[name]
    }


def test_controls_hold_and_findings_are_observed(results: Results) -> None:
    assert changed(judged(results)) == {}


@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize(
    ("ratio", "density", "pattern", "broken"),
    [
        (0.6, "signed", "noise", {"N1"}),
        # The signed centroid that stays is part of a finding.
        (0.0, "signed", "noise", {"N1", "N2", "F1"}),
        # Where no tap is negative, |x| is signed.
        (0.0, "absolute", "disc", {"N1", "N2", "N3"}),
        (SHIFT_RATIO, "absolute", "delta", {"N1", "N4"}),
    ],
)
def test_a_millionth_of_a_pixel_breaks_a_control(
    results: Results, axis: str, ratio: float, density: str, pattern: str, broken: set[str]
) -> None:
    runs = results.control_runs
    moved = (runs.mixing_ratio == ratio) & (runs.density == density) & (runs.pattern == pattern)
    centroid = runs[f"mu_{axis}"] + 1e-6 * (moved & (runs.t == 1))

    def shifted(other: Results) -> None:
        other.__dict__["control_runs"] = runs.assign({f"mu_{axis}": centroid})

    verdicts = changed(judged(results, shifted))
    assert set(verdicts) == broken
    assert set(verdicts.values()) <= {BROKEN, NOT_OBSERVED}


def test_a_tap_that_is_a_millionth_off_breaks_every_control(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = reference.convolve

    def wrong(image: Array, kernel: Array) -> Array:
        off = kernel.copy()
        off[0, 0] += 1e-6
        return right(image, off)

    def run_again(other: Results) -> None:
        other.__dict__["control_runs"] = broken

    monkeypatch.setattr(reference, "convolve", wrong)
    broken: xr.Dataset = run_controls(load_experiment(CONFIG | {"engine": "reference"})).dataset()
    verdicts = judged(results, run_again)
    assert {verdicts[name].verdict for name in ("N1", "N2", "N3", "N4")} == {BROKEN}


SIGNED = "density == 'signed' and mixing_ratio == {}"
SHIFT = f"mixing_ratio == {SHIFT_RATIO}"
NOISE = "density == 'absolute' and pattern == 'random' and mixing_ratio == 0"
CHAOTIC = "kernel == 'highpass' and pattern == 'disc' and density == 'absolute'"
RECTIFIED = f"{NOISE} and activation == 'relu'"
STILL = setting("drift", 0.0, NOISE)
BEYOND = "0.6 < beta < 1 and activation == 'identity'"
DYING = [
    setting("extinct_at", 3.0, "pattern in ['delta', 'disc'] and mixing_ratio == 0"),
    setting("extinct_at", 3.0, "beta == 0", "metrics"),
]

DECIDED: list[tuple[str, list[Change], str, str]] = [
    ("C1", [STILL], REPRODUCED, "identity, relu\\. "),
    ("C1", [STILL, setting("drift", 5.0, RECTIFIED)], IN_PART, "identity; not for relu"),
    # A family that stays under an activation is no part: the activation must keep all.
    ("C1", [setting("drift", 0.0, f"{NOISE} and kernel == 'random'")], NOT_REPRODUCED, "random"),
    ("F1", [STILL], NOT_OBSERVED, ""),
    ("F1", [setting("drift", AT_REST_DRIFT, RECTIFIED)], NOT_OBSERVED, "not for relu"),
    ("F1", [setting("off_course", 1e-6, SIGNED.format(0))], NOT_OBSERVED, ""),
    ("F2", [setting("drift", AT_REST_DRIFT, BEYOND, "mechanics")], NOT_OBSERVED, "dct"),
    # A lost centroid, and a kernel that is not what it should be.
    ("N1", [setting("off_course", np.nan, SIGNED.format(0.6))], BROKEN, r"\(absolute\); not for"),
    ("N2", [setting("velocity_y", 1e-6, SIGNED.format(0))], BROKEN, r"\(absolute\); not for"),
    ("N3", [setting("drift", 1e-6, "beta == 0", "mechanics")], BROKEN, "not for dct"),
    ("N3", DYING, NOT_YET_MEASURED, "^needs the controls"),
    ("N4", [setting("velocity_x", 1 - 1e-6, SHIFT)], BROKEN, "nowhere"),
    (
        "N4",
        [setting("off_course", np.nan, f"{SHIFT} and activation == 'gelu'")],
        BROKEN,
        "not for gelu",
    ),
]
"""Criterion, changes, verdict, and words of its range."""


@pytest.mark.parametrize(("name", "changes", "verdict", "words"), DECIDED)
def test_every_verdict_can_be_another(
    results: Results, name: str, changes: list[Change], verdict: str, words: str
) -> None:
    claim = judged(results, *changes)[name]
    assert claim.verdict == verdict
    assert re.search(words, claim.range)


@pytest.mark.parametrize(
    ("kernels", "verdict", "words"),
    [
        (CHAOTIC, HOLDS, "rounding decides .* px.: highpass identity .1., highpass relu .1.$"),
        ("kernel == 'dct' and mixing_ratio == 0", BROKEN, "not for dct"),
    ],
)
def test_rounding_excuses_only_what_can_amplify_it(
    results: Results, kernels: str, verdict: str, words: str
) -> None:
    drifting = [
        setting("ill_conditioned", value=True, condition=kernels),
        setting("drift", 9.0, kernels),
    ]
    claim = judged(results, *drifting)["N3"]
    assert claim.verdict == verdict
    assert re.search(words, claim.range)


def test_figures_name_the_file_that_they_come_from(results: Results) -> None:
    drifting = setting("drift", 7.0, "beta == 0 and activation == 'relu'", "mechanics")
    farthest = judged(results, drifting)["N3"].figures[0]
    assert (farthest.value, farthest.source) == (7.0, "trajectories/dct-relu-k3.nc")


@pytest.mark.parametrize("own", [{"density": "square"}, {"boundary": "zero"}])
def test_only_the_finding_on_the_grid_depends_on_its_setting(
    results: Results, own: dict[str, str]
) -> None:
    other = dataclasses.replace(results, experiment=results.experiment.model_copy(update=own))
    other.__dict__["control_runs"] = results.control_runs
    verdicts = {claim.id: claim for claim in judge(other) if claim.id in AS_THEY_RUN}
    assert changed(verdicts) == {"F2": NOT_YET_MEASURED}


def test_without_controls_the_grid_is_judged_alone(results: Results) -> None:
    def without(other: Results) -> None:
        other.__dict__["controls"] = NO_CONTROLS

    verdicts = {name: claim.verdict for name, claim in judged(results, without).items()}
    judged_by_the_grid = {"N3": HOLDS, "F2": OBSERVED}
    assert verdicts == dict.fromkeys(AS_THEY_RUN, NOT_YET_MEASURED) | judged_by_the_grid
