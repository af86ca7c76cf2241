"""MLflow: the one module that knows it. A store is a view of the files and can be rebuilt."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from filelock import FileLock

from mechcore.errors import MechcoreError
from mechcore.io.atomic import link_or_copy
from mechcore.tracking.disks import network_disk
from mechcore.tracking.runs import (
    CONTENT_TAG,
    KIND_TAG,
    NOTE_TAG,
    SUPERSEDED_TAG,
    Description,
    Input,
    Study,
    TrackedRun,
)
from mechcore.tracking.views import is_edited

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput, Run

DATABASE = "mlflow.db"
"""Name of the default store, in the folder that the command runs in."""

SQLITE = "sqlite:///"

ARTIFACTS = "mlartifacts"
"""Name of the folder of artifacts beside a store that no server of its own stands before."""

SERVED = "mlflow-artifacts:/"
"""Begins the places of artifacts that the server of a store finds wherever its folder lies: an
absolute path would show nothing once the folder has moved."""

DESCRIBED_TAG = "mechcore.note_sha256"
"""Hash of the description that we gave an experiment: one that a person wrote is left alone."""

ENOUGH = 150
"""Characters at both ends of a message."""

MOST_AT_ONCE = 900
"""Metrics in one request: a store takes 1000 entries, with the params."""

QUIET = {
    # MLflow reports its use over the network unless told not to, before it is imported.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # Its own seven attempts take four minutes to say that a server is down.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    # Two lines for each run, with the password of the server if its address has one.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Settings of MLflow, where the user has made no choice."""


