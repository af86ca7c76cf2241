"""Tracking on a real SQLite store: nothing twice, nothing lost, all that a person compares."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient
from mlflow.entities import Run

from tests.helpers import disks, servers, stores, trackers
from tests.helpers.projects import PROJECT
from tests.helpers.trackers import CHANGED, CONFIG, Trackers

BANKS = PROJECT / "resources" / "banks"
WITH_BANKS = CONFIG | {
    "filter_banks": [
        {
            "weights": str(BANKS / "digits.safetensors"),
            "untrained": str(BANKS / "digits-untrained.safetensors"),
        }
    ],
    "slices_per_layer": 2,
}
ERROR = "mechcore: no space left on the disk"


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory, commands: Trackers) -> Path:
    """A folder whose experiment was tracked once; tests leave it alone."""
    folder = trackers.prepare(tmp_path_factory.mktemp("tracked"), WITH_BANKS)
    assert commands.track(folder).stdout.startswith("5 logged, 0 unchanged, 0 superseded")
    return folder


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory, commands: Trackers, tracked: Path) -> Path:
    """A folder whose cells were tracked, changed, and tracked again; tests leave it alone."""
    folder = trackers.copied(tracked, tmp_path_factory.mktemp("changed"))
    trackers.prepare(folder, CHANGED)
    assert commands.track(folder).stdout.startswith("3 logged, 0 unchanged, 2 superseded")
    return folder


@pytest.fixture
def mine(tracked: Path, tmp_path: Path) -> Path:
    """A copy of the tracked folder that a test may change."""
    return trackers.copied(tracked, tmp_path / "mine")


def again(commands: Trackers, folder: Path, *words: str) -> str:
    ended = commands.track(folder, *words)
    assert ended.code == 0, ended.stderr
    return ended.stdout


def run_called(folder: Path, name: str) -> Run:
    with stores.opened(folder) as client:
        return next(run for run in stores.runs_of(client, "tiny") if run.info.run_name == name)


def history(folder: Path, run: Run, metric: str) -> dict[int, float]:
    with stores.opened(folder) as client:
        points = client.get_metric_history(run.info.run_id, metric)
        return {point.step: point.value for point in points}


def edit(folder: Path, *statements: str) -> None:
    """Change a store behind MLflow's back, as no page of it would."""
    with sqlite3.connect(folder / "mlflow.db") as database:
        for statement in statements:
            assert database.execute(statement).rowcount > 0, statement
    database.close()


def by_hand(folder: Path, change: Callable[[MlflowClient], None]) -> None:
    """Change a store as its pages do."""
    with stores.opened(folder) as client:
        change(client)
        copy = client.tracking_uri.removeprefix("sqlite:///")
        shutil.copyfile(copy, folder / "mlflow.db")


def refused(commands: Trackers, folder: Path, *words: str) -> str:
    """The one line of a command that changes nothing."""
    before = sorted(folder.rglob("*"))
    ended = commands.track(folder, *words)
    assert ended.code == 2, ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert sorted(folder.rglob("*")) == before
    return ended.stderr


def test_artifacts_are_shown_after_the_folder_has_moved(tracked: Path, tmp_path: Path) -> None:
    for name in ("mlflow.db", "mlartifacts"):
        copy = shutil.copytree if (tracked / name).is_dir() else shutil.copy
        copy(tracked / name, tmp_path / name)
    with servers.mlflow_server(tmp_path) as server:
        shown = stores.on_server(server.address)
    assert shown == stores.in_folder(tracked)
    run = next(one for one in stores.runs_in(shown, "tiny") if one["name"] == "dct-relu-k2")
    files = {"cell.json", "preview.png", "dct-relu-k2.nc"}
    assert set(run["artifacts"]) == files  # type: ignore[call-overload]


