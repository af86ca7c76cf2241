"""`mechcore summarise` and `mechcore diff` as a user runs them, on real small experiments."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mechcore.results.diff import COLUMNS, compare, largest
from mechcore.results.sweep import Sweep, read_sweep, write_sweep
from tests.helpers.experiments import SMALL, run
from tests.helpers.isolation import run_limited
from tests.helpers.projects import PROJECT

Maker = Callable[..., Path]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Makes the results of the experiment with some settings, each only once."""
    known: dict[str, Path] = {}

    def make(**settings: object) -> Path:
        name = json.dumps(settings)
        if name not in known:
            known[name] = tmp_path_factory.mktemp("sweep")
            run(known[name], SMALL | settings)
        return known[name]

    return make


def diff(*words: object) -> tuple[int | None, str]:
    ended = run_limited(["diff", *map(str, words)], Path.cwd())
    return ended.code, ended.output


def edited(sweep: Sweep, **columns: object) -> Sweep:
    return replace(sweep, cells=sweep.cells.assign(**columns))


def changes(table: pd.DataFrame, kind: str) -> set[str]:
    return set(table.change[table.kind == kind])


def test_the_same_experiment_twice_is_identical(made: Maker, tmp_path: Path) -> None:
    run(tmp_path / "again", SMALL)
    code, output = diff(made(), tmp_path / "again")
    assert code == 0
    assert "identical: the same numbers, to the last digit" in output
    table = compare(read_sweep(made()), read_sweep(tmp_path / "again"))
    assert (set(table.kind), set(table.change)) == ({"metric"}, {"equal"})


def test_more_steps_change_one_setting_and_many_metrics(made: Maker, tmp_path: Path) -> None:
    path = tmp_path / "new" / "diff.csv"
    code, output = diff(made(), made(steps=12), "--output", path)
    assert code == 0
    assert "\nresults differ\n" in output
    assert re.search(r"config +steps +8 +12\n", output)
    assert re.search(r"metric +differs +\d+\n", output)
    assert re.search(r"delta_\w+ +dct-\w+-k2 ", output)
    table = pd.read_csv(path)
    assert list(table) == COLUMNS
    assert table[table.kind == "config"][["name", "a", "b"]].to_numpy().tolist() == [
        ["steps", "8", "12"]
    ]
    metrics = table[(table.kind == "metric") & (table.change == "differs")]
    a, b = metrics.a.astype(float), metrics.b.astype(float)
    np.testing.assert_allclose(metrics.difference, b - a)
    assert (metrics.scaled.abs() <= 2).all()


@pytest.mark.parametrize(
    ("settings", "kinds", "text"),
    [
        # Cells do not know how their experiment is called.
        ({"experiment": "other"}, {"config", "metric"}, "configurations differ, results do not"),
        ({"sizes": [3]}, {"config", "cell"}, "only in A dct-relu-k2"),
        ({"activations": ["relu", "tanh"]}, {"config", "cell", "metric"}, "only in B dct-tanh-k2"),
    ],
)
def test_cells_are_compared_where_both_have_them(
    made: Maker,
    settings: dict[str, object],
    kinds: set[str],
    text: str,
) -> None:
    table = compare(read_sweep(made()), read_sweep(made(**settings)))
    assert set(table.kind) == kinds
    assert changes(table, "metric") <= {"equal"}
    assert changes(table, "cell") <= {"only in A", "only in B"}
    _, output = diff(made(), made(**settings))
    assert text in " ".join(output.split())


def test_what_differs_fits_into_a_terminal(made: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    bank = str(PROJECT / "resources" / "banks" / "digits.safetensors")
    settings = {"experiment": "banks", "filter_banks": [bank], "slices_per_layer": 0}
    _, output = diff(made(), made(**settings, steps=12))
    assert [line for line in output.splitlines()[3:] if len(line) > 80] == []


def test_sweeps_without_a_common_cell_are_compared_elsewhere(made: Maker) -> None:
    code, output = diff(made(), made(activations=["tanh"]))
    assert code == 0
    assert "no cell in common: compare their runs in MLflow" in output


def test_numbers_that_only_one_or_none_knows_are_told_apart(made: Maker) -> None:
    sweep = edited(read_sweep(made()), beta_star=np.nan)
    table = compare(sweep, edited(read_sweep(made(angles=[0, 45])), beta_star=np.nan))
    alone = table[table.change == "only in B"]
    assert alone.name.tolist() == ["delta_speed_isotropy"]
    assert alone.difference.isna().all()
    assert "beta_star" not in set(table.name)


@pytest.mark.parametrize(
    ("column", "change", "line"),
    [
        ("delta_r2_beta", lambda values: values * (1 + 1e-13), "results differ by rounding only"),
        ("extinct", lambda values: values + 3, "the same trajectories, measured in another way"),
    ],
)
def test_the_outcome_is_told_in_a_line(
    made: Maker,
    tmp_path: Path,
    column: str,
    change: Callable[[pd.Series], pd.Series],
    line: str,
) -> None:
    sweep = read_sweep(made())
    other = edited(sweep, **{column: change(sweep.cells[column])})
    write_sweep(other, tmp_path)
    _, output = diff(made(), tmp_path)
    assert f"\n{line}\n" in output
    assert largest(compare(sweep, other)).empty is ("rounding" in line)


def test_what_is_near_zero_does_not_lead(made: Maker) -> None:
    sweep = read_sweep(made())
    a = edited(sweep, delta_intercept_beta=[0.001, 0.3], delta_speed_max=[0.5, 0.5])
    b = edited(sweep, delta_intercept_beta=[-0.001, 0.3], delta_speed_max=[0.5, 0.4])
    rows = largest(compare(a, b))
    assert rows.name.tolist() == ["delta_speed_max", "delta_intercept_beta"]
    assert rows.scaled.tolist() == pytest.approx([-0.2, -0.002 / 0.3])
