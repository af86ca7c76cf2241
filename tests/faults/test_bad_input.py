"""Bad input ends in one clear line and exit code 2; nothing is written, within or without."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mechcore.cli import app
from tests.faults import bad_arrays, bad_commands, bad_configs, bad_weights
from tests.faults.cases import Case
from tests.helpers.isolation import run_limited
from tests.helpers.projects import PROJECT, copy_project, snakemake

CORPUS: list[Case] = [
    *bad_configs.cases(),
    *bad_arrays.cases(),
    *bad_weights.cases(),
    *bad_commands.cases(),
]

LONGEST_LINE = 500

ANYWHERE = [case for case in CORPUS if not case.package and max(map(len, case.words)) < 100_000]
SAMPLED = random.Random(20251231).sample(ANYWHERE, 8)
"""What also runs as a user runs it: Linux refuses longer words itself."""

PLANNED = [
    "experiment of a shell",
    *random.Random(20251231).sample(list(bad_configs.CHANGES), 3),
]
"""Configurations that Snakemake is given as well."""


def listing(folder: Path) -> dict[str, tuple[object, ...]]:
    """All that is in a folder: kinds, sizes, times and contents."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        small = path.is_file() and not path.is_symlink() and status.st_size < 2**24
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if small else os.fspath(path)
        found[str(path.relative_to(folder))] = (
            status.st_mode,
            status.st_mtime_ns,
            status.st_size,
            digest,
        )
    return found


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder beside another, with the names that cases use."""
    (tmp_path / "streams").mkdir()
    (tmp_path / "world" / "outside").mkdir(parents=True)
    (tmp_path / "world" / "outside" / "secret").write_text("root:x:0:0")
    folder = tmp_path / "world" / "work"
    (folder / "folder.npy").mkdir(parents=True)
    (folder / "folder.npz").mkdir()
    (folder / "folder").mkdir()
    (folder / "net.npz").touch()
    bad_commands.sound(folder)
    (folder / "zero.npy").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.png")
    return folder


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_bad_input_ends_in_one_line(place: Path, case: Case) -> None:
    if case.package:
        pytest.importorskip(case.package)
    before = prepared(place, case)
    ended = run_limited(case.words, place, place.parents[1] / "streams")
    assert (ended.code, ended.output) == (2, ""), ended
    check_line(ended.errors, case)
    assert listing(place.parent) == before


@pytest.mark.parametrize("case", SAMPLED, ids=lambda case: case.name)
def test_it_does_so_in_a_process_of_its_own(place: Path, case: Case) -> None:
    before = prepared(place, case)
    command = [sys.executable, "-m", "mechcore", *case.words]
    ended = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout) == (2, "")
    check_line(ended.stderr, case)
    assert listing(place.parent) == before


@pytest.mark.parametrize("name", PLANNED)
def test_a_dry_run_of_the_workflow_does_so(tmp_path: Path, name: str) -> None:
    folder = copy_project(tmp_path / "project")
    change, told = bad_configs.CHANGES[name]
    (folder / "bad.yaml").write_text(yaml.dump(bad_configs.GOOD | change))
    ended = snakemake(folder, "-n", config="bad.yaml")
    assert ended.returncode == 2
    (line,) = (line for line in ended.stderr.splitlines() if not line.startswith("Using "))
    for part in told:
        assert part in line
    assert [path.name for path in tmp_path.iterdir()] == ["project"]
    assert {"results", "reports", "logs"}.isdisjoint(path.name for path in folder.iterdir())


def test_the_corpus_is_as_large_as_it_is_said_to_be() -> None:
    assert len({case.name for case in CORPUS}) == len(CORPUS)
    assert f" {len(CORPUS)} kinds of bad input " in (PROJECT / "README.md").read_text("utf-8")
    assert f" {len(CORPUS)} cases " in (PROJECT / "docs" / "trust.md").read_text("utf-8")


def test_every_subcommand_is_in_the_corpus() -> None:
    assert {command.name for command in app.registered_commands} == set(bad_commands.REQUIRED)


def prepared(place: Path, case: Case) -> dict[str, tuple[object, ...]]:
    """Write the file of a case and return what is there then."""
    if case.make:
        case.make(place / case.file)
    return listing(place.parent)


def check_line(text: str, case: Case) -> None:
    """Check that a command said one clear line: what is wrong, and where."""
    (line,) = text.splitlines()
    assert line.startswith("mechcore: ")
    assert line.isprintable()
    assert len(line) < LONGEST_LINE
    for part in case.told:
        assert part in line
