"""A disk that is full, or cannot be written to: one clear line, nothing half-written, no loss."""

from __future__ import annotations

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
