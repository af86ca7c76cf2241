"""`mechcore summarise` and `mechcore diff` as a user runs them, on real small experiments."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from mechcore.cli import main
from mechcore.cli.diff import load_sweep
from mechcore.report.figures.sweep_diff import nothing_differs
from mechcore.results.diff import COLUMNS, KINDS, compare, largest
from mechcore.results.sweep import describe_sweep, read_sweep, write_sweep
from mechcore.tracking import track
from tests.helpers import experiments
from tests.helpers.projects import PROJECT

CONFIG: dict[str, object] = {
    "experiment": "tiny",
    "kernels": ["dct"],
    "activations": ["relu", "modulus"],
    "sizes": [2],
    "betas": {"start": 0, "stop": 1, "count": 5},
    "steps": 8,
}


def run(*words: object) -> subprocess.CompletedProcess[str]:
    """Run a command in this process, which has imported what draws."""
    told = [str(word) for word in words]
    output, errors = StringIO(), StringIO()
    with redirect_stdout(output), redirect_stderr(errors), pytest.raises(SystemExit) as ended:
        main(told)
    return subprocess.CompletedProcess(
        told, int(ended.value.code or 0), output.getvalue(), errors.getvalue()
    )


def summarised(folder: Path, config: dict[str, object]) -> Path:
    """Results of an experiment, with its sweep."""
    experiments.run(folder, config)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    ended = run(
        *("summarise", "--experiment", folder / "config.yaml", "--results", folder),
        *("--output", folder / "sweep.json", "--cells", folder / "cells.csv"),
    )
    assert ended.returncode == 0, ended.stderr
    assert re.match(r"sweep [0-9a-f]{12}: \d cells of tiny2?\n$", ended.stdout)
    return folder


Maker = Callable[..., Path]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Makes the results of the experiment with some settings, each only once."""
    known: dict[str, Path] = {}

    def make(**settings: object) -> Path:
        name = json.dumps(settings)
        if name not in known:
            known[name] = summarised(tmp_path_factory.mktemp("sweep"), CONFIG | settings)
        return known[name]

    return make


def diff(a: Path, b: Path) -> tuple[str, pd.DataFrame]:
    """What the command prints, and the table of differences."""
    ended = run("diff", a, b)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout, compare(read_sweep(a), read_sweep(b))


def edited_copy(source: Path, folder: Path, edit: Callable[[pd.DataFrame], pd.DataFrame]) -> Path:
    """A sweep whose table of cells is another one."""
    shutil.copytree(source, folder, dirs_exist_ok=True)
    table = pd.read_csv(folder / "cells.csv")
    edit(table).to_csv(folder / "cells.csv", index=False)
    return folder


def changes(table: pd.DataFrame, kind: str) -> set[str]:
    return set(table.change[table.kind == kind])


def test_the_same_experiment_twice_is_identical(made: Maker, tmp_path: Path) -> None:
    again = summarised(tmp_path / "again", CONFIG)
    told, table = diff(made(), again)
    assert "identical: the same numbers, to the last digit" in told
    assert re.search(r"metrics: 0 of \d+ differ\n", told)
    assert changes(table, "metric") == {"equal"}
    assert set(table.kind) == {"metric"}
    assert "No metric differs" in nothing_differs(compare(read_sweep(made()), read_sweep(again)))


def test_another_number_of_steps_changes_one_setting_and_many_metrics(made: Maker) -> None:
    told, table = diff(made(), made(steps=12))
    config = table[table.kind == "config"]
    assert config[["name", "a", "b"]].to_numpy().tolist() == [["steps", "8", "12"]]
    assert "results differ\n" in told
    assert re.search(r"steps +8 +12", told)
    metrics = table[(table.kind == "metric") & (table.change == "differs")]
    numbers = metrics[["a", "b", "difference", "relative", "scaled"]].astype(float)
    a, b = numbers.a, numbers.b
    np.testing.assert_allclose(numbers.difference, b - a)
    known = a != 0
    np.testing.assert_allclose(numbers.relative[known], ((b - a) / a.abs())[known])
    assert (numbers.scaled.abs() <= 2).all()


def test_only_the_configuration_differs(made: Maker) -> None:
    # Cells do not know how their experiment is called.
    told, table = diff(made(), made(experiment="tiny2"))
    assert "configurations differ, results do not: the same numbers, to the last digit" in told
    assert table.name[table.kind == "config"].tolist() == ["experiment"]
    assert changes(table, "metric") == {"equal"}


def test_cells_in_only_one_are_named_and_not_compared(made: Maker) -> None:
    told, table = diff(made(), made(activations=["relu", "tanh"]))
    assert "1 in both" in told
    assert "1 only in A (dct-modulus-k2); 1 only in B (dct-tanh-k2)" in told
    cells = table[table.kind == "cell"].set_index("cell")
    assert cells.change.to_dict() == {"dct-modulus-k2": "only in A", "dct-tanh-k2": "only in B"}
    assert set(table.cell[table.kind == "metric"]) == {"dct-relu-k2"}


def test_no_cell_in_common_is_told(made: Maker) -> None:
    told, table = diff(made(), made(sizes=[3]))
    assert "0 in both" in told
    assert "metric" not in set(table.kind)
    assert "no cell is in both" in nothing_differs(table)


def test_numbers_that_only_one_knows_are_told_apart(made: Maker) -> None:
    told, table = diff(made(), made(angles=[0, 45]))
    alone = table[table.change == "only in B"]
    assert alone.name.tolist() == ["delta/speed_isotropy"]
    assert alone.difference.isna().all()
    assert "1 known in only one" in told


