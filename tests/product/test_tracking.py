"""Tracking on a real SQLite store: nothing twice, nothing lost, all that a person compares."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import experiments
import pytest
import servers
import yaml

from mechcore.config import Experiment

CONFIG: dict[str, object] = {
    "experiment": "tiny",
    "kernels": ["dct"],
    "activations": ["relu", "modulus"],
    "sizes": [2],
    "patterns": ["delta"],
    "betas": {"start": 0, "stop": 1, "count": 5},
    "steps": 8,
    "snapshots": {"layers": [0, 8], "window": 17},
}


BANKS = Path(__file__).parents[2] / "config" / "banks"
WITH_BANKS = CONFIG | {
    "filter_banks": [
        {
            "weights": str(BANKS / "digits.safetensors"),
            "untrained": str(BANKS / "digits-untrained.safetensors"),
        }
    ],
    "slices_per_layer": 2,
}


def finish(folder: Path, config: dict[str, object]) -> Experiment:
    """Make all results of an experiment in a folder, and its configuration."""
    experiment = experiments.run(folder / "results", config)
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return experiment


def track(folder: Path) -> str:
    """Run the command; an environment variable of the machine must not redirect it."""
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    words = ["track", "--experiment", "config.yaml", "--results", "results", "--output", "r.json"]
    ended = subprocess.run(
        [sys.executable, "-m", "mechcore", *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def tracked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose experiment was tracked once."""
    folder = tmp_path_factory.mktemp("tracked")
    finish(folder, WITH_BANKS)
    assert track(folder).startswith("5 logged, 0 unchanged, 0 superseded")
    return folder


@pytest.fixture(scope="module")
def client() -> Callable[[Path], object]:
    """Opens the store of a folder."""
    from mlflow import MlflowClient

    return lambda folder: MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")


def runs_of(store, name: str = "tiny"):  # type: ignore[no-untyped-def]
    return store.search_runs([store.get_experiment_by_name(name).experiment_id])


def artifacts_of(folder: Path, run) -> set[str]:  # type: ignore[no-untyped-def]
    """Names of the artifacts of a run, as they lie beside the store."""
    place = run.info.artifact_uri.removeprefix("mlflow-artifacts:/")
    return {path.name for path in (folder / "mlartifacts" / place).iterdir()}