def test_a_cell_is_a_run_with_params_tags_and_inputs(tracked: Path) -> None:
    run = run_called(tracked, "dct-relu-k2")
    assert run.info.status == "FINISHED"
    assert run.data.params["activation"] == "relu"
    assert run.data.params["t_burn"] == "2"
    assert run.data.tags["mechcore.cell_id"] == "dct-relu-k2"
    assert len(run.data.tags["mechcore.content_sha256"]) == 64
    assert run.data.tags["mlflow.source.git.dirty"] in {"true", "false", "unknown"}
    sweep = json.loads((tracked / "results" / "sweep.json").read_text())
    assert run.data.tags["mechcore.sweep"] == sweep["sweep"]
    assert run.data.tags["mlflow.source.git.commit"] == sweep["code"]["commit"]
    [made_of] = run.inputs.dataset_inputs
    assert made_of.dataset.name == "dct-relu-k2.nc"
    # A store takes 36 characters of a digest.
    assert made_of.dataset.digest == sweep["cells"]["dct-relu-k2"]["content_sha256"][:36]


def test_runs_are_cells_banks_and_one_sweep_and_none_in_the_default_experiment(
    tracked: Path,
) -> None:
    content = stores.in_folder(tracked)
    sweep = json.loads((tracked / "results" / "sweep.json").read_text())["sweep"]
    assert {run["name"] for run in stores.runs_in(content, "tiny")} == {
        *("dct-relu-k2", "dct-modulus-k2", "filters/digits", "filters/digits-untrained"),
        f"sweep {sweep}",
    }
    assert stores.runs_in(content, "Default") == []
    assert set(content) == {"Default", "tiny"}


def test_the_sweep_over_beta_is_a_curve(tracked: Path) -> None:
    run = run_called(tracked, "dct-relu-k2")
    found = history(tracked, run, "delta/speed")
    assert sorted(found) == [0, 250, 500, 750, 1000]
    # Gradient and ReLU at k = 2 move a pixel by half a pixel a layer, to the rounding of a fit.
    assert found[1000] == pytest.approx(0.5, abs=1e-12)
    assert {"delta/slope_beta", "delta/r2_celerity", "delta/speed_max"} <= set(run.data.metrics)


def test_a_bank_is_a_run_with_curves_over_its_depth(tracked: Path) -> None:
    run = run_called(tracked, "filters/digits")
    assert run.data.params["trained"] == "True"
    assert run.data.params["layers"] == "3"
    assert "conv1.weight, conv2.weight" in run.data.tags["mlflow.note.content"]
    assert sorted(history(tracked, run, "layer/low_frequency_share")) == [0, 1, 2]
    assert {"low_frequency_share", "energy", "relu/speed_median"} <= set(run.data.metrics)
    place = stores.artifact_folder(tracked, run)
    assert [path.name for path in place.iterdir()] == ["layers.csv"]


def test_the_receipt_names_the_run_of_everything(tracked: Path) -> None:
    receipt = json.loads((tracked / "r.json").read_text())
    with stores.opened(tracked) as client:
        runs = {run.info.run_name: run.info.run_id for run in stores.runs_of(client, "tiny")}
        experiment = client.get_experiment_by_name("tiny").experiment_id
    assert receipt["runs"] == runs
    assert receipt["experiments"] == {"tiny": experiment}
    assert (receipt["logged"], receipt["unchanged"], receipt["failed"]) == (5, 0, 0)
    assert receipt["uri"] == f"sqlite:///{tracked / 'mlflow.db'}"


def test_tracking_again_changes_nothing(commands: Trackers, mine: Path) -> None:
    before = stores.in_folder(mine), (mine / "mlflow.db").read_bytes()
    assert again(commands, mine).startswith("0 logged, 5 unchanged, 0 superseded")
    assert (stores.in_folder(mine), (mine / "mlflow.db").read_bytes()) == before


def test_a_rebuilt_store_is_equal(commands: Trackers, mine: Path) -> None:
    before = stores.in_folder(mine)
    assert again(commands, mine, "--rebuild").startswith("5 logged, 0 unchanged, 0 superseded")
    assert stores.in_folder(mine) == before


def test_a_store_that_was_deleted_is_made_equal_from_the_files(
    commands: Trackers, mine: Path
) -> None:
    before = stores.in_folder(mine)
    (mine / "mlflow.db").unlink()
    shutil.rmtree(mine / "mlartifacts")
    again(commands, mine)
    assert stores.in_folder(mine) == before


def test_the_command_itself_makes_the_same_store(tracked: Path, tmp_path: Path) -> None:
    """Not a fork of ours: with processes that draw, and all its imports."""
    for name in ("results", "config.yaml"):
        (tmp_path / name).symlink_to(tracked / name)
    words = [sys.executable, "-m", "mechcore", *trackers.TRACK]
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert stores.in_folder(tmp_path) == stores.in_folder(tracked)