def tracking_uri() -> str:
    """Return the store: ``MLFLOW_TRACKING_URI``, or a SQLite file in the current folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{Path.cwd() / DATABASE}"


def without_password(uri: str) -> str:
    """Return a URI that may be shown and kept.

    Examples
    --------
    >>> without_password("postgresql://ada:secret@db:5432/mlflow")
    'postgresql://db:5432/mlflow'
    """
    scheme, mark, place = uri.partition("://")
    if not mark or uri.startswith(SQLITE):
        return uri
    # Up to the last @: a password may hold any sign. A query may name it as well.
    return f"{scheme}://{place.rpartition('@')[2].partition('?')[0]}"


class Store:
    """A store of MLflow, opened for one process at a time."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.shown = without_password(uri)
        self._lock = _lock(uri)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(explained(self.uri, "; nothing is lost: the same command goes on"))
            self._acquire()
            stack.callback(self._lock.release)
            self._client = connect(self.uri)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def _acquire(self) -> None:
        """Wait for the lock; where its file cannot be made, filelock may wait for ever."""
        try:
            Path(self._lock.lock_file).touch()
            self._lock.acquire()
        except OSError as error:
            reason = f"{self._lock.lock_file} cannot be written: {error.strerror}"
            raise MechcoreError(f"store {self.shown}: {reason}") from error

    def experiment(self, study: Study) -> str:
        """Return the id of an experiment, which is made, described or restored if need be."""
        from mlflow.exceptions import MlflowException

        client = self._client
        found = client.get_experiment_by_name(study.name)
        if found is None:
            # Another machine may make it in the same moment.
            with suppress(MlflowException):
                client.create_experiment(
                    study.name, None if is_server(self.uri) else f"{SERVED}{study.name}"
                )
            found = client.get_experiment_by_name(study.name)
            if found is None:
                raise MechcoreError(f"{self.shown}: experiment {study.name} cannot be made")
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        self._describe(found.experiment_id, found.tags, study.note)
        for name, view in study.views.items():
            there = found.tags.get(name)
            if there is None or (there != view and not is_edited(there)):
                client.set_experiment_tag(found.experiment_id, name, view)
        return str(found.experiment_id)

    def runs(self, experiment_id: str) -> list[Run]:
        """Return all runs of an experiment that are not deleted."""
        return list(self._search([experiment_id], ""))

    def log(
        self,
        experiment_id: str,
        run: TrackedRun,
        tags: Mapping[str, str],
        pictures: Callable[[], Path | None],
    ) -> str:
        """Make a run, fill it and close it."""
        found = run.describe()
        key, value = run.identity
        own = {KIND_TAG: run.kind, key: value, CONTENT_TAG: run.content_sha256}
        made = self._client.create_run(
            experiment_id,
            start_time=run.started_at,
            tags={**found.tags, **tags, **own},
            run_name=run.name,
        )
        self._fill(made.info.run_id, run.finished_at, found)
        self._keep(made, found.files, found.texts)
        drawn = pictures()
        if drawn is not None:
            self._keep(made, sorted(drawn.iterdir()), {})
        self._client.set_terminated(made.info.run_id, run.status, end_time=run.finished_at)
        return str(made.info.run_id)

    def delete(self, run_id: str) -> None:
        """Delete a run; MLflow keeps it among the deleted ones."""
        self._client.delete_run(run_id)

    def tag(self, run_id: str, name: str, value: str) -> None:
        """Set a tag of a run."""
        self._client.set_tag(run_id, name, value)

    def find(self, tag: str, start: str) -> list[Run]:
        """Return the current runs, in any experiment, whose tag begins with a text."""
        experiments = [one.experiment_id for one in self._client.search_experiments()]
        return list(
            self._search(
                experiments, f"tags.`{tag}` LIKE '{start}%' AND tags.`{SUPERSEDED_TAG}` IS NULL"
            )
        )

    def fetch(self, run: Run, name: str, folder: Path) -> None:
        """Copy an artifact."""
        beside = self._beside(run)
        if beside is not None:
            shutil.copy2(beside / name, folder)
        else:
            self._client.download_artifacts(run.info.run_id, name, str(folder))

    def _search(self, experiments: list[str], condition: str) -> Iterator[Run]:
        token: str | None = None
        while True:
            page = self._client.search_runs(
                experiments, condition, max_results=1000, page_token=token
            )
            yield from page
            token = page.token
            if not token:
                return

    def _describe(self, experiment_id: str, tags: Mapping[str, str], note: str) -> None:
        there, known = tags.get(NOTE_TAG, ""), tags.get(DESCRIBED_TAG, "")
        old, new = (hashlib.sha256(text.encode()).hexdigest() for text in (there, note))
        if (there and old not in known.split()) or (there, known) == (note, new):
            return
        # Both in between: after an interruption either description is known to be ours.
        steps = [(DESCRIBED_TAG, f"{old} {new}"), (NOTE_TAG, note), (DESCRIBED_TAG, new)]
        for name, value in steps:
            self._client.set_experiment_tag(experiment_id, name, value)

    def _fill(self, run_id: str, when: int, found: Description) -> None:
        from mlflow.entities import Metric, Param

        params = [Param(name, str(value)) for name, value in found.params.items()]
        metrics = [Metric(name, value, when, step) for name, value, step in found.metrics]
        self._client.log_batch(run_id, metrics[:MOST_AT_ONCE], params)
        for start in range(MOST_AT_ONCE, len(metrics), MOST_AT_ONCE):
            self._client.log_batch(run_id, metrics[start : start + MOST_AT_ONCE])
        if found.inputs:
            self._client.log_inputs(run_id, [_dataset(one) for one in found.inputs])

    def _keep(self, run: Run, files: Sequence[Path], texts: Mapping[str, str]) -> None:
        """Store files: into the folder beside a store without a server, else by the server."""
        if not files and not texts:
            return
        beside = self._beside(run)
        if beside is not None:
            _place(files, texts, beside)
            return
        with tempfile.TemporaryDirectory() as folder:
            _place(files, texts, Path(folder))
            self._client.log_artifacts(run.info.run_id, folder)

    def _beside(self, run: Run) -> Path | None:
        """The folder of the artifacts of a run, unless a server keeps them."""
        place = str(run.info.artifact_uri)
        if is_server(self.uri) or not place.startswith(SERVED):
            return None
        file = sqlite_file(self.uri)
        folder = file.parent if file else Path.cwd()
        return folder / ARTIFACTS / place.removeprefix(SERVED)


