"""What a store of MLflow holds, without what every store makes up anew, such as ids of runs."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Experiment, FileInfo, Run, ViewType

from mechcore.tracking.runs import CONTENT_TAG, SUPERSEDED_TAG
from mechcore.tracking.store import SERVED

Content = dict[str, dict[str, object]]
"""Of each experiment by name: its stage, its tags and its runs."""


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
        return {one.name: _experiment(client, one, folder) for one in _experiments(client)}


def on_server(address: str) -> Content:
    """Return what a server shows."""
    client = MlflowClient(address)
    return {one.name: _experiment(client, one, None) for one in _experiments(client)}


def runs_of(client: MlflowClient, experiment: str) -> list[Run]:
    """Return the runs of an experiment that are not deleted."""
    found = client.get_experiment_by_name(experiment)
    return list(client.search_runs([found.experiment_id], max_results=50_000))


def runs_in(content: Content, experiment: str) -> list[dict[str, object]]:
    """Return the runs of an experiment, in the order of their names."""
    runs = content[experiment]["runs"]
    assert isinstance(runs, list)
    return runs


def artifact_folder(folder: Path, run: Run) -> Path:
    """Return where the artifacts of a run lie, beside the store of a folder."""
    return folder / "mlartifacts" / str(run.info.artifact_uri).removeprefix(SERVED)


def digest(path: Path) -> str:
    """Return the hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _experiments(client: MlflowClient) -> list[Experiment]:
    return list(client.search_experiments(view_type=ViewType.ALL))


def _experiment(
    client: MlflowClient, experiment: Experiment, folder: Path | None
) -> dict[str, object]:
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
) -> dict[str, object]:
    tags = dict(run.data.tags)
    if SUPERSEDED_TAG in tags:
        tags[SUPERSEDED_TAG] = names.get(tags[SUPERSEDED_TAG], "of a run that is not there")
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
    found = [(one.dataset, {tag.key: tag.value for tag in one.tags}) for one in _datasets(run)]
    return sorted(
        ((data.name, data.digest, data.source, tags) for data, tags in found),
        key=lambda one: one[0],
    )


def _datasets(run: Run) -> list:  # type: ignore[type-arg]
    return list(run.inputs.dataset_inputs)


def _beside(folder: Path, run: Run) -> dict[str, str]:
    place = artifact_folder(folder, run)
    return {path.name: digest(path) for path in sorted(place.glob("*"))}


def _on_server(client: MlflowClient, run: Run) -> dict[str, str]:
    with tempfile.TemporaryDirectory() as place:
        files: list[FileInfo] = client.list_artifacts(run.info.run_id)
        found = {
            file.path: client.download_artifacts(run.info.run_id, file.path, place)
            for file in files
        }
        return {name: digest(Path(path)) for name, path in sorted(found.items())}