def test_a_changed_cell_supersedes_its_run(changed: Path) -> None:
    with stores.opened(changed) as client:
        runs = {run.info.run_id: run for run in stores.runs_of(client, "tiny")}
    old = [run for run in runs.values() if "mechcore.superseded_by" in run.data.tags]
    assert len(runs) == 8
    assert len(old) == 2
    for run in old:
        new = runs[run.data.tags["mechcore.superseded_by"]]
        assert new.data.tags["mechcore.cell_id"] == run.data.tags["mechcore.cell_id"]
        assert new.data.params["steps"] == "9"


def test_a_rebuild_keeps_what_was_superseded_and_points_it_to_the_new_run(
    commands: Trackers, changed: Path, tmp_path: Path
) -> None:
    folder = trackers.copied(changed, tmp_path / "mine")
    before = stores.in_folder(folder)
    assert again(commands, folder, "--rebuild").startswith("3 logged, 0 unchanged, 0 superseded")
    assert stores.in_folder(folder) == before


WRONG = {
    "a param": "UPDATE params SET value = 'gelu' WHERE key = 'activation'",
    "a metric": "UPDATE metrics SET value = value + 1 WHERE key = 'delta/speed'",
    "a tag": "UPDATE tags SET value = 'else' WHERE key = 'mlflow.source.git.commit'",
    "a missing metric": "DELETE FROM metrics WHERE key = 'delta/speed'",
    "a name": "UPDATE tags SET value = 'else' WHERE key = 'mlflow.runName'",
    "a time": "UPDATE runs SET end_time = end_time + 1",
    "a state": "UPDATE runs SET status = 'KILLED'",
    "a deleted run": "UPDATE runs SET lifecycle_stage = 'deleted'",
    "a missing input": "DELETE FROM inputs",
}


@pytest.mark.parametrize("statement", WRONG.values(), ids=WRONG)
def test_a_rebuild_mends_what_somebody_changed(
    commands: Trackers, mine: Path, statement: str
) -> None:
    before = stores.in_folder(mine)
    edit(mine, statement)
    assert stores.in_folder(mine) != before
    again(commands, mine, "--rebuild")
    assert stores.in_folder(mine) == before


def test_a_deleted_run_is_logged_again_and_what_it_superseded_points_to_it(
    commands: Trackers, changed: Path, tmp_path: Path
) -> None:
    folder = trackers.copied(changed, tmp_path / "mine")
    before = stores.in_folder(folder)
    current = json.loads((folder / "r.json").read_text())["runs"]["dct-relu-k2"]
    by_hand(folder, lambda client: client.delete_run(current))
    assert again(commands, folder).startswith("1 logged, 2 unchanged, 0 superseded")
    assert stores.in_folder(folder) == before


def test_an_interruption_before_the_old_run_was_tagged_is_mended(
    commands: Trackers, changed: Path, tmp_path: Path
) -> None:
    folder = trackers.copied(changed, tmp_path / "mine")
    before = stores.in_folder(folder)
    edit(folder, "DELETE FROM tags WHERE key = 'mechcore.superseded_by'")
    assert again(commands, folder).startswith("0 logged, 3 unchanged, 2 superseded")
    assert stores.in_folder(folder) == before


def test_a_run_that_was_cut_off_is_logged_anew_as_it_would_be_now(
    commands: Trackers, mine: Path
) -> None:
    """A param or a tag of the environment may have changed since: a store keeps a param's first."""
    before = stores.in_folder(mine)
    edit(
        mine,
        "UPDATE runs SET status = 'RUNNING', end_time = NULL",
        "UPDATE params SET value = '3.0' WHERE key = 'python'",
        "UPDATE tags SET value = 'none' WHERE key = 'mechcore.sweep'",
    )
    assert again(commands, mine).startswith("5 logged, 0 unchanged, 0 superseded")
    assert stores.in_folder(mine) == before