def connect(uri: str) -> MlflowClient:
    """Return a client of a store; a SQLite store that is not there is made."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    file = sqlite_file(uri)
    if file is not None:
        _make_database(file)
    elif not is_server(uri):
        _try_database(uri)
    return MlflowClient(uri)


@contextmanager
def explained(uri: str, more: str = "") -> Iterator[None]:
    """Tell what a store says in one line, without its password."""
    try:
        yield
    except Exception as error:
        if not _is_of_a_store(error):
            raise
        raise MechcoreError(
            f"store {without_password(uri)}: {_shortened(uri, error)}{more}"
        ) from error


def _is_of_a_store(error: Exception) -> bool:
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    # An ImportError: the driver of a database that is not installed.
    return isinstance(error, (MlflowException, RequestException, SQLAlchemyError, ImportError))


def _shortened(uri: str, error: Exception) -> str:
    reason = " ".join(str(error).split())
    # MLflow leaves out a slash at the end.
    for secret in (uri, uri.rstrip("/")):
        reason = reason.replace(secret, without_password(uri))
    if len(reason) > 2 * ENOUGH:
        return f"{reason[:ENOUGH]} ... {reason[-ENOUGH:]}"
    return reason


def is_server(uri: str) -> bool:
    """Tell whether a store is a server that runs already.

    Examples
    --------
    >>> is_server("http://tracking:5000"), is_server("sqlite:///mlflow.db")
    (True, False)
    """
    return urlsplit(uri).scheme in ("http", "https")


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite store.

    Examples
    --------
    >>> sqlite_file("sqlite:///mlflow.db").name, sqlite_file("http://tracking:5000")
    ('mlflow.db', None)
    """
    place = uri.removeprefix(SQLITE)
    kept = uri.startswith(SQLITE) and place not in ("", ":memory:")
    return Path(place).absolute() if kept else None


def check_there(uri: str) -> None:
    """Refuse a store that is not there, where one is only read."""
    file = sqlite_file(uri)
    if file is None:
        _check_kind(uri)
    elif not file.is_file():
        raise MechcoreError(f"store {uri}: no such file; mechcore track writes one, as does make")


def _check_kind(uri: str) -> None:
    # A SQLite without a file keeps nothing.
    if urlsplit(uri).scheme in ("", "file", "sqlite"):
        raise MechcoreError(
            f"store {without_password(uri)}: expected sqlite:///FILE, http://SERVER or the URI of "
            "a database"
        )


def _lock(uri: str) -> FileLock:
    """Lets one process of this machine write: two would log everything twice."""
    file = sqlite_file(uri)
    if file is not None:
        _check_disk(uri, file)
        return FileLock(f"{file}.lock")
    _check_kind(uri)
    name = hashlib.sha256(uri.encode()).hexdigest()[:16]
    return FileLock(Path(tempfile.gettempdir()) / f"mechcore-{name}.lock")


def _check_disk(uri: str, file: Path) -> None:
    if not file.parent.is_dir():
        raise MechcoreError(f"store {uri}: no folder {file.parent}")
    if file.exists() and not (file.is_file() and os.access(file, os.W_OK)):
        raise MechcoreError(f"store {uri}: {file} is no file that can be written")
    # The file may be a link to one on another disk.
    kind = network_disk(file.resolve().parent)
    if kind is not None:
        raise MechcoreError(
            f"store {uri}: lies on a network disk ({kind}), where the locks of SQLite do not hold; "
            "set MLFLOW_TRACKING_URI to a server, or to sqlite:///FILE on a disk of this machine"
        )


def _make_database(file: Path) -> None:
    """Make a store whole or not at all: MLflow cannot go on with one that was half migrated."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    if file.exists() and file.stat().st_size > 0:
        return
    draft = file.with_name(f"{file.name}.draft")
    for name in (draft.name, f"{draft.name}-journal"):
        file.with_name(name).unlink(missing_ok=True)
    store = SqlAlchemyStore(f"{SQLITE}{draft}", SERVED)  # type: ignore[no-untyped-call]
    store.engine.dispose()
    draft.replace(file)


def _try_database(uri: str) -> None:
    """Find out at once what MLflow would try ten times, with a page of warnings each."""
    from sqlalchemy import create_engine

    engine = create_engine(uri)
    engine.connect().close()
    engine.dispose()


def _dataset(made_of: Input) -> DatasetInput:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"uri": str(made_of.path)})
    dataset = Dataset(made_of.name, made_of.digest, "local", source)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "results")])


def _place(files: Sequence[Path], texts: Mapping[str, str], folder: Path) -> None:
    """Put files into a folder; results are replaced, never changed, so that a link is enough."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in files:
        target = folder / path.name
        target.unlink(missing_ok=True)
        link_or_copy(path, target)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
