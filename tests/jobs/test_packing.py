"""Cells share jobs by how long they take; what they ask for is enough for all of a job."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.jobs.cost import PROBE, Cost, estimated_cost, work
from mechcore.jobs.forecast import forecast, profile_group_sizes, times_longer
from mechcore.jobs.packing import (
    CLASSES,
    SAFETY,
    STEP_SECONDS,
    cell_minutes,
    checked_pack,
    cost_class,
)
from tests.helpers.projects import PROJECT

LONGEST_JOB = 720
"""Seconds of a full job of short cells, by their estimates: about ten minutes."""

SECONDS = st.floats(0.1, 1e5)
GRIDS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=4),
    SECONDS.map(lambda seconds: Cost(seconds, 1.0)),
    min_size=1,
    max_size=60,
)


@pytest.fixture(scope="module")
def group_sizes() -> dict[str, int]:
    return profile_group_sizes(str(PROJECT / "profiles" / "slurm"))


def test_a_full_job_of_every_class_takes_about_ten_minutes(group_sizes: dict[str, int]) -> None:
    assert list(group_sizes) == list(CLASSES)
    for name, longest in CLASSES.items():
        full = group_sizes[name] * (longest + STEP_SECONDS)
        assert LONGEST_JOB / 2 < full <= LONGEST_JOB


@given(SECONDS)
def test_a_cell_is_in_the_smallest_class_that_it_fits(seconds: float) -> None:
    fitting = [name for name, longest in CLASSES.items() if seconds <= longest]
    assert cost_class(Cost(seconds, 1.0)) == (fitting[0] if fitting else None)


@given(st.lists(SECONDS, min_size=1, max_size=40))
def test_the_cells_of_a_job_ask_for_the_time_that_all_may_take(seconds: list[float]) -> None:
    asked = sum(cell_minutes(Cost(value, 1.0)) for value in seconds)
    assert asked >= SAFETY * math.fsum(value + STEP_SECONDS for value in seconds) / 60 + 1


@given(GRIDS)
def test_a_forecast_adds_up(costs: dict[str, Cost]) -> None:
    alone, packed = forecast(costs, {}), forecast(costs, dict.fromkeys(CLASSES, 1000))
    classes = {cost_class(cost) for cost in costs.values()} - {None}
    long = sum(cost_class(cost) is None for cost in costs.values())
    assert (alone.jobs, packed.jobs) == (len(costs), len(classes) + long)
    assert alone.hours == packed.hours
    assert alone.longest == max(map(cell_minutes, costs.values())) <= packed.longest


@pytest.mark.parametrize("family", ["dct", "gaussian", "binomial", "highpass", "random"])
@pytest.mark.parametrize("size", [PROBE - 1, PROBE])
def test_a_kernel_beyond_the_probe_takes_the_same_path(family: str, size: int) -> None:
    inside, beyond = (
        work(Cell(kernel=family, activation="relu", size=side, betas=[0.5], steps=8))
        for side in (size, size + 2)
    )
    assert ((inside > 0) == (beyond > 0)).all()
    # k^2 taps on (8 k)^2 px: no step where the probe takes over.
    assert (beyond <= inside * ((size + 2) / size) ** 4 * 1.1).all()


def test_a_profile_that_does_not_pack_has_no_groups(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text("group-components:\n  - cells-10s=9\n")
    assert profile_group_sizes(str(tmp_path)) == {}


@pytest.mark.parametrize(
    "text", ["config: 3\n", "config: [a]\n", "- a\n", "config: {", "config: ['pack=maybe']\n"]
)
def test_bad_profiles_are_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "profile.yaml").write_text(text)
    with pytest.raises(MechcoreError, match="not a profile"):
        profile_group_sizes(str(tmp_path))
    with pytest.raises(MechcoreError, match=r"'moon'.*default"):
        profile_group_sizes("moon")


@pytest.mark.parametrize("value", ["abc", 1, None, [True]])
def test_packing_is_on_or_off(value: object) -> None:
    with pytest.raises(MechcoreError, match=r"pack: .* is not allowed, expected true or false"):
        checked_pack(value)


def test_the_estimate_is_compared_with_the_last_time(tmp_path: Path) -> None:
    cell = Cell(kernel="dct", activation="relu", size=2, betas=[0.5])
    assert times_longer({cell.id: cell}, tmp_path) is None
    log = tmp_path / "simulate" / f"{cell.id}.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"{cell.id}: 1 simulations in {2 * estimated_cost(cell).seconds:f} s, 300 MB\n")
    assert times_longer({cell.id: cell}, tmp_path) == (1, pytest.approx(2.0))