def test_artifacts_are_shown_after_the_folder_has_moved(tracked: Path, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    for name in ("mlflow.db", "mlartifacts"):
        copy = shutil.copytree if (tracked / name).is_dir() else shutil.copy
        copy(tracked / name, tmp_path / name)
    with servers.mlflow_server(tmp_path) as server:
        store = MlflowClient(server.address)
        run = next(run for run in runs_of(store) if run.info.run_name == "dct-relu-k2")
        shown = store.list_artifacts(run.info.run_id)
        assert {one.path for one in shown} == {"cell.json", "preview.png", "dct-relu-k2.nc"}
        (tmp_path / "down").mkdir()
        file = store.download_artifacts(run.info.run_id, "dct-relu-k2.nc", str(tmp_path / "down"))
    original = tracked / "results" / "trajectories" / "dct-relu-k2.nc"
    assert Path(file).read_bytes() == original.read_bytes()


def test_a_cell_is_a_run_with_params_tags_and_artifacts(tracked: Path, client) -> None:  # type: ignore[no-untyped-def]
    store = client(tracked)
    runs = {run.info.run_name: run for run in runs_of(store)}
    others = {
        "filters/digits",
        "filters/digits-untrained",
        f"sweep {runs['dct-relu-k2'].data.tags['mechcore.sweep']}",
    }
    assert set(runs) == {"dct-relu-k2", "dct-modulus-k2", *others}
    run = runs["dct-relu-k2"]
    assert run.info.status == "FINISHED"
    assert run.data.params["activation"] == "relu"
    assert run.data.params["t_burn"] == "2"
    assert run.data.tags["mechcore.cell_id"] == "dct-relu-k2"
    assert len(run.data.tags["mechcore.content_sha256"]) == 64
    assert run.data.tags["mlflow.source.git.dirty"] in {"true", "false", "unknown"}
    assert artifacts_of(tracked, run) == {"cell.json", "preview.png", "dct-relu-k2.nc"}


def test_the_sweep_over_beta_is_a_curve(tracked: Path, client) -> None:  # type: ignore[no-untyped-def]
    store = client(tracked)
    run = next(run for run in runs_of(store) if run.info.run_name == "dct-relu-k2")
    history = store.get_metric_history(run.info.run_id, "delta/speed")
    assert sorted(point.step for point in history) == [0, 250, 500, 750, 1000]
    # Gradient and ReLU at k = 2 move a pixel by half a pixel a layer, to the rounding of a fit.
    last = max(history, key=lambda point: point.step)
    assert last.value == pytest.approx(0.5, abs=1e-12)
    assert {"delta/slope_beta", "delta/r2_celerity", "delta/speed_max"} <= set(run.data.metrics)


def test_a_bank_is_a_run_with_curves_over_its_depth(tracked: Path, client) -> None:  # type: ignore[no-untyped-def]
    store = client(tracked)
    run = next(run for run in runs_of(store) if run.info.run_name == "filters/digits")
    assert run.data.params["trained"] == "True"
    assert run.data.params["layers"] == "3"
    assert "conv1.weight, conv2.weight" in run.data.tags["mlflow.note.content"]
    history = store.get_metric_history(run.info.run_id, "layer/low_frequency_share")
    assert sorted(point.step for point in history) == [0, 1, 2]
    assert {"low_frequency_share", "energy", "relu/speed_median"} <= set(run.data.metrics)
    assert artifacts_of(tracked, run) == {"layers.csv"}


def test_tracking_again_logs_nothing(tracked: Path, client) -> None:  # type: ignore[no-untyped-def]
    before = sorted(run.info.run_id for run in runs_of(client(tracked)))
    assert track(tracked).startswith("0 logged, 5 unchanged, 0 superseded")
    assert sorted(run.info.run_id for run in runs_of(client(tracked))) == before
    assert sorted(json.loads((tracked / "r.json").read_text())["runs"].values()) == before


def test_nothing_lands_in_the_default_experiment(tracked: Path, client) -> None:  # type: ignore[no-untyped-def]
    assert runs_of(client(tracked), "Default") == []


def test_a_changed_cell_supersedes_its_run(tmp_path: Path, client) -> None:  # type: ignore[no-untyped-def]
    finish(tmp_path, CONFIG)
    track(tmp_path)
    finish(tmp_path, CONFIG | {"steps": 9})
    assert track(tmp_path).startswith("3 logged, 0 unchanged, 2 superseded")
    runs = {run.info.run_id: run for run in runs_of(client(tmp_path))}
    old = [run for run in runs.values() if "mechcore.superseded_by" in run.data.tags]
    assert len(runs) == 6
    assert len(old) == 2
    for run in old:
        new = runs[run.data.tags["mechcore.superseded_by"]]
        assert new.data.tags["mechcore.cell_id"] == run.data.tags["mechcore.cell_id"]
        assert new.data.params["steps"] == "9"


def test_the_store_can_be_rebuilt_from_the_files(tracked: Path, tmp_path: Path, client) -> None:  # type: ignore[no-untyped-def]
    def content(folder: Path) -> list[object]:
        found = []
        for run in runs_of(client(folder)):
            data = run.data
            times = (run.info.start_time, run.info.end_time)
            tags = {key: value for key, value in data.tags.items() if key.startswith("mechcore")}
            found.append((run.info.run_name, data.params, data.metrics, tags, times))
        return sorted(found, key=lambda entry: entry[0])

    for name in ("results", "config.yaml"):
        (tmp_path / name).symlink_to(tracked / name)
    track(tmp_path)
    assert content(tmp_path) == content(tracked)


def test_an_interruption_before_the_old_run_was_tagged_is_mended(tmp_path: Path, client) -> None:  # type: ignore[no-untyped-def]
    finish(tmp_path, CONFIG)
    track(tmp_path)
    finish(tmp_path, CONFIG | {"steps": 9})
    track(tmp_path)
    store = client(tmp_path)
    old = next(run for run in runs_of(store) if "mechcore.superseded_by" in run.data.tags)
    store.delete_tag(old.info.run_id, "mechcore.superseded_by")
    assert track(tmp_path).startswith("0 logged, 3 unchanged, 1 superseded")
    assert "mechcore.superseded_by" in store.get_run(old.info.run_id).data.tags


def test_missing_results_open_no_store(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    words = ["track", "--experiment", "config.yaml", "--results", "results"]
    ended = subprocess.run(
        [sys.executable, "-m", "mechcore", *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_a_run_that_was_cut_off_is_logged_anew(tmp_path: Path, client) -> None:  # type: ignore[no-untyped-def]
    finish(tmp_path, CONFIG)
    track(tmp_path)
    store = client(tmp_path)
    run = runs_of(store)[0]
    store.update_run(run.info.run_id, status="RUNNING")
    assert track(tmp_path).startswith("1 logged, 2 unchanged, 0 superseded")
    runs = runs_of(store)
    assert {run.info.status for run in runs} == {"FINISHED"}
