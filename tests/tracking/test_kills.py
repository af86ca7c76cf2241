"""Tracking that is killed at any point and run again leaves the store of one that was not."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest

from tests.helpers import stores, trackers
from tests.helpers.stores import Content
from tests.helpers.trackers import CHANGED, CONFIG, Ended, Stop, Trackers

# A cell of each kind that tracking knows: one that is logged, and the summary of the sweep.
ONE = {"activations": ["relu"], "betas": {"start": 0, "stop": 1, "count": 3}}

MOMENTS = 4
"""Of kills by the clock, besides those at every call."""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, commands: Trackers) -> Path:
    """A folder with results, and a store that holds nothing of them."""
    folder = trackers.prepare(tmp_path_factory.mktemp("fresh"), CONFIG | ONE)
    # Killed before its first change: migrations take seconds, and have a test of their own.
    assert commands.track(folder, stop=Stop(1)).code == -signal.SIGKILL
    return folder


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory, commands: Trackers, fresh: Path) -> Path:
    """A folder whose store holds what its results supersede."""
    folder = trackers.copied(fresh, tmp_path_factory.mktemp("changed"))
    assert commands.track(folder).code == 0
    return trackers.prepare(folder, CHANGED | ONE)


@pytest.fixture(scope="module")
def superseded(tmp_path_factory: pytest.TempPathFactory, commands: Trackers, changed: Path) -> Path:
    """A folder whose store holds its results, and those that they superseded."""
    folder = trackers.copied(changed, tmp_path_factory.mktemp("superseded"))
    assert commands.track(folder).code == 0
    return folder


def undisturbed(
    commands: Trackers, folder: Path, target: Path, *words: str
) -> tuple[Ended, Content]:
    """What a command does that nobody kills."""
    trackers.copied(folder, target)
    ended = commands.track(target, *words)
    assert ended.code == 0, ended.stderr
    return ended, stores.in_folder(target)


def kill_at_every_call(commands: Trackers, folder: Path, place: Path, *words: str) -> None:
    ended, expected = undisturbed(commands, folder, place / "undisturbed", *words)
    assert len(ended.calls) >= 8
    moments = [(number, "before") for number in range(1, len(ended.calls) + 1)]
    # Before a call is after the one before, but for these: files are kept then, or the lock freed.
    moments += [(n, "after") for n, name in enumerate(ended.calls, 1) if name == "log_inputs"]
    moments.append((len(ended.calls), "after"))
    for call, when in moments:
        target = trackers.copied(folder, place / f"{call}-{when}")
        stop = Stop(call, when)
        assert commands.track(target, *words, stop=stop).code == -signal.SIGKILL
        again = commands.track(target)
        assert again.code == 0, again.stderr
        assert stores.in_folder(target) == expected, f"killed {when} {ended.calls[call - 1]} {call}"


def test_a_kill_at_any_call_of_the_first_tracking_leaves_no_trace(
    commands: Trackers, fresh: Path, tmp_path: Path
) -> None:
    kill_at_every_call(commands, fresh, tmp_path)


def test_a_kill_at_any_call_while_runs_are_superseded_leaves_no_trace(
    commands: Trackers, changed: Path, tmp_path: Path
) -> None:
    kill_at_every_call(commands, changed, tmp_path)


def test_a_kill_at_any_call_of_a_rebuild_leaves_no_trace(
    commands: Trackers, superseded: Path, tmp_path: Path
) -> None:
    kill_at_every_call(commands, superseded, tmp_path, "--rebuild")


def test_a_kill_while_the_store_is_made_leaves_no_trace(
    commands: Trackers, fresh: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    empty = trackers.copied(fresh, tmp_path / "empty")
    (empty / "mlflow.db").unlink()
    _, expected = undisturbed(commands, empty, tmp_path / "undisturbed")
    # Making a store takes 2 to 5 s, of which the migrations are the most.
    for number, seconds in enumerate(rng.uniform(0.1, 3, MOMENTS)):
        target = trackers.copied(empty, tmp_path / str(number))
        commands.run(target, *trackers.TRACK, seconds=float(seconds))
        again = commands.track(target)
        assert again.code == 0, f"after {seconds:.2f} s: {again.stderr}"
        assert stores.in_folder(target) == expected, f"after {seconds:.2f} s"


def test_a_kill_at_any_time_leaves_no_trace_and_no_process(
    commands: Trackers, changed: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    _, expected = undisturbed(commands, changed, tmp_path / "undisturbed")
    # With processes that draw, as the command has them, it takes 3 s.
    for number, seconds in enumerate(rng.uniform(0.05, 3, MOMENTS)):
        target = trackers.copied(changed, tmp_path / str(number))
        ended = commands.run(target, *trackers.TRACK, seconds=float(seconds), spawn=True)
        assert trackers.survivors(ended.session) == []
        assert commands.track(target).code == 0
        assert stores.in_folder(target) == expected, f"after {seconds:.2f} s"


def test_what_a_killed_command_drew_is_removed(
    commands: Trackers, changed: Path, tmp_path: Path
) -> None:
    target = trackers.copied(changed, tmp_path / "target")
    (tmp_path / "drawings").mkdir()
    # Before the end of the first run, whose picture is drawn by then.
    calls = undisturbed(commands, changed, tmp_path / "undisturbed")[0].calls
    stop = Stop(calls.index("set_terminated") + 1)
    place = {"TMPDIR": str(tmp_path / "drawings")}
    ended = commands.run(target, *trackers.TRACK, environment=place, stop=stop, spawn=True)
    assert ended.code == -signal.SIGKILL
    assert trackers.survivors(ended.session) == []
    assert [path.name for path in (tmp_path / "drawings").glob("mechcore-*")] == []
