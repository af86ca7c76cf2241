"""Tracking through real servers of MLflow: what a SQLite file holds, they hold as well."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import servers, stores, trackers
from tests.helpers.servers import Server
from tests.helpers.trackers import Ended, Stop, Trackers

ONCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
"""No second attempt: that a server is down is known after the first."""

USER, PASSWORD = "ada-lovelace", "correct-horse-42"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on PostgreSQL; those of the credentials and of test_ui.py are on SQLite."""
    folder = tmp_path_factory.mktemp("server")
    with servers.postgres() as backend, servers.mlflow_server(folder, backend) as running:
        yield running


def assert_one_line(ended: Ended, *parts: str) -> None:
    assert ended.code == 2
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert all(part in ended.stderr for part in parts), ended.stderr


def test_a_server_that_dies_half_way_loses_nothing_and_the_same_command_completes_the_store(
    commands: Trackers, server: Server, mine: Path, changed: Path
) -> None:
    environment = ONCE | {"MLFLOW_TRACKING_URI": server.address}
    # The third call fills the first run.
    stop = Stop(3, signal=signal.SIGSTOP)
    ended = commands.track(mine, environment=environment, stop=stop, meanwhile=server.kill)
    assert ended.calls == ["create_experiment", "create_run", "log_batch"]
    assert_one_line(ended, server.address, "run the same command again")
    server.restart()
    assert commands.tracked(mine, "--to", server.address).startswith("5 logged, 0 unchanged")
    content = stores.on_server(server.address)
    assert content["tiny"] == stores.in_folder(mine)["tiny"]
    # The server gives the bytes of the results.
    original = mine / "results" / "trajectories" / "dct-relu-k2.nc"
    artifacts = [run["artifacts"].get(original.name) for run in content["tiny"]["runs"]]
    assert stores.digest(original) in artifacts

    assert commands.tracked(mine, "--to", server.address).startswith("0 logged, 5 unchanged")
    assert stores.on_server(server.address) == content

    trackers.copied(changed, mine)
    assert commands.tracked(mine, "--to", server.address).startswith("3 logged, 0 unchanged, 2 ")
    assert stores.on_server(server.address)["tiny"] == stores.in_folder(changed)["tiny"]


def test_credentials_come_from_the_environment_and_are_never_shown(
    commands: Trackers, mine: Path, empty_store: Path, tmp_path: Path
) -> None:
    shutil.copy(empty_store, tmp_path)
    with servers.mlflow_server(tmp_path, credentials=(USER, PASSWORD)) as server:
        wrong = {"MLFLOW_TRACKING_USERNAME": USER, "MLFLOW_TRACKING_PASSWORD": "wrong-horse-42"}
        right = wrong | {"MLFLOW_TRACKING_PASSWORD": PASSWORD}
        for environment in (wrong, {}):
            ended = commands.track(mine, "--to", server.address, environment=environment)
            assert_one_line(ended, server.address)
            assert "wrong-horse" not in ended.stderr
        ended = commands.track(mine, "--to", server.address, environment=right)
        assert ended.stdout == f"5 logged, 0 unchanged, 0 superseded in {server.address}\n"
        # MLflow prints the address of each run, password included, unless it is told not to.
        address = server.address.replace("//", f"//{USER}:{PASSWORD}@")
        ended = commands.track(mine, "--to", address, "--rebuild")
        assert ended.stdout == f"5 logged, 0 unchanged, 0 superseded in {server.address}\n"
        assert PASSWORD not in ended.stderr + (mine / "r.json").read_text()


def test_a_server_that_is_down_is_named_within_a_minute(commands: Trackers, tracked: Path) -> None:
    address = f"http://127.0.0.1:{servers.free_ports(1)[0]}"
    begun = time.monotonic()
    ended = commands.track(tracked, environment={"MLFLOW_TRACKING_URI": address})
    # With the attempts that a user gets: 14 s for a connection that is refused.
    assert time.monotonic() - begun < 60
    assert_one_line(ended, address)
