"""Bad input ends in one clear line and exit code 2; nothing is written, within or without."""

from __future__ import annotations

import os
import random
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from mechcore.cli import app
from tests.faults import bad_arrays, bad_commands, bad_configs, bad_networks, bad_weights
from tests.faults.cases import Case
from tests.helpers.isolation import Ended, run_limited
from tests.helpers.projects import PROJECT, copy_project, snakemake

CORPUS: list[Case] = [
    *bad_configs.cases(),
    *bad_arrays.cases(),
    *bad_weights.cases(),
    *bad_networks.cases(),
    *bad_commands.cases(),
]

LONGEST_LINE = 500

SAMPLED = random.Random(20251231).sample([case for case in CORPUS if not case.package], 4)
"""What also runs as a user runs it."""


def listing(folder: Path) -> dict[Path, tuple[int, int, int, bytes]]:
    """All that is in a folder: kinds, times, sizes and contents."""
    entries = {}
    for path in folder.rglob("*"):
        status = path.lstat()
        small = stat.S_ISREG(status.st_mode) and status.st_size < 2**24
        content = path.read_bytes() if small else b""
        entries[path] = (status.st_mode, status.st_mtime_ns, status.st_size, content)
    return entries


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "world" / "outside").mkdir(parents=True)
    (tmp_path / "world" / "outside" / "secret").write_text("root:x:0:0")
    folder = tmp_path / "world" / "work"
    for name in ("folder.npy", "folder.npz", "folder"):
        (folder / name).mkdir(parents=True)
    bad_commands.write_sound_files(folder)
    (folder / "zero.npy").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.png")
    (folder / "loop").symlink_to("loop")
    for name in ("sweep.json", "benchmarks/collect.tsv", "trajectories/dct-relu-k2.nc"):
        (folder / "pipes" / name).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(folder / "pipes" / name)
    return folder


def run_in_a_process(words: tuple[str, ...], folder: Path) -> Ended:
    command = [sys.executable, "-m", "mechcore", *words]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def check(case: Case, folder: Path, run: Callable[[tuple[str, ...], Path], Ended]) -> None:
    if case.make:
        case.make(folder / case.file)
    before = listing(folder.parent)
    ended = run(case.words, folder)
    assert (ended.code, ended.output) == (2, ""), ended
    (line,) = ended.errors.splitlines()
    assert line.startswith("mechcore: ")
    assert line.isprintable()
    assert len(line) < LONGEST_LINE
    assert all(part in line for part in case.message), line
    assert listing(folder.parent) == before


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_bad_input_ends_in_one_line(place: Path, case: Case) -> None:
    if case.package:
        pytest.importorskip(case.package)
    check(case, place, run_limited)


@pytest.mark.parametrize("case", SAMPLED, ids=lambda case: case.name)
def test_it_does_so_in_a_process_of_its_own(place: Path, case: Case) -> None:
    check(case, place, run_in_a_process)


def test_pipes_among_results_and_logs_are_not_waited_for(place: Path) -> None:
    words = ("verify", *bad_commands.EXPERIMENT, "--results", "pipes", "--logs", "pipes")
    ended = run_limited(words, place)
    assert ended.code == 1
    assert "dct-relu-k2.nc: missing, expected a netCDF file" in ended.output


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("dry") / "project")


SHELL = bad_configs.CHANGED["experiment '$(touch pwned)'"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (yaml.dump(bad_configs.GOOD | SHELL[0]), SHELL[1]),
        # Snakemake's own reader takes both.
        bad_configs.TEXTS["a key twice"],
        bad_configs.TEXTS["an octal number"],
    ],
)
def test_a_dry_run_of_the_workflow_does_so(
    project: Path, text: str, message: tuple[str, ...]
) -> None:
    (project / "bad.yaml").write_text(text)
    ended = snakemake(project, "-n", config="bad.yaml")
    assert ended.returncode == 2
    (line,) = (line for line in ended.stderr.splitlines() if not line.startswith("Using "))
    assert line.startswith("bad.yaml: ")
    assert all(part in line for part in message)
    assert [path.name for path in project.parent.iterdir()] == ["project"]
    assert {"results", "reports", "logs"}.isdisjoint(path.name for path in project.iterdir())


STATED = {
    "README.md": (" ", " kinds of bad input "),
    "docs/trust.md": (": ", " cases (`tests/faults/"),
}
"""Where the documents state the size of the corpus: what is before it, and behind."""


def test_the_documents_state_the_size_of_the_corpus() -> None:
    assert len({case.name for case in CORPUS}) == len(CORPUS)
    for name, (before, after) in STATED.items():
        assert f"{before}{len(CORPUS)}{after}" in (PROJECT / name).read_text("utf-8")


def test_every_subcommand_is_in_the_corpus() -> None:
    assert {command.name for command in app.registered_commands} == set(bad_commands.REQUIRED)
