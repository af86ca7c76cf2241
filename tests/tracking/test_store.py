"""Stores in SQLite files: which are refused, what is never shown, and one writer at a time."""

from __future__ import annotations

import re
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from mechcore.errors import MechcoreError
from mechcore.tracking.store import open_store
from tests.helpers import disks, stores, trackers
from tests.helpers.projects import PROJECT
from tests.helpers.trackers import CHANGED, CONFIG, Trackers

PROCESSES = 8


def refused(commands: Trackers, folder: Path, *words: str) -> str:
    before = sorted(folder.rglob("*"))
    ended = commands.track(folder, *words)
    assert ended.code == 2, ended.stderr
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert sorted(folder.rglob("*")) == before
    return ended.stderr


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
        ("sqlite:////tmp", "not a writable file"),
        ("mysql://ada:secret@db/mlflow", "No module named 'MySQLdb'"),
        ("ftp://ada:secret@db/mlflow", "ftp"),
    ],
)
def test_a_wrong_store_is_one_line(
    commands: Trackers, tracked: Path, tmp_path: Path, uri: str, reason: str
) -> None:
    (tmp_path / "results").symlink_to(tracked / "results")
    (tmp_path / "config.yaml").symlink_to(tracked / "config.yaml")
    line = refused(commands, tmp_path, "--to", uri)
    assert reason in line
    assert "secret" not in line


@pytest.mark.parametrize(
    "uri",
    [
        "http://ada:secret@127.0.0.1:9",
        "http://ada:secret@127.0.0.1:9/",
        "postgresql://ada:secret@127.0.0.1:9/mlflow",
        # No valid address, but one that databases take.
        "postgresql://ada:x/secret?@127.0.0.1:9/mlflow",
        "postgresql://127.0.0.1:9/mlflow?user=ada&password=secret",
        # None that can be parsed.
        "ada:secret@127.0.0.1:9",
        "http:/ada:secret@127.0.0.1:9",
        "postgresql:ada:secret@127.0.0.1:9/mlflow",
        "http://ada:secret@127.0.0.1:9:9",
        "http://ada:secret@[127.0.0.1:9",
        "http://127.0.0.1:9#token=secret",
        "http://127.0.0.1:9;password=secret",
        "http://127.0.0.1:9/#ada:secret@127.0.0.1:9",
        "http://ada:se%63ret@127.0.0.1:9:9",
        "postgresql://ada:secret@127.0.0.1:9x/mlflow",
    ],
)
def test_a_password_is_never_shown(commands: Trackers, tracked: Path, uri: str) -> None:
    quick = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    ended = commands.track(tracked, "--to", uri, environment=quick)
    assert ended.code == 2
    assert len(ended.stderr.splitlines()) == 1
    assert "127.0.0.1:9" in ended.stderr
    assert not {"secret", "se%63ret"} & {*re.findall(r"[\w%]+", ended.stdout + ended.stderr)}


class Echo(BaseHTTPRequestHandler):
    """A server that refuses everything, and says what it was sent."""

    def do_GET(self) -> None:
        self.send_response(400)
        self.end_headers()
        self.wfile.write(f"{self.path} {self.headers}".encode())

    do_POST = do_GET  # noqa: N815 - its name there

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name there
        pass


def test_a_server_that_repeats_the_password_does_not_make_it_known(
    commands: Trackers, tracked: Path
) -> None:
    quick = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    given = {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "horse-42"}
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_port
        for address, more in (("ada:horse-42@", {}), ("", given)):
            uri = f"http://{address}127.0.0.1:{port}"
            ended = commands.track(tracked, "--to", uri, environment=quick | more)
            assert ended.code == 2
            assert "Authorization: Basic ***" in ended.stderr
            assert "horse-42" not in ended.stderr
            assert b64encode(b"ada:horse-42").decode() not in ended.stderr
        server.shutdown()


def test_the_lock_of_a_server_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "mine"))
    with pytest.raises(MechcoreError), open_store("postgresql://ada:secret@127.0.0.1:9/mlflow"):
        pass
    [lock] = (tmp_path / "mine" / "locks").iterdir()
    with pytest.raises(MechcoreError), open_store("postgresql://ada:other@127.0.0.1:9/mlflow"):
        pass
    # Its name tells nothing of the password.
    assert [*(tmp_path / "mine" / "locks").iterdir()] == [lock]


def test_results_of_another_configuration_are_refused(commands: Trackers, mine: Path) -> None:
    (mine / "config.yaml").write_text(yaml.safe_dump(CHANGED))
    (mine / "mlflow.db").unlink()
    assert "made with other settings than tiny has" in refused(commands, mine)


def test_missing_results_open_no_store(commands: Trackers, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    refused(commands, tmp_path)


def test_a_sqlite_file_on_a_network_disk_is_refused(
    commands: Trackers, mine: Path, tmp_path: Path
) -> None:
    """A real one: SFTP, without a network in between."""
    with disks.sshfs(tmp_path) as mounted:
        (mine / "link.db").symlink_to(mounted / "mlflow.db")
        for file in (mounted / "mlflow.db", mine / "link.db"):
            line = refused(commands, mine, "--to", f"sqlite:///{file}")
            assert "is on a network disk (fuse.sshfs)" in line
            assert "set MLFLOW_TRACKING_URI to a server" in line
        assert list(mounted.iterdir()) == []


def test_experiments_in_one_store_are_separate(
    commands: Trackers, mine: Path, tmp_path: Path
) -> None:
    before = stores.in_folder(mine)
    other = trackers.prepare(tmp_path / "other", CONFIG | {"experiment": "other"})
    commands.tracked(other, "--to", f"sqlite:///{mine / 'mlflow.db'}")
    after = stores.in_folder(mine)
    assert len(after["other"]["runs"]) == 3
    assert {name: after[name] for name in before} == before
    assert not (other / "mlflow.db").exists()


def test_eight_that_start_at_once_make_one_store(commands: Trackers, tmp_path: Path) -> None:
    """Forks that have imported everything wait for one gate: nothing is left that spreads them."""
    tiny = {"activations": ["relu"], "betas": {"start": 0, "stop": 1, "count": 3}}
    folder = trackers.prepare(tmp_path, CONFIG | tiny)
    ended = commands.race(folder, PROCESSES)
    assert [end.code for end in ended] == [0] * PROCESSES, [end.stderr for end in ended]
    assert sorted(end.stdout.partition(" in ")[0] for end in ended) == [
        *["0 logged, 2 unchanged, 0 superseded"] * (PROCESSES - 1),
        "2 logged, 0 unchanged, 0 superseded",
    ]
    content = stores.in_folder(folder)
    assert (sorted(content), content["Default"]["runs"]) == (["Default", "tiny"], [])
    names = [run["name"].partition(" ")[0] for run in content["tiny"]["runs"]]
    assert sorted(names) == ["dct-relu-k2", "sweep"]
    assert {run["status"] for run in content["tiny"]["runs"]} == {"FINISHED"}


def test_only_the_client_of_mlflow_is_used() -> None:
    """The fluent API, the functions of `mlflow` itself, acts on a global run."""
    for path in (PROJECT / "mechcore" / "tracking").glob("*.py"):
        text = path.read_text("utf-8")
        assert not re.findall(r"^\s*import mlflow", text, re.MULTILINE)
        assert set(re.findall(r"from mlflow import (.+)", text)) <= {"MlflowClient"}
