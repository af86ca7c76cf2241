"""MLflow: the one module that talks to it."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from filelock import FileLock

from mechcore.errors import MechcoreError, shortened
from mechcore.io.atomic import link_or_copy
from mechcore.io.cache_folder import CACHE, cache_folder
from mechcore.tracking.experiments import OWN_NOTE
from mechcore.tracking.runs import (
    CONTENT_TAG,
    KIND_TAG,
    MAX_TEXT,
    NOTE_TAG,
    PREVIEW,
    SOURCE_TAG,
    SUPERSEDED_TAG,
    TrackedExperiment,
    TrackedRun,
    id_tag,
)
from mechcore.tracking.uri import (
    SQLITE,
    check_writable,
    concealed,
    is_server,
    sqlite_file,
    without_password,
)
from mechcore.tracking.views import is_ours

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Experiment, Run
    from sqlalchemy import ColumnClause

ARTIFACTS = "mlartifacts"

SERVED = "mlflow-artifacts:/"
"""Prefix of artifacts that a server resolves."""

MAX_METRICS = 900
"""Metrics in one request: a store takes 1000 entries, together with the parameters."""

DIGEST_LENGTH = 36
"""Characters of the hash of an input that a store takes."""

DEFAULTS = {
    # MLflow reports its use over the network unless this is switched off.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Its own seven attempts take four minutes to say that a server is down.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    # Two lines for each run, with the password of the server if its address has one.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Settings of MLflow, where the user has made no choice."""


@contextmanager
def open_store(uri: str) -> Iterator[Store]:
    """Open a store for this process alone; a SQLite file is created if it does not exist."""
    check_writable(uri)
    with one_line_errors(uri, "; nothing is lost: run the same command again"), _locked(uri):
        yield Store(uri, _connect(uri))


