"""A cell is a run with parameters, curves over beta, inputs and a picture."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest
import yaml

from mechcore.io.netcdf import read_attributes
from tests.helpers import stores, trackers
from tests.helpers.trackers import CONFIG, Trackers

ERROR = "mechcore: no space left on the disk"
PARTIAL = ("--partial", "--logs", "logs")


def test_a_cell_has_params_and_tags_of_the_code_that_computed_it(tracked: Path) -> None:
    run = stores.run_named(tracked, "dct-relu-k2")
    sweep = json.loads((tracked / "results" / "sweep.json").read_text())
    assert run["status"] == "FINISHED"
    assert run["params"] | {"activation": "relu", "t_burn": "2"} == run["params"]
    assert run["tags"]["mechcore.cell_id"] == "dct-relu-k2"
    assert len(run["tags"]["mechcore.content_sha256"]) == 64
    assert run["tags"]["mechcore.sweep"] == sweep["sweep"]
    computed = read_attributes(tracked / "results" / "trajectories" / "dct-relu-k2.nc")
    for name in ("commit", "dirty"):
        assert run["tags"][f"mlflow.source.git.{name}"] == computed[f"code_{name}"]
    # What it made is no input.
    assert run["inputs"] == []
    assert set(run["artifacts"]) == {"cell.json", "preview.png", "dct-relu-k2.nc"}


def test_speed_over_beta_is_a_curve(tracked: Path) -> None:
    metrics = stores.run_named(tracked, "dct-relu-k2")["metrics"]
    speeds = {step: value for step, value, _ in metrics["delta_speed"]}
    assert sorted(speeds) == [0, 250, 500, 750, 1000]
    # Gradient and ReLU at k = 2 move a pixel by half a pixel a layer, to the rounding of a fit.
    assert speeds[1000] == pytest.approx(0.5, abs=1e-12)
    assert {"delta_slope_beta", "delta_r2_celerity", "delta_speed_max"} <= set(metrics)


def test_no_infinity_and_no_nan_reaches_the_store(
    commands: Trackers, tmp_path: Path, empty_store: Path
) -> None:
    # A high pass has no beta*, and no theory: the table has gaps.
    config = CONFIG | {"activations": ["relu"], "track": {"per_simulation": True}}
    folder = trackers.prepare(tmp_path, config | {"kernels": ["dct", "highpass"]})
    shutil.copy(empty_store, folder)
    table = (folder / "results" / "metrics.csv").read_text()
    assert ",," in table
    commands.tracked(folder)
    with sqlite3.connect(folder / "mlflow.db") as database:
        rows = database.execute("SELECT key, value, is_nan FROM metrics").fetchall()
    database.close()
    # MLflow keeps an infinity as the largest number.
    assert [row for row in rows if row[2] or not abs(row[1]) < 1e300] == []
    simulations = stores.in_folder(folder)["tiny simulations"]["runs"]
    assert len(simulations) == len(table.splitlines()) - 1
    assert {run["tags"]["mechcore.kind"] for run in simulations} == {"simulation"}


@pytest.fixture
def failing(tracked: Path, tmp_path: Path, empty_store: Path) -> Path:
    """A folder in which one cell has failed and the other is finished."""
    folder = trackers.copied(tracked / "results", tmp_path / "failing" / "results").parent
    shutil.copy(empty_store, folder)
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    (folder / "results" / "trajectories" / "dct-relu-k2.nc").rename(folder / "kept.nc")
    (folder / "logs" / "simulate").mkdir(parents=True)
    (folder / "logs" / "simulate" / "dct-relu-k2.log").write_text(f"layer 1\n{ERROR}\n")
    return folder


def test_a_failed_cell_is_a_failed_run_with_its_error(commands: Trackers, failing: Path) -> None:
    output = commands.tracked(failing, *PARTIAL)
    assert output.startswith("2 logged, 0 unchanged, 0 superseded, 1 failed")
    run = stores.run_named(failing, "dct-relu-k2")
    assert run["status"] == "FAILED"
    assert run["tags"]["mechcore.error"] == ERROR
    assert run["params"]["activation"] == "relu"
    log = failing / "logs" / "simulate" / "dct-relu-k2.log"
    assert run["artifacts"]["log.txt"] == stores.digest(log)
    before = stores.in_folder(failing)
    assert commands.tracked(failing, *PARTIAL).startswith("0 logged, 2 unchanged, 0 superseded")
    commands.tracked(failing, *PARTIAL, "--rebuild")
    assert stores.in_folder(failing) == before


def test_success_supersedes_the_failed_run(commands: Trackers, failing: Path) -> None:
    commands.tracked(failing, *PARTIAL)
    (failing / "kept.nc").rename(failing / "results" / "trajectories" / "dct-relu-k2.nc")
    assert commands.tracked(failing, *PARTIAL).startswith("1 logged, 1 unchanged, 1 superseded")
    runs = stores.in_folder(failing)["tiny"]["runs"]
    assert {(r["name"], r["status"], "mechcore.superseded_by" in r["tags"]) for r in runs} == {
        ("dct-relu-k2", "FAILED", True),
        ("dct-relu-k2", "FINISHED", False),
        ("dct-modulus-k2", "FINISHED", False),
    }
    # All current runs are of the sweep as it is now.
    assert len({r["tags"]["mechcore.sweep"] for r in runs if r["status"] == "FINISHED"}) == 1


def test_where_all_cells_failed_only_failures_are_logged(commands: Trackers, failing: Path) -> None:
    (failing / "results" / "trajectories" / "dct-modulus-k2.nc").unlink()
    output = commands.tracked(failing, *PARTIAL)
    assert output.startswith("1 logged, 0 unchanged, 0 superseded, 1 failed")
