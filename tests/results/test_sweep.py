"""Sweeps: equal results have equal identifiers, and what is damaged is refused in one line."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mechcore.experiment.config import load_experiment
from mechcore.results.cells_table import PARAMETERS
from mechcore.results.results import Results
from mechcore.results.sweep import (
    Sweep,
    describe_sweep,
    metric_names,
    read_sweep,
    write_sweep,
)
from tests.helpers.experiments import SMALL, run
from tests.helpers.refusals import refused

CONFIG = SMALL | {"angles": [0, 45]}


@pytest.fixture(scope="module")
def tiny(simulated: Path) -> Results:
    return Results.load(load_experiment(CONFIG), simulated)


@pytest.fixture
def written(tiny: Results, tmp_path: Path) -> Path:
    write_sweep(describe_sweep(tiny, None), tmp_path)
    return tmp_path


def row(sweep: Sweep, cell: str) -> pd.Series:
    return sweep.cells.set_index("cell").loc[cell]


def test_a_sweep_is_read_back_as_it_was(tiny: Results, written: Path) -> None:
    made, read = describe_sweep(tiny, None), read_sweep(written)
    pd.testing.assert_frame_equal(read.cells, made.cells, check_exact=True)
    assert read.identifier == made.identifier
    assert (read.config, read.records) == (made.config, made.records)
    assert read.code.core_hashes == made.code.core_hashes
    assert list(read.cells)[: 1 + len(PARAMETERS)] == ["cell", *PARAMETERS]


def test_equal_results_have_equal_identifiers_at_any_time(tiny: Results, tmp_path: Path) -> None:
    shutil.copytree(tiny.folder, tmp_path, dirs_exist_ok=True)
    for file in (tmp_path / "trajectories").iterdir():
        os.utime(file, (1e9, 1e9))
    again = describe_sweep(Results.measured(tiny.experiment, tmp_path), None)
    assert again.identifier == describe_sweep(tiny, None).identifier
    assert {record.finished_at for record in again.records.values()} == {10**12}


def test_other_settings_have_another_identifier_and_one_angle_no_isotropy_of_speeds(
    tiny: Results, tmp_path: Path
) -> None:
    run(tmp_path, CONFIG | {"angles": [0]})
    sweep, other = describe_sweep(tiny, None), read_sweep(tmp_path)
    assert other.identifier != sweep.identifier
    names = set(metric_names(sweep.cells)) - set(metric_names(other.cells))
    assert names == {"delta_speed_isotropy"}


def test_the_numbers_of_a_cell_are_those_of_theory(tiny: Results) -> None:
    sweep = describe_sweep(tiny, None)
    cell = row(sweep, "dct-relu-k2")
    assert cell.simulations == 10
    assert (cell.extinct, cell.patterns, cell.angles) == (0, "delta", "0 45")
    assert cell["delta_diffusion_coefficient"] == pytest.approx(0.5, abs=1e-12)
    assert cell["delta_diffusion_exponent"] == pytest.approx(0.5, abs=1e-12)
    assert cell["delta_isotropy"] == pytest.approx(1, abs=1e-12)
    # Half a pixel a layer along an axis, and the root of that square twice along a diagonal.
    assert cell["delta_speed_isotropy"] == pytest.approx(0.5**0.5, abs=0.02)
    means = tiny.metrics[tiny.metrics.activation == "relu"].groupby("beta").speed.mean()
    assert cell["delta_speed_max"] == pytest.approx(means.max())
    # At beta = 1 the modulus splits a delta into halves: its speeds there are rounding.
    assert np.isnan(row(sweep, "dct-modulus-k2")["delta_speed_isotropy"])


def test_cells_that_are_not_finished_are_left_out(tiny: Results, tmp_path: Path) -> None:
    shutil.copytree(tiny.folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "trajectories" / "dct-modulus-k2.nc").unlink()
    sweep = describe_sweep(Results.measured(tiny.experiment, tmp_path), None)
    assert list(sweep.records) == sweep.cells.cell.tolist() == ["dct-relu-k2"]
    assert sweep.identifier != describe_sweep(tiny, None).identifier


def test_time_and_memory_come_from_the_logs(tiny: Results, tmp_path: Path) -> None:
    folder = tmp_path / "simulate"
    folder.mkdir(parents=True)
    (folder / "dct-relu-k2.log").write_text("dct-relu-k2: 10 simulations in 2.500 s, 270 MB\n")
    write_sweep(describe_sweep(tiny, tmp_path), tmp_path)
    known, unknown = read_sweep(tmp_path).records.values()
    assert (known.wall_seconds, known.memory_mb) == (2.5, 270)
    assert (unknown.wall_seconds, unknown.memory_mb) == (None, None)
    assert (tmp_path / "sweep.json").read_text().count("memory_mb") == 1


def edited(**changes: object):  # type: ignore[no-untyped-def]
    def edit(text: str) -> str:
        content = json.loads(text) | changes
        return json.dumps({key: value for key, value in content.items() if value is not None})

    return edit


DAMAGED = [
    ("sweep.json", lambda text: text[:50], "is not JSON"),
    ("sweep.json", None, "missing, expected what mechcore summarise writes"),
    ("cells.csv", None, "cannot be read"),
    ("sweep.json", lambda _: "[]", "expected a name or a mapping of keys"),
    ("sweep.json", lambda _: '{"a": 1}', "'a' is not a known key"),
    ("sweep.json", edited(sweep="a" * 12), "by its content: it was edited"),
    ("sweep.json", edited(sweep=None), "sweep: missing"),
    ("sweep.json", edited(surprise=1), "'surprise' is not a known key"),
    ("sweep.json", edited(cells={"a": {}}), "content_sha256: missing"),
    ("cells.csv", lambda text: text.replace("relu-k2", "tanh-k2"), "changed after"),
    ("cells.csv", lambda text: text.replace("kernel,", "colonel,"), "no column kernel"),
    ("cells.csv", lambda text: text.splitlines()[0], "no rows"),
]


@pytest.mark.parametrize(("name", "damage", "message"), DAMAGED)
def test_a_damaged_sweep_is_refused_in_one_line(written: Path, name, damage, message) -> None:  # type: ignore[no-untyped-def]
    path = written / name
    if damage is None:
        path.unlink()
    else:
        path.write_text(damage(path.read_text()))
    with refused(f"{path}: ", message):
        read_sweep(written)
