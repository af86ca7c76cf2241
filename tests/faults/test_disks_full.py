"""A disk that is full, or cannot be written to: one clear line, nothing half-written, no loss."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import tiny
from tests.helpers import disks, trackers
from tests.helpers.trackers import Ended, Trackers

CELL = '{"kernel": "dct", "activation": "relu", "size": 2, "betas": [0.5], "steps": 8}'
COMMANDS = {
    "simulate": (
        *("simulate", "--cell", CELL, "--output", "more/trajectories/dct-relu-k2.nc"),
        *("--keep", "more/finished"),
    ),
    "propagate": (
        *("propagate", "--family", "dct", "--size", "2", "--beta", "0.5"),
        *("--output", "one.nc"),
    ),
    "collect": tiny.COLLECT,
    "report": tiny.REPORT,
    "track": trackers.TRACK,
}


@pytest.fixture
def disk(finished: Path, tmp_path: Path) -> Iterator[disks.SmallDisk]:
    with disks.small_disk(tmp_path / "disk") as small:
        trackers.copied(finished, small.folder)
        yield small


def one_line(ended: Ended, *reasons: str) -> None:
    assert ended.code == 2, ended.stderr
    # MLflow tells of a store that it makes.
    lines = [line for line in ended.stderr.splitlines() if " INFO mlflow" not in line]
    assert len(lines) == 1, ended.stderr
    assert lines[0].startswith("mechcore: "), ended.stderr
    assert any(reason in lines[0] for reason in reasons)


FULL = ("No space left on device", "database or disk is full")
"""As the system says it, and SQLite."""


def written(folder: Path) -> dict[str, bytes]:
    """What is there of the files of users: a store is not one of them."""
    files = tiny.contents(folder)
    return {name: files[name] for name in files if not name.startswith(("mlflow.db", "filler"))}


# Without any space a file cannot be made; with little it cannot be finished.
@pytest.mark.parametrize(
    ("name", "kilobytes"),
    [(name, 8) for name in COMMANDS] + [("simulate", 0), ("collect", 0), ("track", 0)],
)
def test_a_full_disk_is_reported_and_the_next_run_completes(
    commands: Trackers, disk: disks.SmallDisk, name: str, kilobytes: int
) -> None:
    before = written(disk.folder)
    disk.leave(kilobytes)
    one_line(commands.run(disk.folder, *COMMANDS[name]), *FULL)
    # Nothing is lost, and of what was made before the disk was full nothing is cut.
    left = written(disk.folder)
    assert before.items() <= left.items()
    assert tiny.drafts(disk.folder) == []
    disk.make_space()
    ended = commands.run(disk.folder, *COMMANDS[name])
    assert ended.code == 0, ended.stderr
    whole = written(disk.folder)
    assert {path: whole[path] for path in left} == left


@pytest.mark.parametrize("name", COMMANDS)
def test_a_disk_that_cannot_be_written_to_is_reported(
    commands: Trackers, disk: disks.SmallDisk, name: str
) -> None:
    before = written(disk.folder)
    disk.remount("ro")
    ended = commands.run(disk.folder, *COMMANDS[name])
    one_line(ended, "cannot be written")
    assert written(disk.folder) == before


PLACES = {"TMPDIR": "TMPDIR", "HOME": "XDG_CACHE_HOME"}
"""Variables that name a place of scratch files, and the one to set instead."""


@pytest.mark.parametrize("state", ["full", "read-only"])
@pytest.mark.parametrize("variable", PLACES)
def test_a_place_of_scratch_files_without_room_is_named(
    commands: Trackers, finished: Path, tmp_path: Path, variable: str, state: str
) -> None:
    folder = trackers.copied(finished, tmp_path / "work")
    # What make asks before it starts Snakemake.
    words = ("grid", "config.yaml", "--name")
    environment = {"XDG_CACHE_HOME": "", variable: str(tmp_path / "disk")}
    with disks.small_disk(tmp_path / "disk") as disk:
        disk.leave(0) if state == "full" else disk.remount("ro")
        ended = commands.run(folder, *words, environment=environment)
    one_line(ended, f"; set {PLACES[variable]} to a folder with room")


def test_the_workflow_names_a_full_folder_of_temporary_files(tmp_path: Path) -> None:
    project = tiny.project(tmp_path / "project")
    with disks.small_disk(tmp_path / "disk") as disk:
        disk.leave(0)
        words = [sys.executable, "-m", "snakemake", "-n", "--configfile", "tiny.yaml"]
        environment = os.environ | {"TMPDIR": str(disk.folder)}
        ended = subprocess.run(
            words, cwd=project, env=environment, capture_output=True, text=True, check=False
        )
    assert ended.returncode == 2
    assert ended.stderr.rstrip().endswith("; set TMPDIR to a folder with room")
    assert "Traceback" not in ended.stderr