def test_an_experiment_that_was_deleted_is_restored_with_each_run_once(
    commands: Trackers, mine: Path
) -> None:
    before = stores.in_folder(mine)
    again(commands, mine, "--rebuild")
    # MLflow restores with it all its runs, those that the rebuild deleted as well.
    by_hand(mine, lambda client: client.delete_experiment(_id(client, "tiny")))
    assert again(commands, mine).startswith("0 logged, 5 unchanged, 0 superseded")
    assert stores.in_folder(mine) == before


def test_the_description_that_a_person_wrote_is_left_alone(commands: Trackers, mine: Path) -> None:
    note = ("mlflow.note.content", "Mine.")
    by_hand(mine, lambda client: client.set_experiment_tag(_id(client, "tiny"), *note))
    again(commands, mine, "--rebuild")
    assert stores.in_folder(mine)["tiny"]["tags"]["mlflow.note.content"] == "Mine."  # type: ignore[index]


def test_our_own_description_follows_the_configuration(tracked: Path, changed: Path) -> None:
    notes = [
        stores.in_folder(folder)["tiny"]["tags"]["mlflow.note.content"]  # type: ignore[index]
        for folder in (tracked, changed)
    ]
    assert "| layers | 8 |" in notes[0]
    assert "| layers | 9 |" in notes[1]


def test_two_experiments_in_one_store_leave_each_other_alone(
    commands: Trackers, mine: Path, tmp_path: Path
) -> None:
    before = stores.in_folder(mine)
    other = trackers.prepare(tmp_path / "other", CONFIG | {"experiment": "other"})
    again(commands, other, "--to", f"sqlite:///{mine / 'mlflow.db'}")
    found = stores.in_folder(mine)
    assert len(stores.runs_in(found, "other")) == 3
    assert {name: found[name] for name in before} == before
    assert not (other / "mlflow.db").exists()


def test_no_infinity_and_no_nan_reaches_the_store(commands: Trackers, tmp_path: Path) -> None:
    # A high pass has no beta*, and no theory: the table has gaps.
    config = CONFIG | {"activations": ["relu"], "track": {"per_simulation": True}}
    folder = trackers.prepare(tmp_path, config | {"kernels": ["dct", "highpass"]})
    metrics = (folder / "results" / "metrics.csv").read_text()
    assert ",," in metrics
    again(commands, folder)
    with sqlite3.connect(folder / "mlflow.db") as database:
        rows = database.execute("SELECT key, value, is_nan FROM metrics").fetchall()
    database.close()
    # MLflow keeps an infinity as the largest number.
    assert [row for row in rows if row[2] or not abs(row[1]) < 1e300] == []
    simulations = stores.runs_in(stores.in_folder(folder), "tiny simulations")
    assert len(simulations) == len(metrics.splitlines()) - 1
    assert {run["tags"]["mechcore.kind"] for run in simulations} == {"simulation"}  # type: ignore[index]


def test_runs_of_simulations_are_rebuilt_and_not_repeated(commands: Trackers, mine: Path) -> None:
    config = CONFIG | {"track": {"per_simulation": True}}
    (mine / "config.yaml").write_text(
        yaml.safe_dump(config | {"filter_banks": WITH_BANKS["filter_banks"], "slices_per_layer": 2})
    )
    assert again(commands, mine).startswith("10 logged, 5 unchanged, 0 superseded")
    before = stores.in_folder(mine)
    assert again(commands, mine).startswith("0 logged, 15 unchanged, 0 superseded")
    assert again(commands, mine, "--rebuild").startswith("15 logged, 0 unchanged, 0 superseded")
    assert stores.in_folder(mine) == before


@pytest.fixture
def failing(tracked: Path, tmp_path: Path) -> Path:
    """A folder in which one cell has failed and the other is finished."""
    folder = trackers.copied(tracked / "results", tmp_path / "failing" / "results").parent
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    (folder / "results" / "trajectories" / "dct-relu-k2.nc").rename(folder / "kept.nc")
    (folder / "logs" / "simulate").mkdir(parents=True)
    (folder / "logs" / "simulate" / "dct-relu-k2.log").write_text(f"layer 1\n{ERROR}\n")
    return folder


PARTIAL = ("--partial", "--logs", "logs")