@dataclass(frozen=True)
class Store:
    """A store of MLflow."""

    uri: str
    client: MlflowClient

    def experiment_id(self, experiment: TrackedExperiment) -> str:
        """Return the id of an experiment, which is created, restored or described as needed."""
        client, name, note = self.client, experiment.name, experiment.note
        stored = client.get_experiment_by_name(name)
        if stored is None:
            location = self._artifact_location(name)
            tags = {NOTE_TAG: note, **experiment.view}
            return str(client.create_experiment(name, location, tags))
        if stored.lifecycle_stage == "deleted":
            client.restore_experiment(stored.experiment_id)
        stored_note = stored.tags.get(NOTE_TAG, "")
        if stored_note != note and (not stored_note or OWN_NOTE in stored_note):
            client.set_experiment_tag(stored.experiment_id, NOTE_TAG, note)
        for tag, view in experiment.view.items():
            kept = stored.tags.get(tag)
            if kept is None or (kept != view and is_ours(kept)):
                client.set_experiment_tag(stored.experiment_id, tag, view)
        return str(stored.experiment_id)

    def search(self, experiments: list[str], condition: str = "") -> Iterator[Run]:
        """Yield the runs of experiments that fulfil a condition; deleted ones never do."""
        token: str | None = ""
        while token is not None:
            page = self.client.search_runs(
                experiments, condition, max_results=1000, page_token=token or None
            )
            yield from page
            token = page.token or None

    def current_runs(self, tag: str, start: str) -> list[Run]:
        """Return the current runs of all experiments in which a tag begins with a text."""
        experiments = [item.experiment_id for item in self.client.search_experiments()]
        current = f"tags.`{tag}` LIKE '{start}%' AND tags.`{SUPERSEDED_TAG}` IS NULL"
        return list(self.search(experiments, current))

    def log(self, experiment_id: str, run: TrackedRun, tags: Mapping[str, str]) -> str:
        """Create a run, fill it and close it."""
        own = {
            SOURCE_TAG: run.source,
            KIND_TAG: run.kind,
            id_tag(run.kind): run.key,
            CONTENT_TAG: run.content_sha256,
        }
        created = self.client.create_run(
            experiment_id,
            start_time=run.started_at,
            tags={**tags, **run.tags, **own},
            run_name=run.name,
        )
        run_id = str(created.info.run_id)
        self._log_numbers(run_id, run)
        if run.inputs:
            datasets = [_dataset(path, sha256) for path, sha256 in run.inputs.items()]
            self.client.log_inputs(run_id, datasets)
        self._log_files(created, run)
        self.client.set_tag(run_id, NOTE_TAG, _note(run, run_id))
        self.client.set_terminated(run_id, run.status, end_time=run.finished_at)
        return run_id

    def fetch(self, run: Run, name: str, folder: Path) -> None:
        """Copy an artifact into a folder."""
        local = self._artifact_folder(run)
        if local is not None:
            shutil.copy2(local / name, folder)
        else:
            self.client.download_artifacts(run.info.run_id, name, str(folder))

    def _log_numbers(self, run_id: str, run: TrackedRun) -> None:
        from mlflow.entities import Metric, Param

        params = [Param(name, str(value)) for name, value in run.params.items()]
        # For infinities and NaN a store would keep a wrong number.
        metrics = [
            Metric(name, value, run.finished_at, step)
            for name, value, step in run.metrics
            if math.isfinite(value)
        ]
        self.client.log_batch(run_id, metrics[:MAX_METRICS], params)
        for start in range(MAX_METRICS, len(metrics), MAX_METRICS):
            self.client.log_batch(run_id, metrics[start : start + MAX_METRICS])

    def _log_files(self, created: Run, run: TrackedRun) -> None:
        if not (run.files or run.texts):
            return
        local = self._artifact_folder(created)
        if local is not None:
            _put(run, local)
            return
        with tempfile.TemporaryDirectory() as folder:
            _put(run, Path(folder))
            self.client.log_artifacts(created.info.run_id, folder)

    def _artifact_location(self, experiment: str) -> str | None:
        """Where MLflow finds artifacts: beside a SQLite file also without a server."""
        if is_server(self.uri):
            return None
        if sqlite_file(self.uri) is None:
            return f"{SERVED}{experiment}"
        return (artifacts_folder(self.uri) / experiment).as_uri()

    def _artifact_folder(self, run: Run) -> Path | None:
        """The folder of the artifacts of a run, unless a server keeps them."""
        location = str(run.info.artifact_uri)
        if is_server(self.uri):
            return None
        if location.startswith("file:"):
            return Path(url2pathname(urlsplit(location).path))
        known = location.startswith(SERVED)
        return artifacts_folder(self.uri) / location.removeprefix(SERVED) if known else None


def experiment_ids(uri: str) -> dict[str, str]:
    """Return MLflow's ids of the experiments of a store."""
    return {item.name: str(item.experiment_id) for item in stored_experiments(uri)}


def stored_experiments(uri: str) -> list[Experiment]:
    """Return the experiments of a store, which another process may be writing."""
    with one_line_errors(uri):
        return list(_connect(uri).search_experiments())


@contextmanager
def one_line_errors(uri: str, advice: str = "") -> Iterator[None]:
    """Raise what a store complains of as one line, without the password of the store."""
    # Before MLflow is imported.
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    shown = without_password(uri)
    try:
        yield
    except MechcoreError:
        raise
    # An ImportError: the driver of a database that is not installed. A ValueError: an address that
    # cannot be parsed.
    except (MlflowException, RequestException, SQLAlchemyError, ImportError, ValueError) as error:
        # MLflow's messages leave out a slash at the end.
        reason = " ".join(str(error).split()).replace(uri.rstrip("/"), shown.rstrip("/"))
        reason = concealed(reason, uri)
        raise MechcoreError(f"store {shown}: {shortened(reason, 300)}{advice}") from error


def artifacts_folder(uri: str) -> Path:
    """Return the folder of the artifacts of a store that no server keeps."""
    file = sqlite_file(uri)
    return (file.parent if file else Path.cwd()) / ARTIFACTS


