"""Tracking that is killed at any point and run again leaves the store of one that was not."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest

from tests.helpers import stores, trackers
from tests.helpers.stores import Content
from tests.helpers.trackers import CHANGED, CONFIG, Ended, Stop, Trackers

# One run of a cell, and that of the sweep.
TINY = {"activations": ["relu"], "betas": {"start": 0, "stop": 1, "count": 3}}

MOMENTS = 2
"""Number of kills by the clock, besides those at every call."""


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Path:
    """A folder with results, and a store that holds nothing of them."""
    folder = trackers.prepare(tmp_path_factory.mktemp("fresh"), CONFIG | TINY)
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    return folder


@pytest.fixture(scope="module")
def outdated(tmp_path_factory: pytest.TempPathFactory, commands: Trackers, fresh: Path) -> Path:
    """A folder whose results supersede what its store holds."""
    folder = trackers.copied(fresh, tmp_path_factory.mktemp("outdated"))
    commands.tracked(folder)
    return trackers.prepare(folder, CHANGED | TINY)


@pytest.fixture(scope="module")
def updated(tmp_path_factory: pytest.TempPathFactory, commands: Trackers, outdated: Path) -> Path:
    """A folder whose store holds its results, and those that they superseded."""
    folder = trackers.copied(outdated, tmp_path_factory.mktemp("updated"))
    commands.tracked(folder)
    return folder


def undisturbed(
    commands: Trackers, folder: Path, target: Path, *words: str
) -> tuple[Ended, Content]:
    trackers.copied(folder, target)
    ended = commands.track(target, *words)
    assert ended.code == 0, ended.stderr
    return ended, stores.in_folder(target)


@pytest.mark.parametrize(
    ("state", "words"), [("fresh", ()), ("outdated", ()), ("updated", ("--rebuild",))]
)
def test_a_kill_at_any_call_leaves_no_trace(
    commands: Trackers,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    state: str,
    words: tuple[str, ...],
) -> None:
    folder = request.getfixturevalue(state)
    ended, expected = undisturbed(commands, folder, tmp_path / "undisturbed", *words)
    assert len(ended.calls) >= 8
    moments = [(number, "before") for number in range(1, len(ended.calls) + 1)]
    # Before a call is after the one before, but for these: files are kept then, or the lock freed.
    moments += [(n, "after") for n, name in enumerate(ended.calls, 1) if name == "log_inputs"]
    moments.append((len(ended.calls), "after"))
    for call, when in moments:
        target = trackers.copied(folder, tmp_path / f"{call}-{when}")
        killed = commands.track(target, *words, stop=Stop(call, when))
        assert killed.code == -signal.SIGKILL
        commands.tracked(target)
        assert stores.in_folder(target) == expected, f"killed {when} {ended.calls[call - 1]} {call}"


def test_a_kill_while_the_store_is_created_leaves_no_trace(
    commands: Trackers, fresh: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    empty = trackers.copied(fresh, tmp_path / "empty")
    (empty / "mlflow.db").unlink()
    _, expected = undisturbed(commands, fresh, tmp_path / "undisturbed")
    # Creating a store takes 2 to 5 s, most of it for the migrations.
    for number, seconds in enumerate(rng.uniform(0.1, 3, MOMENTS)):
        target = trackers.copied(empty, tmp_path / str(number))
        commands.track(target, seconds=float(seconds))
        commands.tracked(target)
        assert stores.in_folder(target) == expected, f"after {seconds:.2f} s"