def test_a_failed_cell_becomes_a_failed_run_with_its_error(
    commands: Trackers, failing: Path
) -> None:
    shown = again(commands, failing, *PARTIAL)
    assert shown.startswith("2 logged, 0 unchanged, 0 superseded, 1 failed")
    run = run_called(failing, "dct-relu-k2")
    assert run.info.status == "FAILED"
    assert run.data.tags["mechcore.error"] == ERROR
    assert run.data.params["activation"] == "relu"
    log = stores.artifact_folder(failing, run) / "log.txt"
    assert log.read_text() == f"layer 1\n{ERROR}\n"
    before = stores.in_folder(failing)
    assert again(commands, failing, *PARTIAL).startswith("0 logged, 2 unchanged, 0 superseded")
    again(commands, failing, *PARTIAL, "--rebuild")
    assert stores.in_folder(failing) == before


def test_success_supersedes_the_failed_run(commands: Trackers, failing: Path) -> None:
    again(commands, failing, *PARTIAL)
    (failing / "kept.nc").rename(failing / "results" / "trajectories" / "dct-relu-k2.nc")
    assert again(commands, failing, *PARTIAL).startswith("1 logged, 1 unchanged, 1 superseded")
    with stores.opened(failing) as client:
        runs = stores.runs_of(client, "tiny")
    states = {
        (run.info.run_name, run.info.status, "mechcore.superseded_by" in run.data.tags)
        for run in runs
    }
    assert states == {
        ("dct-relu-k2", "FAILED", True),
        ("dct-relu-k2", "FINISHED", False),
        ("dct-modulus-k2", "FINISHED", False),
    }
    # All current runs are of the sweep as it is now.
    now = {r.data.tags["mechcore.sweep"] for r in runs if r.info.status == "FINISHED"}
    assert len(now) == 1


def test_where_all_cells_failed_only_failures_are_logged(commands: Trackers, failing: Path) -> None:
    trajectories = failing / "results" / "trajectories"
    (trajectories / "dct-modulus-k2.nc").rename(failing / "other.nc")
    shown = again(commands, failing, *PARTIAL)
    assert shown.startswith("1 logged, 0 unchanged, 0 superseded, 1 failed")
    (failing / "other.nc").rename(trajectories / "dct-modulus-k2.nc")
    again(commands, failing, *PARTIAL)
    before = stores.in_folder(failing)
    again(commands, failing, *PARTIAL, "--rebuild")
    assert stores.in_folder(failing) == before


def test_a_run_that_was_cut_off_in_a_partial_grid_gets_the_sweep_of_now(
    commands: Trackers, failing: Path
) -> None:
    again(commands, failing, *PARTIAL)
    edit(failing, "UPDATE runs SET status = 'RUNNING', end_time = NULL")
    (failing / "kept.nc").rename(failing / "results" / "trajectories" / "dct-relu-k2.nc")
    again(commands, failing, *PARTIAL)
    with stores.opened(failing) as client:
        runs = stores.runs_of(client, "tiny")
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert len({run.data.tags["mechcore.sweep"] for run in runs}) == 1


def test_a_finished_grid_is_sent_to_another_store_later(
    commands: Trackers, mine: Path, tmp_path: Path
) -> None:
    before = stores.in_folder(mine)
    target = tmp_path / "elsewhere"
    target.mkdir()
    again(commands, mine, "--to", f"sqlite:///{target / 'mlflow.db'}")
    assert stores.in_folder(target) == before == stores.in_folder(mine)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("./mlruns", "expected sqlite:///FILE"),
        ("mlruns", "expected sqlite:///FILE"),
        ("file:///tmp/mlruns", "expected sqlite:///FILE"),
        ("sqlite://", "expected sqlite:///FILE"),
        ("sqlite:///:memory:", "expected sqlite:///FILE"),
        ("sqlite:////nowhere/mlflow.db", "no folder /nowhere"),
        ("sqlite:////dev/null/mlflow.db", "no folder /dev/null"),
        # Root can write into any folder but those of the kernel.
        ("sqlite:////proc/mlflow.db", "/proc/mlflow.db.lock cannot be written"),
        ("sqlite:////tmp", "no file that can be written"),
        ("mysql://ada:secret@db/mlflow", "No module named 'MySQLdb'"),
        ("ftp://ada:secret@db/mlflow", "ftp"),
    ],
)
def test_a_wrong_store_is_told_in_one_line(
    commands: Trackers, mine: Path, uri: str, reason: str
) -> None:
    shown = refused(commands, mine, "--to", uri)
    assert reason in shown
    assert "secret" not in shown


