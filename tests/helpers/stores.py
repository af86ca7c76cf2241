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
from mlflow.entities import DatasetInput, Experiment, FileInfo, Run, ViewType

from mechcore.tracking.runs import CONTENT_TAG, SUPERSEDED_TAG
from mechcore.tracking.store import SERVED

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
        return {item.name: _experiment(client, item, folder) for item in _experiments(client)}


def on_server(address: str) -> Content:
    """Return what a server shows."""
    client = MlflowClient(address)
    return {item.name: _experiment(client, item, None) for item in _experiments(client)}


def runs_of(client: MlflowClient, experiment: str) -> list[Run]:
    """Return the runs of an experiment that are not deleted."""
    return list(client.search_runs([experiment_id(client, experiment)], max_results=50_000))


def run_named(folder: Path, name: str) -> dict[str, Any]:
    """Return the only run of a name in the experiment of `trackers.CONFIG`."""
    [run] = [run for run in in_folder(folder)["tiny"]["runs"] if run["name"] == name]
    return dict(run)


def by_hand(folder: Path, change: Callable[[MlflowClient], None]) -> None:
    """Change the store of a folder as its pages do."""
    with opened(folder) as client:
        change(client)
        shutil.copyfile(client.tracking_uri.removeprefix("sqlite:///"), folder / "mlflow.db")


def experiment_id(client: MlflowClient, experiment: str) -> str:
    """Return the id of an experiment."""
    return str(client.get_experiment_by_name(experiment).experiment_id)


def artifact_folder(folder: Path, run: Run) -> Path:
    """Return the folder of the artifacts of a run, beside the store of a folder."""
    return folder / "mlartifacts" / str(run.info.artifact_uri).removeprefix(SERVED)


def digest(path: Path) -> str:
    """Return the hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _experiments(client: MlflowClient) -> list[Experiment]:
    return list(client.search_experiments(view_type=ViewType.ALL))


def _experiment(
    client: MlflowClient, experiment: Experiment, folder: Path | None
) -> dict[str, Any]:
    runs = runs_of(client, experiment.name)
    names = {run.info.run_id: _name(run) for run in runs}
    found = [_run(client, run, names, folder) for run in runs]
    return {
        "stage": experiment.lifecycle_stage,
        "tags": experiment.tags,
        "runs": sorted(found, key=str),
    }


def _name(run: Run) -> str:
    return f"{run.info.run_name} {run.data.tags.get(CONTENT_TAG)}"


def _run(
    client: MlflowClient, run: Run, names: Mapping[str, str], folder: Path | None
) -> dict[str, Any]:
    tags = dict(run.data.tags)
    if SUPERSEDED_TAG in tags:
        tags[SUPERSEDED_TAG] = names.get(tags[SUPERSEDED_TAG], "a run that does not exist")
    return {
        "name": run.info.run_name,
        "status": run.info.status,
        "times": (run.info.start_time, run.info.end_time),
        "params": run.data.params,
        "metrics": {name: _history(client, run, name) for name in sorted(run.data.metrics)},
        "tags": tags,
        "inputs": _inputs(run),
        "artifacts": _on_server(client, run) if folder is None else _beside(folder, run),
    }


def _history(client: MlflowClient, run: Run, metric: str) -> list[tuple[int, float, int]]:
    points = client.get_metric_history(run.info.run_id, metric)
    return sorted((point.step, point.value, point.timestamp) for point in points)


def _inputs(run: Run) -> list[tuple[str, str, str, dict[str, str]]]:
    inputs = [
        (item.dataset.name, item.dataset.digest, item.dataset.source, _tags(item))
        for item in run.inputs.dataset_inputs
    ]
    return sorted(inputs, key=lambda item: item[0])


def _tags(item: DatasetInput) -> dict[str, str]:
    return {tag.key: tag.value for tag in item.tags}


def _beside(folder: Path, run: Run) -> dict[str, str]:
    return {path.name: digest(path) for path in sorted(artifact_folder(folder, run).glob("*"))}


def _on_server(client: MlflowClient, run: Run) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as place:
        files: list[FileInfo] = client.list_artifacts(run.info.run_id)
        found = {
            file.path: client.download_artifacts(run.info.run_id, file.path, place)
            for file in files
        }
        return {name: digest(Path(path)) for name, path in sorted(found.items())}