def reach_database(uri: str) -> None:
    """Connect once, where MLflow would try ten times, with a page of warnings each."""
    from sqlalchemy import create_engine

    engine = create_engine(uri)
    engine.connect().close()
    engine.dispose()


@contextmanager
def _locked(uri: str) -> Iterator[None]:
    """Let one process of this machine write: two would log everything twice."""
    lock = _lock_file(uri)
    try:
        # Where this fails, filelock may wait for ever.
        lock.touch()
    except OSError as error:
        raise MechcoreError(
            f"store {without_password(uri)}: {lock} cannot be written: {error.strerror}"
        ) from error
    with FileLock(lock):
        yield


def _lock_file(uri: str) -> Path:
    """Beside a file; for a server where only this user writes, so that nobody else holds it."""
    file = sqlite_file(uri)
    if file is not None:
        return Path(f"{file}.lock")
    folder = cache_folder("locks")
    if folder is None:
        raise MechcoreError(f"no folder can be written for a lock: set {CACHE} to one")
    return folder / hashlib.sha256(without_password(uri).encode()).hexdigest()[:16]


def _connect(uri: str) -> MlflowClient:
    from mlflow import MlflowClient

    file = sqlite_file(uri)
    if file is not None:
        _create_database(file)
        _find_artifacts(uri)
    elif not is_server(uri):
        reach_database(uri)
    return MlflowClient(uri)


def _create_database(file: Path) -> None:
    """Create a store in one step: MLflow cannot continue with one that was half migrated."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    if file.exists() and file.stat().st_size > 0:
        return
    draft = file.with_name(f"{file.name}.draft")
    for name in (draft.name, f"{draft.name}-journal"):
        file.with_name(name).unlink(missing_ok=True)
    store = SqlAlchemyStore(f"{SQLITE}{draft}", SERVED)  # type: ignore[no-untyped-call]
    store.engine.dispose()
    draft.replace(file)


def _find_artifacts(uri: str) -> None:
    """Name the artifacts of a store that was moved, or is of an earlier version, where they are.

    MLflow keeps absolute addresses, and has no way to change them.
    """
    from sqlalchemy import (
        and_,
        column,
        create_engine,
        func,
        inspect,
        literal,
        select,
        table,
        update,
    )

    here = f"{artifacts_folder(uri).as_uri()}/"
    engine = create_engine(uri)
    for name, field in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
        if not inspect(engine).has_table(name):
            continue
        address: ColumnClause[str] = column(field)
        for known in (SERVED, f"/{ARTIFACTS}/"):
            start = func.instr(address, known)
            moved = and_(start > 0, func.instr(address, here) != 1)
            where_it_is = literal(here).concat(func.substr(address, start + len(known)))
            with engine.begin() as connection:
                # An UPDATE waits for whoever is writing, even if it changes nothing.
                if connection.execute(
                    select(address).select_from(table(name)).where(moved)
                ).first():
                    rows = table(name, address)
                    connection.execute(update(rows).values({field: where_it_is}).where(moved))
    engine.dispose()


def _note(run: TrackedRun, run_id: str) -> str:
    """The description of a run, which begins with its picture."""
    picture = f"![](get-artifact?path={PREVIEW}&run_uuid={run_id})\n\n" if run.draw else ""
    return picture + run.note[:MAX_TEXT]


def _dataset(path: Path, sha256: str) -> DatasetInput:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"uri": str(path)})
    dataset = Dataset(path.name, sha256[:DIGEST_LENGTH], "local", source)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "results")])


def _put(run: TrackedRun, folder: Path) -> None:
    """Put the artifacts of a run into a folder.

    Results are replaced, never changed, so that a link to them is enough.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in run.files:
        link_or_copy(path, folder / path.name)
    for name, text in run.texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    if run.draw is not None:
        run.draw(folder)
