"""MLflow: the one module that knows it. The store is a view of the files and can be rebuilt."""

from __future__ import annotations

import itertools
import json
import math
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from mechcore.config import Experiment
from mechcore.provenance import git_commit, git_is_dirty
from mechcore.storage import replace_file
from mechcore.tracked import Description, TrackedRun
from mechcore.tracked_banks import BANK_TAG, tracked_banks
from mechcore.tracked_cells import CELL_TAG, tracked_cells

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

DATABASE = "mlflow.db"
"""Name of the default store, in the folder that the command runs in."""

SQLITE = "sqlite:///"

ARTIFACTS = "mlartifacts"
"""Name of the folder of artifacts beside a SQLite store."""

SERVED = "mlflow-artifacts:/"
"""Begins the places of artifacts that the server of a store finds wherever its folder lies: an
absolute path would show nothing once the folder has moved."""

CONTENT_TAG = "mechcore.content_sha256"
SUPERSEDED_TAG = "mechcore.superseded_by"

MOST_AT_ONCE = 900
"""Metrics in one request: a store takes 1000 entries, with the params."""

IDENTITIES = (CELL_TAG, BANK_TAG)
"""A run that has none of these tags is not ours."""

Known = dict[tuple[str, str], list["Run"]]
"""Finished runs by the tag that identifies them."""


@dataclass(frozen=True)
class Receipt:
    """What tracking did.

    Parameters
    ----------
    uri : str
        The store.
    experiment_id : str
        MLflow's id of the experiment.
    runs : mapping of str to str
        Current run id of every cell and bank.
    logged, unchanged, superseded : int
        New runs, those that were there already, and old runs that a new one replaces.
    """

    uri: str
    experiment_id: str
    runs: Mapping[str, str]
    logged: int
    unchanged: int
    superseded: int


def tracking_uri() -> str:
    """Return the store: ``MLFLOW_TRACKING_URI``, or a SQLite file in the current folder.

    Returns
    -------
    str
        A URI for MLflow.
    """
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{Path.cwd() / DATABASE}"


def track(experiment: Experiment, results: Path) -> Receipt:
    """Log every finished cell and every bank of an experiment once.

    Parameters
    ----------
    experiment : Experiment
        The configuration.
    results : Path
        Folder of its results.

    Returns
    -------
    Receipt
        The runs. What is in the store already with the same content is left alone; what changed
        gets a new run, and the old one a tag with the id of the new.

    Raises
    ------
    MechcoreError
        If a result is missing or damaged.
    """
    # MLflow reports its use over the network unless told not to, before it is imported.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    uri = tracking_uri()
    cells, banks = tracked_cells(experiment, results), tracked_banks(experiment, results)
    with _store_lock(uri):
        client = MlflowClient(uri)
        experiment_id = _experiment_id(client, experiment, ours=uri.startswith(SQLITE))
        known = _finished_runs(client, experiment_id, ours=uri.startswith(SQLITE))
        log = partial(_log, client, uri, experiment_id, _origin())
        runs: dict[str, str] = {}
        logged = superseded = 0
        for run in itertools.chain(cells, banks):
            old = known.get(run.identity, [])
            current = [
                one.info.run_id
                for one in old
                if one.data.tags.get(CONTENT_TAG) == run.content_sha256
            ]
            if not current:
                current = [log(run)]
                logged += 1
            runs[run.name] = current[0]
            # Also after an interruption, which may have left a run and its successor side by side.
            superseded += _supersede(client, old, runs[run.name])
    return Receipt(uri, experiment_id, runs, logged, len(runs) - logged, superseded)


def write_receipt(receipt: Receipt, path: Path) -> None:
    """Write a receipt as JSON.

    Parameters
    ----------
    receipt : Receipt
        What `track` returned.
    path : Path
        The file.
    """
    text = json.dumps(asdict(receipt), indent=2) + "\n"
    replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def _store_lock(uri: str) -> AbstractContextManager[object]:
    """Two processes that open a new SQLite store at once fail in its migration."""
    if not uri.startswith(SQLITE):
        return nullcontext()
    return FileLock(uri.removeprefix(SQLITE) + ".lock")


def _experiment_id(client: MlflowClient, experiment: Experiment, *, ours: bool) -> str:
    name = experiment.experiment
    found = client.get_experiment_by_name(name)
    if found is None:
        return str(client.create_experiment(name, f"{SERVED}{name}" if ours else None))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _finished_runs(client: MlflowClient, experiment_id: str, *, ours: bool) -> Known:
    """Current runs by what identifies them.

    An unfinished run in a store of ours, which is locked, was cut off by a crash: it is deleted and
    logged anew. On a server it may be one that somebody else is writing.
    """
    found: Known = {}
    token: str | None = None
    while True:
        page = client.search_runs([experiment_id], max_results=1000, page_token=token)
        for run in page:
            tags = run.data.tags
            identity = next(((tag, tags[tag]) for tag in IDENTITIES if tag in tags), None)
            if identity is None or SUPERSEDED_TAG in tags:
                continue
            if run.info.status == "FINISHED":
                found.setdefault(identity, []).append(run)
            elif ours:
                client.delete_run(run.info.run_id)
        token = page.token
        if not token:
            return found


def _log(
    client: MlflowClient, uri: str, experiment_id: str, origin: dict[str, str], run: TrackedRun
) -> str:
    """Make a run and close it."""
    from mlflow.entities import Metric, Param

    found, when = run.describe(), run.finished_at
    tags = found.tags | origin | dict([run.identity, (CONTENT_TAG, run.content_sha256)])
    made = client.create_run(experiment_id, start_time=when, tags=tags, run_name=run.name)
    run_id = str(made.info.run_id)
    params = [Param(name, str(value)) for name, value in found.params.items()]
    metrics = [
        Metric(name, value, when, step)
        for name, value, step in found.metrics
        if math.isfinite(value)
    ]
    client.log_batch(run_id, metrics[:MOST_AT_ONCE], params)
    for start in range(MOST_AT_ONCE, len(metrics), MOST_AT_ONCE):
        client.log_batch(run_id, metrics[start : start + MOST_AT_ONCE])
    _log_artifacts(client, uri, made, found)
    client.set_terminated(run_id, "FINISHED", end_time=when)
    return run_id


def _log_artifacts(client: MlflowClient, uri: str, run: Run, found: Description) -> None:
    """Store what a run shows as files: into the folder beside a store of ours, else by MLflow."""
    place = str(run.info.artifact_uri)
    if uri.startswith(SQLITE) and place.startswith(SERVED):
        beside = Path(uri.removeprefix(SQLITE)).parent / ARTIFACTS
        folder = beside / place.removeprefix(SERVED)
        folder.mkdir(parents=True, exist_ok=True)
        found.write(folder)
        for path in found.files:
            shutil.copy2(path, folder)
        return
    for path in found.files:
        client.log_artifact(run.info.run_id, str(path))
    with tempfile.TemporaryDirectory() as drawn:
        found.write(Path(drawn))
        client.log_artifacts(run.info.run_id, drawn)


def _supersede(client: MlflowClient, old: list[Run], new_id: str) -> int:
    replaced = [run.info.run_id for run in old if run.info.run_id != new_id]
    for run_id in replaced:
        client.set_tag(run_id, SUPERSEDED_TAG, new_id)
    return len(replaced)


def _origin() -> dict[str, str]:
    """Tags that tell the code; git takes its time, and all runs of a call have the same."""
    commit, dirty = git_commit(), git_is_dirty()
    return {
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": commit or "unknown",
        "mlflow.source.git.dirty": "unknown" if dirty is None else str(dirty).lower(),
    }