def test_what_neither_knows_is_left_out(made: Maker, tmp_path: Path) -> None:
    empty = edited_copy(made(), tmp_path, lambda table: table.assign(beta_star=np.nan))
    table = compare(read_sweep(empty), read_sweep(empty))
    assert "beta_star" not in set(table.name)


def test_rounding_is_called_rounding(made: Maker, tmp_path: Path) -> None:
    def shake(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(**{"delta/r2_beta": table["delta/r2_beta"] * (1 + 1e-13)})

    shaken = edited_copy(made(), tmp_path / "shaken", shake)
    told, table = diff(made(), shaken)
    assert changes(table, "metric") == {"equal", "rounding"}
    assert "\nresults differ by rounding only\n" in told
    assert re.search(r"metrics: 0 of \d+ differ; 2 differ by rounding \(below 1e-09 of", told)
    assert "2 but for rounding (at most 1e-13" in nothing_differs(table)
    assert largest(table, 9).empty


def test_what_is_near_zero_does_not_lead(made: Maker, tmp_path: Path) -> None:
    def move(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(**{"delta/intercept_beta": [0.001, 0.3], "delta/speed_max": [0.5, 0.5]})

    a = edited_copy(made(), tmp_path / "a", move)
    b = edited_copy(
        a,
        tmp_path / "b",
        lambda table: table.assign(
            **{"delta/intercept_beta": [-0.001, 0.3], "delta/speed_max": [0.5, 0.4]}
        ),
    )
    rows = largest(compare(read_sweep(a), read_sweep(b)), 9)
    assert rows.name.tolist() == ["delta/speed_max", "delta/intercept_beta"]
    assert rows.relative.tolist() == pytest.approx([-0.2, -2.0])
    assert rows.scaled.tolist() == pytest.approx([-0.2, -0.002 / 0.3])


def test_from_zero_has_no_relative_difference(made: Maker, tmp_path: Path) -> None:
    dead = edited_copy(made(), tmp_path / "dead", lambda table: table.assign(extinct=[0, 3]))
    told, table = diff(made(), dead)
    assert "the same trajectories, measured in another way" in told
    (row,) = table[(table.name == "extinct") & (table.change != "equal")].itertuples()
    assert (row.a, row.b, row.difference, row.scaled) == (0, 3, 3, 1)
    assert np.isnan(row.relative)
    assert "from 0" in told


def test_the_table_and_the_figure_are_written_if_asked_for(made: Maker, tmp_path: Path) -> None:
    # As a person starts it, in a process of its own.
    words = [sys.executable, "-m", "mechcore", "diff", str(made()), str(made(steps=12))]
    ended = subprocess.run([*words, "-o", "diff"], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    written = sorted(path.name for path in (tmp_path / "diff").iterdir())
    assert written == ["diff.csv", "diff.png", "diff.svg"]
    table = pd.read_csv(tmp_path / "diff" / "diff.csv")
    assert tuple(table) == COLUMNS
    kinds = table.kind.unique().tolist()
    assert kinds == [kind for kind in KINDS if kind in kinds]


def test_long_lists_are_told_by_what_the_other_has_not(made: Maker) -> None:
    many = [round(0.03 * place, 2) for place in range(30)]
    told = run("diff", made(), made(betas=many)).stdout
    assert re.search(r"betas +\[0.0, 0.25, 0.5, 0.75, 1.0\] +30 values, 28 only here", told)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("nowhere/at-all", "expected a folder with sweep.json, or 4 to 12 hexadecimal digits"),
        ("abc", "sweep: 'abc' is not allowed"),
        (".", "sweep.json: missing, expected what mechcore summarise writes"),
    ],
)
def test_what_is_no_sweep_is_refused_in_one_line(made: Maker, given: str, told: str) -> None:
    ended = run("diff", made(), given)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert told in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_folder_that_cannot_be_written_is_refused_first(made: Maker, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = run("diff", made(), made(), "--output", tmp_path / "file")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "cannot be written" in ended.stderr


def test_an_identifier_is_fetched_from_the_store(
    made: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = []

    def fetch(identifier: str, folder: Path) -> Path:
        wanted.append(identifier)
        for name in ("sweep.json", "cells.csv"):
            shutil.copy(made() / name, folder)
        return folder

    monkeypatch.setattr(track, "fetch_sweep", fetch)
    found = load_sweep("ABCD12")
    assert (wanted, found.experiment) == (["abcd12"], "tiny")


def test_summarise_refuses_an_output_that_cannot_be_written(made: Maker, tmp_path: Path) -> None:
    results = made()
    ended = run(
        *("summarise", "--experiment", results / "config.yaml", "--results", results),
        *("--output", tmp_path, "--cells", tmp_path / "cells.csv"),
    )
    assert ended.returncode == 2
    assert "it is a folder" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_banks_are_part_of_a_sweep(tmp_path: Path) -> None:
    from mechcore.results.results import Results

    weights = PROJECT / "resources" / "banks" / "digits.safetensors"
    config = CONFIG | {"filter_banks": [str(weights)], "slices_per_layer": 2}
    experiment = experiments.run(tmp_path, config)
    write_sweep(describe_sweep(Results.load(experiment, tmp_path), None), tmp_path)
    sweep = read_sweep(tmp_path)
    assert list(sweep.banks) == ["filters/digits.nc", "filter_runs/digits.nc"]
