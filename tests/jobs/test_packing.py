"""Packing: jobs of about the same size, whose members depend on the grid alone."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.jobs.cost import PROBE, estimated_cost, work
from mechcore.jobs.forecast import forecast, minutes_of_profile, times_longer
from mechcore.jobs.packing import SAFETY, START_MINUTES, STEP_SECONDS, pack, parsed_minutes

GRIDS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=4), st.floats(0.1, 1e5), min_size=1, max_size=60
)
TARGETS = st.floats(0.0, 1e5)


def members(places: dict[str, object]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for cell, place in places.items():
        found.setdefault(place.batch, []).append(cell)  # type: ignore[attr-defined]
    return found


def needed(seconds: dict[str, float], cells: list[str]) -> float:
    return math.fsum(seconds[cell] + STEP_SECONDS for cell in cells)


@given(GRIDS, TARGETS)
def test_every_cell_is_in_one_job_that_is_not_longer_than_asked(
    seconds: dict[str, float], target: float
) -> None:
    places = pack(seconds, target)
    assert list(places) == list(seconds)
    for cells in members(places).values():
        assert len(cells) == places[cells[0]].cells
        # The sum is taken in another order.
        assert len(cells) == 1 or needed(seconds, cells) <= target * (1 + 1e-9)


@given(GRIDS, TARGETS, st.data())
def test_whatever_cells_of_a_job_run_it_has_time_for_them(
    seconds: dict[str, float], target: float, data: st.DataObject
) -> None:
    places = pack(seconds, target)
    for cells in members(places).values():
        run = data.draw(st.lists(st.sampled_from(cells), min_size=1, unique=True))
        asked = sum(places[cell].minutes for cell in run)
        # Rounded to whole minutes, at least one a cell: two thirds of it at worst.
        assert asked >= max(1.0, SAFETY * needed(seconds, run) / 60 / 1.5 - 1e-9)
        assert sum(places[cell].minutes for cell in cells) >= START_MINUTES + len(cells)


@given(GRIDS, TARGETS)
def test_no_two_jobs_would_fit_into_one(seconds: dict[str, float], target: float) -> None:
    jobs = members(pack(seconds, target)).values()
    loads = [needed(seconds, cells) for cells in jobs]
    # Filled one after the other: any two neighbours hold more than one may.
    assert len(loads) <= 2 * math.fsum(loads) / target + 1 if target > 0 else True


@given(GRIDS, TARGETS, st.randoms())
def test_the_order_of_cells_of_other_length_does_not_matter(
    seconds: dict[str, float], target: float, random: object
) -> None:
    different = {
        cell: value + number * 1e-3 for number, (cell, value) in enumerate(seconds.items())
    }
    if len(set(different.values())) < len(different):
        return
    shuffled = list(different)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert pack({cell: different[cell] for cell in shuffled}, target) == pack(different, target)


def test_a_long_cell_is_a_job_of_its_own() -> None:
    places = pack({"long": 1000.0, "a": 1.0, "b": 1.0}, target=60.0)
    assert places["long"].cells == 1
    assert places["a"].batch == places["b"].batch


@pytest.mark.parametrize("family", ["dct", "gaussian", "binomial", "highpass", "random"])
@pytest.mark.parametrize("size", [PROBE - 1, PROBE])
def test_a_kernel_beyond_the_probe_is_of_the_same_kind(family: str, size: int) -> None:
    inside, beyond = (
        work(Cell(kernel=family, activation="relu", size=one, betas=[0.5], steps=8))
        for one in (size, size + 2)
    )
    assert ((inside > 0) == (beyond > 0)).all()
    # k^2 taps on (8 k)^2 px: no step where the probe takes over.
    assert (beyond <= inside * ((size + 2) / size) ** 4 * 1.1).all()


def test_a_profile_tells_how_long_jobs_should_be(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text("config:\n  - minutes_per_job=15\n")
    assert minutes_of_profile(str(tmp_path)) == 15
    (tmp_path / "profile.yaml").write_text("executor: slurm\n")
    assert minutes_of_profile(str(tmp_path)) == 0


@pytest.mark.parametrize("text", ["config: 3\n", "config: [a]\n", "- a\n", "config: {"])
def test_what_is_no_profile_is_told_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "profile.yaml").write_text(text)
    with pytest.raises(MechcoreError, match="not a profile"):
        minutes_of_profile(str(tmp_path))


def test_an_unknown_profile_names_the_known_ones() -> None:
    with pytest.raises(MechcoreError, match=r"'moon'.*default"):
        minutes_of_profile("moon")


def test_a_forecast_adds_up() -> None:
    cells = {
        str(size): Cell(kernel="dct", activation="tanh", size=size, betas=[0.5], steps=32)
        for size in range(2, 9)
    }
    costs = {name: estimated_cost(cell) for name, cell in cells.items()}
    alone, packed = forecast(costs, 0), forecast(costs, 10)
    assert (alone.jobs, packed.jobs) == (len(cells), 1)
    assert (
        alone.hours
        == packed.hours
        == pytest.approx(sum(cost.seconds for cost in costs.values()) / 3600)
    )
    assert packed.longest >= alone.longest


def test_the_estimate_is_compared_with_the_last_time(tmp_path: Path) -> None:
    cell = Cell(kernel="dct", activation="relu", size=2, betas=[0.5])
    assert times_longer({cell.id: cell}, tmp_path) is None
    log = tmp_path / "benchmarks" / "simulate" / f"{cell.id}.tsv"
    log.parent.mkdir(parents=True)
    log.write_text(f"s\tmax_rss\n{2 * estimated_cost(cell).seconds}\t300\n")
    assert times_longer({cell.id: cell}, tmp_path) == (1, pytest.approx(2.0))


def test_names_of_jobs_are_different() -> None:
    places = pack({str(number): 10.0 - STEP_SECONDS for number in range(25)}, target=50.0)
    assert Counter(place.cells for place in places.values()) == {5: 25}
    assert len({place.batch for place in places.values()}) == 5


@pytest.mark.parametrize("given", ["abc", "nan", "inf", -1, None, [1]])
def test_what_is_no_length_of_a_job_is_told_in_one_line(given: object) -> None:
    with pytest.raises(
        MechcoreError, match=r"minutes_per_job: .* is not allowed, expected minutes"
    ):
        parsed_minutes(given)