@pytest.mark.parametrize(
    "uri",
    [
        "http://ada:secret@127.0.0.1:9",
        "http://ada:secret@127.0.0.1:9/",
        "postgresql://ada:secret@127.0.0.1:9/mlflow",
        # No valid address, but one that databases take.
        "postgresql://ada:x/secret?@127.0.0.1:9/mlflow",
        "postgresql://127.0.0.1:9/mlflow?user=ada&password=secret",
    ],
)
def test_a_password_is_never_shown(commands: Trackers, mine: Path, uri: str) -> None:
    quick = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    ended = commands.track(mine, "--to", uri, environment=quick)
    assert ended.code == 2
    assert "127.0.0.1:9" in ended.stderr
    assert "secret" not in ended.stdout + ended.stderr


def test_results_of_another_configuration_are_refused(commands: Trackers, mine: Path) -> None:
    (mine / "config.yaml").write_text(yaml.safe_dump(CHANGED))
    (mine / "mlflow.db").unlink()
    assert "of another configuration than tiny has now" in refused(commands, mine)


def test_missing_results_open_no_store(commands: Trackers, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    refused(commands, tmp_path)


def test_a_sqlite_file_on_a_network_disk_is_refused(
    commands: Trackers, mine: Path, tmp_path: Path
) -> None:
    """A real one: SFTP, without a network in between."""
    with disks.sshfs(tmp_path) as mounted:
        shown = refused(commands, mine, "--to", f"sqlite:///{mounted / 'mlflow.db'}")
        assert "lies on a network disk (fuse.sshfs)" in shown
        assert "set MLFLOW_TRACKING_URI to a server" in shown
        assert list(mounted.iterdir()) == []
        (mine / "link.db").symlink_to(mounted / "mlflow.db")
        shown = refused(commands, mine, "--to", f"sqlite:///{mine / 'link.db'}")
        assert "lies on a network disk (fuse.sshfs)" in shown


def test_the_api_of_mlflow_that_acts_on_a_global_run_is_banned() -> None:
    import mlflow
    from mlflow.tracking import fluent

    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    banned = set(settings["flake8-tidy-imports"]["banned-api"])
    implicit = {
        f"mlflow.{name}"
        for name in mlflow.__all__
        if inspect.isfunction(found := getattr(mlflow, name))
        and found.__module__ in (fluent.__name__, "mlflow.tracking._tracking_service.utils")
    }
    assert len(implicit) > 30
    assert implicit - banned == set()


def _id(client: MlflowClient, experiment: str) -> str:
    return str(client.get_experiment_by_name(experiment).experiment_id)


def test_sweeps_of_the_store_are_compared_by_their_identifiers(
    commands: Trackers, changed: Path
) -> None:
    with stores.opened(changed) as client:
        runs = stores.runs_of(client, "tiny")
        # Last month's is still there: its cells are superseded, the summary of it is not.
        old, new = sorted(
            (run for run in runs if run.data.tags["mechcore.kind"] == "sweep"),
            key=lambda run: run.info.start_time,
        )
    named = [run.data.tags["mechcore.sweep_id"] for run in (old, new)]
    ended = commands.run(changed, "diff", named[0][:6], named[1].upper())
    assert ended.code == 0, ended.stderr
    for name in named:
        assert f"sweep {name} of tiny, 2 cells" in ended.stdout
    assert re.search(r"steps\s+8\s+9", ended.stdout)


def test_a_sweep_that_the_store_has_not_is_told(commands: Trackers, changed: Path) -> None:
    ended = commands.run(changed, "diff", "0000", "results")
    assert (ended.code, len(ended.stderr.splitlines())) == (2, 1)
    assert "found none" in ended.stderr


def test_looking_for_a_sweep_makes_no_store(commands: Trackers, tmp_path: Path) -> None:
    ended = commands.run(tmp_path, "diff", "0123", "4567")
    assert (ended.code, len(ended.stderr.splitlines())) == (2, 1)
    assert "no such file" in ended.stderr
    assert list(tmp_path.iterdir()) == []
