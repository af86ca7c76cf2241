"""Tracking through real servers of MLflow: what a SQLite file holds, they hold as well."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers import servers, stores, trackers
from tests.helpers.servers import Server
from tests.helpers.trackers import CHANGED, CONFIG, Ended, Stop, Trackers

ONE = {"activations": ["relu"], "betas": {"start": 0, "stop": 1, "count": 3}}

ONCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
"""No second attempt: that a server is down is known after the first."""

USER, PASSWORD = "ada-lovelace", "correct-horse-42"


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, commands: Trackers) -> Path:
    """A folder that was tracked into its SQLite file."""
    folder = trackers.prepare(tmp_path_factory.mktemp("before"), CONFIG | ONE)
    assert commands.track(folder).code == 0
    return folder


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory, commands: Trackers, before: Path) -> Path:
    """The same, once the results had changed and were tracked again."""
    folder = trackers.copied(before, tmp_path_factory.mktemp("after"))
    trackers.prepare(folder, CHANGED | ONE)
    assert commands.track(folder).code == 0
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on PostgreSQL; that of the credentials, and those of test_ui.py, are on SQLite."""
    folder = tmp_path_factory.mktemp("server")
    with servers.postgres(folder) as backend, servers.mlflow_server(folder, backend) as running:
        yield running


def tracked(commands: Trackers, folder: Path, address: str) -> str:
    ended = commands.track(folder, environment={"MLFLOW_TRACKING_URI": address})
    assert ended.code == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 1
    return ended.stdout


def assert_one_line(ended: Ended, *parts: str) -> None:
    assert ended.code == 2
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert all(part in ended.stderr for part in parts), ended.stderr


def test_a_server_that_dies_half_way_loses_nothing_and_the_same_command_completes_the_store(
    commands: Trackers, server: Server, before: Path, after: Path
) -> None:
    """First logging, a death, again, superseding, a death, again: each step compared."""
    expected = {"tiny": stores.in_folder(before)["tiny"]}

    def dies_at(folder: Path, call: int) -> None:
        environment = ONCE | {"MLFLOW_TRACKING_URI": server.address}
        stop = Stop(call, signal=signal.SIGSTOP)
        ended = commands.track(folder, environment=environment, stop=stop, meanwhile=server.kill)
        assert len(ended.calls) == call
        assert_one_line(ended, server.address, "the same command goes on")
        server.restart()

    # Calls 1 to 4 make the experiment; 6 fills the first run.
    dies_at(before, 6)
    tracked(commands, before, server.address)
    assert {"tiny": stores.on_server(server.address)["tiny"]} == expected
    assert tracked(commands, before, server.address).startswith("0 logged, 2 unchanged, 0 super")
    assert {"tiny": stores.on_server(server.address)["tiny"]} == expected

    # The note of the experiment changes first, in three calls; the run that is new is closed by
    # the eighth of these or the ninth.
    dies_at(after, 9)
    tracked(commands, after, server.address)
    assert stores.on_server(server.address)["tiny"] == stores.in_folder(after)["tiny"]


def test_a_grid_that_is_finished_and_tracked_can_be_sent_to_a_server_later(
    commands: Trackers, server: Server, after: Path
) -> None:
    before = stores.in_folder(after)
    config = CONFIG | ONE | {"experiment": "later"}
    folder = trackers.prepare(after.parent / f"later-{server.port}", config)
    assert commands.track(folder).code == 0
    ended = commands.track(folder, "--to", server.address)
    assert ended.stdout.startswith("2 logged, 0 unchanged, 0 superseded"), ended.stderr
    assert stores.on_server(server.address)["later"] == stores.in_folder(folder)["later"]
    assert stores.in_folder(after) == before


def test_the_server_gives_the_bytes_of_the_results(
    commands: Trackers, server: Server, after: Path
) -> None:
    tracked(commands, after, server.address)
    original = after / "results" / "trajectories" / "dct-relu-k2.nc"
    runs = stores.runs_in(stores.on_server(server.address), "tiny")
    kept = [run["artifacts"].get(original.name) for run in runs]  # type: ignore[attr-defined]
    assert stores.digest(original) in kept


def test_credentials_come_from_the_environment_and_are_never_shown(
    commands: Trackers, before: Path, tmp_path: Path
) -> None:
    folder = trackers.copied(before, tmp_path / "folder")
    with servers.mlflow_server(tmp_path, credentials=(USER, PASSWORD)) as server:
        wrong = {"MLFLOW_TRACKING_USERNAME": USER, "MLFLOW_TRACKING_PASSWORD": "wrong-horse-42"}
        right = wrong | {"MLFLOW_TRACKING_PASSWORD": PASSWORD}
        for environment in (wrong, {}):
            address = {"MLFLOW_TRACKING_URI": server.address}
            ended = commands.track(folder, environment=environment | address)
            assert_one_line(ended, server.address)
            assert "wrong-horse" not in ended.stderr
        ended = commands.track(folder, "--to", server.address, environment=right)
        assert ended.stdout == f"2 logged, 0 unchanged, 0 superseded in {server.address}\n"
        # MLflow prints the address of each run, password included, unless it is told not to.
        address = server.address.replace("//", f"//{USER}:{PASSWORD}@")
        ended = commands.track(folder, "--to", address, "--rebuild")
        assert ended.stdout == f"2 logged, 0 unchanged, 0 superseded in {server.address}\n"
        assert PASSWORD not in ended.stderr + (folder / "r.json").read_text()


def test_a_server_that_is_down_is_named_within_a_minute(commands: Trackers, before: Path) -> None:
    address = f"http://127.0.0.1:{servers.free_port()}"
    begun = time.monotonic()
    ended = commands.track(before, environment={"MLFLOW_TRACKING_URI": address})
    # With the attempts that a user gets: 14 s for a connection that is refused.
    assert time.monotonic() - begun < 60
    assert_one_line(ended, address)


def test_a_database_that_is_down_is_named_within_a_minute(commands: Trackers, before: Path) -> None:
    place = f"127.0.0.1:{servers.free_port()}/mlflow"
    begun = time.monotonic()
    ended = commands.track(before, "--to", f"postgresql://ada:se/cret@{place}")
    assert time.monotonic() - begun < 60
    assert_one_line(ended, place)
    assert "se/cret" not in ended.stderr
