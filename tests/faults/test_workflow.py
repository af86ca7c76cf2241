"""Faults while the workflow runs: a plain run later, all is as if nothing had happened."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import netCDF4
import numpy as np
import psutil
import pytest

from mechcore.experiment.started_from import STARTED_FROM
from mechcore.results.results import TABLES
from tests.faults import tiny
from tests.helpers import disks, trackers

OF_WORKFLOWS, OF_JOBS = 2, 2
"""How many kills of each, of what was still running."""

SECONDS = 120.0
RESULTS = Path("results", "tiny")
TRAJECTORIES = "trajectories/dct-relu-k2.nc"

LONG = {"engine": "reference", "steps": 400, "betas": {"count": 41}}
"""A cell takes minutes, so that an interrupt finds it running, and ends it, on any machine."""


def wait_for(process: subprocess.Popen[str], condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)


def lock(process: subprocess.Popen[str], folder: Path) -> None:
    wait_for(process, lambda: any(folder.glob(".snakemake/locks/*")))


def simulations(process: subprocess.Popen[str]) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(process.pid).children(recursive=True):
        # It may have ended since.
        with suppress(psutil.Error):
            if "simulate" in child.cmdline():
                found.append(child)
    return found


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A project that was made undisturbed, and what a second workflow said meanwhile."""
    folder = tiny.project(tmp_path_factory.mktemp("whole"))
    with tiny.start(folder) as first:
        lock(first, folder)
        # However long the second one takes to start, the first one is there.
        first.send_signal(signal.SIGSTOP)
        second = tiny.snakemake(folder)
        first.send_signal(signal.SIGCONT)
        _, messages = first.communicate()
    assert first.returncode == 0, messages
    return folder, second


@pytest.fixture
def whole(made: tuple[Path, object]) -> dict[str, bytes]:
    return tiny.contents(made[0] / RESULTS)


def test_two_workflows_in_one_folder_are_one_too_many(
    made: tuple[Path, subprocess.CompletedProcess[str]], whole: dict[str, bytes]
) -> None:
    assert made[1].returncode == 1
    assert "--unlock" in made[1].stderr
    assert {f"trajectories/{name}.nc" for name in tiny.CELLS} <= set(whole)


def test_a_killed_workflow_completes_when_it_is_unlocked(
    whole: dict[str, bytes], tmp_path: Path, rng: np.random.Generator
) -> None:
    folder = tiny.project(tmp_path / "project")
    for number in range(OF_WORKFLOWS):
        process = tiny.start(folder)
        lock(process, folder)
        time.sleep(rng.uniform(0, 1))
        # As a power cut does; or jobs go on without it.
        os.killpg(process.pid, signal.SIGKILL) if number % 2 else process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert tiny.snakemake(folder, "--unlock").returncode == 0, number
    assert trackers.survivors(process.pid) == []
    assert tiny.complete(folder) == whole


def test_a_workflow_whose_jobs_are_killed_tells_it_and_completes(
    whole: dict[str, bytes], tmp_path: Path, rng: np.random.Generator
) -> None:
    folder = tiny.project(tmp_path / "project")
    killed = 0
    with tiny.start(folder) as process:
        while process.poll() is None and killed < OF_JOBS:
            for job in simulations(process):
                time.sleep(rng.uniform(0, 0.2))
                # One that ended before is no kill.
                with suppress(psutil.NoSuchProcess):
                    job.kill()
                    killed += 1
            time.sleep(0.01)
        _, messages = process.communicate()
    assert killed == OF_JOBS
    assert process.returncode == 1
    assert "failed: logs/tiny/simulate/" in messages
    assert tiny.complete(folder) == whole


def interrupted(folder: Path, *signals: signal.Signals) -> tuple[str, str]:
    """Interrupt simulations as a terminal or a scheduler does, and return what was printed."""
    for number in signals:
        # A shell that starts the tests in the background lets them, and their children, ignore it.
        signal.signal(number, signal.SIG_DFL)
    with tiny.start(folder) as run:
        # Long enough to have started Python.
        wait_for(run, lambda: any(job.cpu_times().user > 2 for job in simulations(run)))
        for number in signals:
            os.killpg(run.pid, number)
            time.sleep(0.2)
        output, messages = run.communicate(timeout=SECONDS)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert run.returncode == 1
    assert "Traceback" not in messages
    assert "of 2 cells done, 0 failed" in output
    assert not list(folder.glob(".snakemake/locks/*"))
    return output, messages


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.project(tmp_path_factory.mktemp("long") / "project", **LONG)


def test_an_interrupted_run_reports_no_failure_and_how_to_go_on(long: Path) -> None:
    # The second one comes from a person who does not want to wait.
    output, messages = interrupted(long, signal.SIGINT, signal.SIGINT)
    assert "failed: " not in messages
    assert output.rstrip().endswith("interrupted: the same command goes on")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_run_whose_machine_or_terminal_goes_ends_without_a_lock(
    long: Path, number: signal.Signals
) -> None:
    interrupted(long, number)


def test_a_damaged_file_is_named_and_made_again_once_it_is_deleted(
    made: tuple[Path, object], whole: dict[str, bytes], tmp_path: Path
) -> None:
    project = Path(shutil.copytree(made[0], tmp_path / "project"))
    path = project / RESULTS / TRAJECTORIES
    with netCDF4.Dataset(path, "a") as file:
        file["mu_x"][...] = file["mu_x"][...] + 1e-12
    ended = tiny.snakemake(project)
    assert ended.returncode == 1
    (line,) = [line for line in ended.stderr.splitlines() if f"{TRAJECTORIES}: damaged:" in line]
    assert "delete it and run the workflow" in line
    after = tiny.contents(project / RESULTS)
    changed = {name for name in whole if after.get(name) != whole[name]}
    tables = {f"{name}{suffix}" for name in TABLES for suffix in (".csv", ".parquet")}
    assert changed == {TRAJECTORIES, *tables}
    path.unlink()
    assert tiny.complete(project) == whole


def test_a_full_disk_is_reported_and_the_run_completes_when_there_is_room(
    whole: dict[str, bytes], tmp_path: Path
) -> None:
    with disks.small_disk(tmp_path / "disk") as disk:
        project = tiny.project(disk.folder / "project")
        # Room for the records of Snakemake, not for the cells; the logs say nothing either.
        disk.leave(100)
        ended = tiny.snakemake(project)
        assert ended.returncode == 1
        assert "logs/tiny/simulate: no space left on this disk" in ended.stderr
        made = [path.name for path in (project / RESULTS).rglob("*") if path.is_file()]
        assert made == [STARTED_FROM]
        disk.make_space()
        assert tiny.complete(project) == whole
