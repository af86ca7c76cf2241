"""The reference engine runs simulations again, and whatever is wrong with them is reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import process_time

import numpy as np
import pytest
import xarray as xr

from mechcore.experiment.cell import Cell
from mechcore.experiment.config import load_experiment
from mechcore.experiment.grid import expand
from mechcore.simulation.dataset import cell_attributes
from mechcore.simulation.run import simulate
from mechcore.verification.certificate import Check
from mechcore.verification.sampling import MOST_MULTIPLY_ADDS, Sampling, seconds_for_a_sample
from mechcore.verification.simulations import (
    OVERHEAD,
    affordable_layers,
    check_cell,
)
from tests.helpers.projects import PROJECT

CELL = Cell(
    kernel="dct",
    activation="modulus",
    size=2,
    betas=[0.0, 0.5, 0.75],
    steps=8,
    snapshots={"layers": [4], "window": 21},
)

Change = Callable[[xr.Dataset], xr.Dataset]


@pytest.fixture(scope="module")
def dataset() -> xr.Dataset:
    return simulate(CELL)


def check(dataset: xr.Dataset, cell: Cell = CELL, most: int | None = None) -> Check:
    return check_cell(dataset, cell, Sampling(np.random.default_rng(0), most))


def set_value(name: str, place: tuple[int, ...], value: float) -> Change:
    def change(data: xr.Dataset) -> xr.Dataset:
        data[name][place] = value
        return data

    return change


def flag(data: xr.Dataset) -> xr.Dataset:
    data = set_value("ill_conditioned", (0, 0, 1), 1.0)(data)
    return set_value("rounding_sensitivity", (0, 0, 1), 1e-11)(data)


def unflag(data: xr.Dataset) -> xr.Dataset:
    # There the modulus splits a point evenly, and rounding decides where it goes.
    assert data.ill_conditioned[0, 0, 2]
    data = set_value("ill_conditioned", (0, 0, 2), 0.0)(data)
    return set_value("rounding_sensitivity", (0, 0, 2), 1e-15)(data)


def test_true_simulations_hold_in_everything(dataset: xr.Dataset) -> None:
    result = check(dataset)
    assert result.failures == []
    assert (result.compared, result.excused) == (2, 1)
    assert result.largest is not None
    assert result.largest < 1e-13
    sample = check(dataset, most=1)
    assert sample.compared + sample.excused == 1


def test_a_product_of_lines_is_known_where_the_reference_engine_is_blind() -> None:
    cell = Cell(kernel="highpass", activation="modulus", size=3, betas=[0.0], steps=32)
    data = simulate(cell)
    assert not data.ill_conditioned.any()
    assert simulate(cell.model_copy(update={"engine": "reference"})).ill_conditioned.all()
    assert check(data, cell).failures == []
    moved = set_value("mu_x", (0, 0, 0, 20), 1e-8)(data)
    assert check(moved, cell).failures != []


KERNELS = {"kernel": "random", "seed": 3, "size": 3, "mixing": "linear", "angles": [0, 30]}
RULES = {"activation": "relu", "boundary": "wrap", "domain": 25, "normalise": "peak"}
RUNS = {"patterns": ["delta", "disc"], "betas": [0.4, 0.8], "steps": 8, "t_burn": 6}
UNUSUAL: dict[str, object] = KERNELS | RULES | RUNS | {"density": "square"}


def test_every_setting_of_a_cell_is_that_of_the_run_again() -> None:
    cell = Cell.model_validate(UNUSUAL)
    assert check(simulate(cell), cell).failures == []


@pytest.mark.parametrize(
    "other",
    [{"kernel": "dct"}, {"activation": "tanh"}, {"angles": [90, 120]}, {"mixing": "unit"}],
    ids=str,
)
def test_the_runs_of_another_cell_are_seen(other: dict[str, object]) -> None:
    cell = Cell.model_validate(UNUSUAL)
    mislabelled = simulate(Cell.model_validate(UNUSUAL | other)).assign_attrs(cell_attributes(cell))
    assert len(check(mislabelled, cell).failures) >= 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_value("ill_conditioned", (0, 0, 1), 1.0), "ill_conditioned is True, but rounding"),
        (flag, "beta 0.5: ill_conditioned is True, expected False: sensitivity"),
        (unflag, "beta 0.75: ill_conditioned is False, expected True: sensitivity"),
        (set_value("kernel_taps", (0, 1, 0, 0), 0.9), "kernel_taps is"),
        (set_value("beta_star", (0, 1), 0.9), "beta_star is"),
        (set_value("odd_energy_ratio", (0, 1), 0.9), "odd_energy_ratio is"),
        (set_value("edge_at", (0,), 4.0), "edge_at is inf away"),
        (set_value("mu_x", (0, 0, 1, 3), 1.0), " apart, at most 1e-10"),
        (set_value("mu_x", (0, 0, 1, 3), np.nan), "inf apart, at most 1e-10"),
        (set_value("extinct_at", (0, 0, 1), 8.0), "extinct_at is inf away"),
        (set_value("diverged_at", (0, 0, 1), 3.0), "diverged_at is inf away"),
        (set_value("snapshot", (0, 0, 1, 0, 10, 10), 9.0), "snapshot is"),
        (set_value("snapshot_x", (0, 0), 9.0), "snapshot_x is"),
    ],
)
def test_everything_wrong_with_a_simulation_is_found(
    dataset: xr.Dataset, change: Change, message: str
) -> None:
    failures = check(change(dataset.copy(deep=True))).failures
    assert failures
    assert message in failures[0]
    assert failures[0].startswith("dct-modulus-k2, delta, angle 0, beta ")


def test_the_first_layers_of_expensive_simulations_are_compared(
    dataset: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mechcore.verification.sampling.MOST_MULTIPLY_ADDS", 5 * OVERHEAD)
    result = check(dataset)
    assert result.holds
    # The one that rounding decides is not yet decided there.
    assert (result.compared, result.in_part, result.excused) == (3, 3, 0)
    # Nothing is known of layer 8.
    late = set_value("mu_x", (0, 0, 1, 8), 1.0)(dataset.copy(deep=True))
    late = set_value("extinct_at", (0, 0, 1), 8.0)(late)
    assert check(late).holds
    assert not check(set_value("mu_x", (0, 0, 1, 2), 1.0)(late)).holds


def test_no_simulation_runs_for_hours() -> None:
    full = expand(load_experiment(PROJECT / "config/full.yaml")).values()
    assert all(
        affordable_layers(cell, cell.size, pattern) == cell.steps
        for cell in full
        for pattern in cell.patterns
    )
    huge = Cell(kernel="dct", activation="relu", size=11, betas=[0.5], steps=2000)
    layers = affordable_layers(huge, huge.size, huge.patterns[0])
    assert 121 * sum((10 * layer) ** 2 for layer in range(layers)) < MOST_MULTIPLY_ADDS
    assert 50 < layers < huge.steps


def test_a_sample_has_no_repeats() -> None:
    samples = [[*Sampling(np.random.default_rng(seed), 10).draw(range(50))] for seed in range(20)]
    assert {len(set(sample)) for sample in samples} == {10}
    assert len(set(map(tuple, samples))) > 1


def use(seconds: float) -> None:
    end = process_time() + seconds
    while process_time() < end:
        pass


def test_a_sample_keeps_to_its_time() -> None:
    sampling = Sampling(np.random.default_rng(0), seconds=0.1, draws=4)
    counts = []
    # Of 25 ms for each draw: three of 10 ms, what is left and one, one too long, none.
    for cost in (0.01, 0.02, 0.05, 0.01):
        drawn = 0
        for _ in sampling.draw(range(100)):
            use(cost)
            drawn += 1
        counts.append(drawn)
    assert counts == [3, 1, 1, 0]


def test_a_sample_may_take_a_tenth_of_what_results_took(tmp_path: Path) -> None:
    jobs = tmp_path / "benchmarks"
    (jobs / "simulate").mkdir(parents=True)
    measured = {"simulate/a": "4.5", "simulate/b": "NA", "judge": "5.5"}
    measured |= dict.fromkeys(("verify", "report", "track"), "100.0")
    for name, seconds in measured.items():
        (jobs / f"{name}.tsv").write_text(f"s\tcpu_time\n9.0\t{seconds}\n")
    assert seconds_for_a_sample(tmp_path) == pytest.approx(1.0)
    # Nobody knows.
    assert seconds_for_a_sample(tmp_path / "absent") == seconds_for_a_sample(None) == 10.0
