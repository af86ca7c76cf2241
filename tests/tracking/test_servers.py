"""Servers of the tests: nothing outlives a test, and one that cannot start says why."""

from __future__ import annotations

import socket
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest

from tests.helpers import servers


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def folder_of(backend: str) -> Path:
    """Where a database lies, as it says itself."""
    with closing(psycopg2.connect(backend)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        return Path(cursor.fetchone()[0])


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
