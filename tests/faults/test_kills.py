"""kill -9 at random moments: the same command later, all is as if nothing had happened."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.random import Generator

from tests.faults import tiny
from tests.faults.test_workflow import OF_JOBS, OF_WORKFLOWS
from tests.helpers import trackers
from tests.helpers.projects import PROJECT
from tests.helpers.trackers import Trackers

OF_SIMULATION, OF_COLLECTING, OF_REPORTS = (5, 7, 9), 4, 2
"""How many kills of each, of what was still running: the tests insist on it. Those of tracking are
in tests/tracking/test_kills.py."""

KILLS = sum((*OF_SIMULATION, OF_COLLECTING, OF_REPORTS, OF_WORKFLOWS, OF_JOBS))

MOST_LATE = 3
"""A kill that came too late is no kill: at most so many times as many are tried."""

EARLIER = 0.8
"""After a kill that came too late the next ones come earlier: the command was timed on a machine
that was busier than it is now."""

CELL = (
    '{"kernel": "dct", "activation": "relu", "size": 3, "betas": {"count": 21}, "steps": 128, '
    '"patterns": [{"name": "disc"}], "snapshots": {"layers": [0, 64, 128], "window": 257}}'
)
CELL_FILE, SECOND = "results/trajectories/dct-relu-k3.nc", "results/finished/dct-relu-k3.nc"
SIMULATE = ("simulate", "--cell", CELL, "--output", CELL_FILE, "--keep", "results/finished")


def undisturbed(commands: Trackers, folder: Path, *words: str) -> tuple[dict[str, bytes], float]:
    """What a command leaves that nobody kills, and its seconds."""
    start = time.perf_counter()
    ended = commands.run(folder, *words)
    assert ended.code == 0, ended.stderr
    return tiny.contents(folder), time.perf_counter() - start


def landed(
    commands: Trackers, folder: Path, words: tuple[str, ...], longest: float, chance: Generator
) -> bool:
    """Kill a command at a random moment; whether it was still running."""
    ended = commands.run(folder, *words, seconds=float(chance.uniform(0, longest)))
    assert ended.code in (0, -signal.SIGKILL), ended.stderr
    return ended.code != 0


@pytest.fixture(scope="module")
def simulated(
    commands: Trackers, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, bytes], float]:
    """What the simulation leaves that nobody kills, and its seconds when it runs for itself."""
    undisturbed(commands, tmp_path_factory.mktemp("first"), *SIMULATE)
    return undisturbed(commands, tmp_path_factory.mktemp("undisturbed"), *SIMULATE)


@pytest.mark.parametrize("kills", OF_SIMULATION)
def test_a_killed_simulation_is_run_again_and_a_finished_one_is_not(
    commands: Trackers, simulated: tuple[dict[str, bytes], float], tmp_path: Path, kills: int
) -> None:
    expected, seconds = simulated
    chance, folder, left = np.random.default_rng(kills), tmp_path / "0", kills
    for attempt in range(MOST_LATE * kills):
        folder.mkdir(exist_ok=True)
        if not landed(commands, folder, SIMULATE, seconds, chance):
            # It was the plain run after those that were killed: there is nothing left to kill.
            assert tiny.contents(folder) == expected
            folder, seconds = tmp_path / str(attempt + 1), EARLIER * seconds
            continue
        left -= 1
        if not left:
            break
    assert left == 0
    done = folder / SECOND
    inode = done.stat().st_ino if done.exists() else None
    actual, _ = undisturbed(commands, folder, *SIMULATE)
    assert actual == expected
    assert inode in (None, (folder / CELL_FILE).stat().st_ino)


@pytest.mark.parametrize(
    ("words", "kills"),
    [(tiny.COLLECT, OF_COLLECTING), (tiny.REPORT, OF_REPORTS)],
    ids=["collect", "report"],
)
def test_a_command_that_is_killed_again_and_again_completes(
    commands: Trackers,
    finished: Path,
    tmp_path: Path,
    rng: np.random.Generator,
    words: tuple[str, ...],
    kills: int,
) -> None:
    whole = trackers.copied(finished, tmp_path / "whole")
    expected, seconds = undisturbed(commands, whole, *words)
    folder = trackers.copied(finished, tmp_path / "killed")
    left = kills
    for _ in range(MOST_LATE * kills):
        if not left:
            break
        if landed(commands, folder, words, seconds, rng):
            left -= 1
        else:
            seconds *= EARLIER
    assert left == 0
    actual, _ = undisturbed(commands, folder, *words)
    assert actual == expected


def test_the_documents_state_the_number_of_kills() -> None:
    for name in ("README.md", "docs/trust.md"):
        assert f" {KILLS} kills " in (PROJECT / name).read_text("utf-8")
