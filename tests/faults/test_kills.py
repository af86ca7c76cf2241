"""kill -9 at random moments: a plain run later, all is as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from numpy.random import Generator

from tests.faults import tiny
from tests.helpers import trackers
from tests.helpers.projects import PROJECT
from tests.helpers.trackers import Trackers

OF_SIMULATION, OF_COLLECTING, OF_REPORTS, OF_WORKFLOWS, OF_JOBS = (5, 6, 8), 4, 3, 3, 2
"""How many kills of each, 31 in all, of what was still running: the tests insist on it. Those of
tracking are in tests/tracking/test_kills.py."""

MOST_LATE = 3
"""A kill that came too late is no kill: at most so many times as many are tried."""

CELL = (
    '{"kernel": "dct", "activation": "relu", "size": 3, "betas": {"count": 21}, "steps": 128, '
    '"patterns": [{"name": "disc"}], "snapshots": {"layers": [0, 64, 128], "window": 257}}'
)
CELL_FILE, SECOND = "results/trajectories/dct-relu-k3.nc", "results/finished/dct-relu-k3.nc"
SIMULATE = (
    *("simulate", "--cell", CELL, "--output", CELL_FILE, "--keep", "results/finished"),
    *("--measures", "results/measures/dct-relu-k3.csv"),
)


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
            folder = tmp_path / str(attempt + 1)
            continue
        left -= 1
        if not left:
            break
    assert left == 0
    done = folder / SECOND
    inode = done.stat().st_ino if done.exists() else None
    found, _ = undisturbed(commands, folder, *SIMULATE)
    assert found == expected
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
        if left and landed(commands, folder, words, seconds, rng):
            left -= 1
    assert left == 0
    found, _ = undisturbed(commands, folder, *words)
    assert found == expected


@pytest.fixture(scope="module")
def simulated(
    commands: Trackers, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, bytes], float]:
    """What the simulation leaves that nobody kills, and its seconds when it runs for itself."""
    undisturbed(commands, tmp_path_factory.mktemp("first"), *SIMULATE)
    return undisturbed(commands, tmp_path_factory.mktemp("undisturbed"), *SIMULATE)


def test_as_many_are_told_as_there_are() -> None:
    kills = sum((*OF_SIMULATION, OF_COLLECTING, OF_REPORTS, OF_WORKFLOWS, OF_JOBS))
    for name in ("README.md", "docs/trust.md"):
        assert f" {kills} kills " in (PROJECT / name).read_text("utf-8")


# The workflow.


def until(seconds: float, folder: Path, pattern: str) -> bool:
    """Wait for a file, at most for some time; whether it is there."""
    deadline = time.monotonic() + seconds
    while not any(folder.glob(pattern)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return any(folder.glob(pattern))


@pytest.fixture(scope="module")
def together(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, bytes], subprocess.CompletedProcess[str]]:
    """What the workflow leaves that nobody kills, and what a second one said meanwhile."""
    folder = tiny.project(tmp_path_factory.mktemp("whole"))
    with tiny.start(folder, subprocess.PIPE) as first:
        assert until(60, folder / ".snakemake" / "locks", "*")
        # However long the second one takes to start, the first one is there.
        first.send_signal(signal.SIGSTOP)
        second = tiny.snakemake(folder)
        first.send_signal(signal.SIGCONT)
        _, messages = first.communicate()
    assert first.returncode == 0, messages
    return tiny.contents(folder / "results"), second


@pytest.fixture
def whole(
    together: tuple[dict[str, bytes], subprocess.CompletedProcess[str]],
) -> dict[str, bytes]:
    """Give what the workflow leaves that nobody kills."""
    return together[0]


def simulations(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the jobs of a workflow that simulate."""
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        # It may have ended since.
        with suppress(psutil.Error):
            if "simulate" in child.cmdline():
                found.append(child)
    return found


def test_a_killed_workflow_completes_when_it_is_unlocked(
    whole: dict[str, bytes], tmp_path: Path, rng: np.random.Generator
) -> None:
    folder = tiny.project(tmp_path / "project")
    for number in range(OF_WORKFLOWS):
        process = tiny.start(folder)
        assert until(60, folder / ".snakemake" / "locks", "*")
        time.sleep(rng.uniform(0, 1))
        # As a power cut does; or jobs go on without it.
        os.killpg(process.pid, signal.SIGKILL) if number % 2 else process.kill()
        assert process.wait() == -signal.SIGKILL
        if number == 0:
            locked = tiny.snakemake(folder)
            assert locked.returncode == 1
            assert "--unlock" in locked.stderr
        assert tiny.snakemake(folder, "--unlock").returncode == 0, number
    assert trackers.survivors(process.pid) == []
    ended = tiny.snakemake(folder)
    assert ended.returncode == 0, ended.stderr
    assert tiny.contents(folder / "results") == whole


def test_a_workflow_whose_jobs_are_killed_tells_it_and_completes(
    whole: dict[str, bytes], tmp_path: Path, rng: np.random.Generator
) -> None:
    folder = tiny.project(tmp_path / "project")
    killed = 0
    with tiny.start(folder, subprocess.PIPE) as process:
        while process.poll() is None and killed < OF_JOBS:
            for job in simulations(process):
                time.sleep(rng.uniform(0, 0.5))
                job.kill()
                killed += 1
            time.sleep(0.01)
        _, told = process.communicate()
    assert killed == OF_JOBS
    assert process.returncode == 1
    assert "failed: logs/tiny/simulate/" in told
    ended = tiny.snakemake(folder)
    assert ended.returncode == 0, ended.stderr
    assert tiny.contents(folder / "results") == whole


def test_two_workflows_in_one_folder_are_one_too_many(
    together: tuple[dict[str, bytes], subprocess.CompletedProcess[str]],
) -> None:
    whole, second = together
    assert second.returncode == 1
    assert "--unlock" in second.stderr
    assert {f"trajectories/{name}.nc" for name in tiny.CELLS} <= {
        name.removeprefix("tiny/") for name in whole
    }
