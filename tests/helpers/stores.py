"""What a store of MLflow holds, without what differs from store to store, such as ids of runs."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run, ViewType

from mechcore.tracking.runs import CONTENT_TAG, SUPERSEDED_TAG

Content = dict[str, Any]
"""Stage, tags and runs of each experiment, by its name."""


@contextmanager
def opened(folder: Path) -> Iterator[MlflowClient]:
    """Open a copy of the store in a folder: an engine, once made, never looks for a new file."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name) / "mlflow.db"
        shutil.copyfile(folder / "mlflow.db", copy)
        yield MlflowClient(f"sqlite:///{copy}")


def in_folder(folder: Path) -> Content:
    """Return what the SQLite store of a folder holds, with the artifacts beside it."""
    with opened(folder) as client:
        return _content(client, folder)


def on_server(address: str) -> Content:
    return _content(MlflowClient(address), None)


def runs_of(client: MlflowClient, experiment: str) -> list[Run]:
    return list(client.search_runs([experiment_id(client, experiment)], max_results=50_000))


def run_named(folder: Path, name: str) -> dict[str, Any]:
    """Return the only run of a name in the experiment of `trackers.CONFIG`."""
    [run] = [run for run in in_folder(folder)["tiny"]["runs"] if run["name"] == name]
    return dict(run)


def by_hand(folder: Path, change: Callable[[MlflowClient], None]) -> None:
    with opened(folder) as client:
        change(client)
        shutil.copyfile(client.tracking_uri.removeprefix("sqlite:///"), folder / "mlflow.db")


def experiment_id(client: MlflowClient, experiment: str) -> str:
    return str(client.get_experiment_by_name(experiment).experiment_id)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _content(client: MlflowClient, folder: Path | None) -> Content:
    content: Content = {}
    for experiment in client.search_experiments(view_type=ViewType.ALL):
        runs = runs_of(client, experiment.name)
        names = {
            run.info.run_id: f"{run.info.run_name} {run.data.tags.get(CONTENT_TAG)}" for run in runs
        }
        content[experiment.name] = {
            "stage": experiment.lifecycle_stage,
            "tags": experiment.tags,
            "runs": sorted((_run(client, run, names, folder) for run in runs), key=str),
        }
    return content


def _run(
    client: MlflowClient, run: Run, names: Mapping[str, str], folder: Path | None
) -> dict[str, Any]:
    tags = {name: text.replace(run.info.run_id, "this run") for name, text in run.data.tags.items()}
    if SUPERSEDED_TAG in tags:
        tags[SUPERSEDED_TAG] = names.get(tags[SUPERSEDED_TAG], "a run that does not exist")
    inputs = [
        (item.dataset.name, item.dataset.digest, item.dataset.source, str(item.tags))
        for item in run.inputs.dataset_inputs
    ]
    return {
        "name": run.info.run_name,
        "status": run.info.status,
        "times": (run.info.start_time, run.info.end_time),
        "params": run.data.params,
        "metrics": {name: _history(client, run, name) for name in sorted(run.data.metrics)},
        "tags": tags,
        "inputs": sorted(inputs),
        "artifacts": _artifacts(client, run, folder),
    }


def _history(client: MlflowClient, run: Run, metric: str) -> list[tuple[int, float, int]]:
    points = client.get_metric_history(run.info.run_id, metric)
    return sorted((point.step, point.value, point.timestamp) for point in points)


def _artifacts(client: MlflowClient, run: Run, folder: Path | None) -> dict[str, str]:
    """Hashes by name of the artifacts beside the store of a folder, or of those on a server."""
    if folder is not None:
        kept = folder / "mlartifacts" / str(run.info.artifact_uri).partition("/mlartifacts/")[2]
        return {path.name: digest(path) for path in sorted(kept.glob("*"))}
    with tempfile.TemporaryDirectory() as target:
        names = sorted(file.path for file in client.list_artifacts(run.info.run_id))
        fetch = client.download_artifacts
        return {name: digest(Path(fetch(run.info.run_id, name, target))) for name in names}
