"""Servers of the tests: what was written outlives a killed server, and nothing outlives a test."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
import servers
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

CREDENTIALS = ("somebody", "per%cent & twelve")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    # By default a client tries for minutes to reach a server that is gone.
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for name in ("TOKEN", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"MLFLOW_TRACKING_{name}", raising=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[servers.Server]:
    """A server on each of the two stores."""
    with ExitStack() as stack:
        backend = None
        if request.param == "postgresql":
            backend = stack.enter_context(servers.postgres(tmp_path))
        yield stack.enter_context(servers.mlflow_server(tmp_path, backend))


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def folder_of(backend: str) -> Path:
    """Where a database lies, as it says itself."""
    with closing(psycopg2.connect(backend)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        return Path(cursor.fetchone()[0])


def test_a_run_outlives_a_killed_server(server: servers.Server, tmp_path: Path) -> None:
    store = MlflowClient(server.address)
    run = store.create_run(store.create_experiment("lasting")).info.run_id
    store.log_metric(run, "speed", 0.5)
    store.log_text(run, "of the run", "note.txt")
    server.kill()
    assert not listens(server.port)
    with pytest.raises(MlflowException, match="refused"):
        store.get_run(run)
    server.restart()
    assert store.get_run(run).data.metrics == {"speed": 0.5}
    down = store.download_artifacts(run, "note.txt", str(tmp_path))
    assert Path(down).read_text() == "of the run"


def test_credentials_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with servers.mlflow_server(tmp_path, credentials=CREDENTIALS) as server:
        store = MlflowClient(server.address)
        with pytest.raises(MlflowException, match="401"):
            store.create_experiment("guarded")
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", CREDENTIALS[0])
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "something else")
        with pytest.raises(MlflowException, match="401"):
            store.create_experiment("guarded")
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", CREDENTIALS[1])
        assert store.create_experiment("guarded")


def test_a_failing_test_leaves_nothing_behind(tmp_path: Path) -> None:
    with ExitStack() as stack:
        stack.enter_context(pytest.raises(ZeroDivisionError))
        backend = stack.enter_context(servers.postgres(tmp_path))
        server = stack.enter_context(servers.mlflow_server(tmp_path, backend))
        folder = folder_of(backend)
        ports = [server.port, urlsplit(backend).port]
        assert folder.is_relative_to(tempfile.gettempdir())
        assert all(listens(port) for port in ports)
        raise ZeroDivisionError
    assert not any(listens(port) for port in ports)
    assert not folder.parent.exists()
    assert "database system is shut down" in (tmp_path / "postgres.log").read_text()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    nowhere = servers.mlflow_server(tmp_path, "nonsense://nowhere")
    with pytest.raises(AssertionError, match="nonsense"), nowhere:
        pass
