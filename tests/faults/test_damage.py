"""Result files that are cut, changed or of something else: told by name, computed again."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.experiment.config import load_experiment
from mechcore.experiment.films import film_cells
from mechcore.experiment.grid import expand
from mechcore.io.netcdf import CONTENT_HASH, content_hash, read_dataset
from mechcore.jobs.damage import MEMORY, Planned, damaged_files, planned_files, reasons
from tests.faults import tiny
from tests.helpers import experiments, trackers

FLIPS = 40
"""Bits that are flipped, one a file: in data, attributes, and what the library needs to read."""

READER = """
import os, signal
from mechcore.jobs import damage as integrity

def damage(*_):
    {end}

integrity.damage = damage
integrity._answer_questions()
"""
"""The process that reads, on a machine with too little memory."""

NAME = "trajectories/dct-relu-k2.nc"
OTHER = "trajectories/dct-modulus-k2.nc"


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    experiments.run(folder, trackers.CONFIG)
    return folder


@pytest.fixture(scope="module")
def planned() -> list[Planned]:
    experiment = load_experiment(trackers.CONFIG)
    return planned_files(experiment, expand(experiment), film_cells(experiment), {})


@pytest.fixture(scope="module")
def known(results: Path, planned: list[Planned], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give results that were found whole: a copy of them is known by its bytes, without reading."""
    folder = shutil.copytree(results, tmp_path_factory.mktemp("known") / "results")
    assert damaged_files(planned, folder) == {}
    return Path(folder)


@pytest.fixture
def copy(results: Path, tmp_path: Path) -> Path:
    """Give results that a test may damage."""
    return Path(shutil.copytree(results, tmp_path / "results"))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def edit(path: Path) -> None:
    with netCDF4.Dataset(path, "a") as file:
        file["mu_x"][...] = file["mu_x"][...] + 1e-12


def forge(path: Path) -> None:
    with netCDF4.Dataset(path, "a") as file:
        file.setncattr(CONTENT_HASH, "0" * 64)


def swap(path: Path) -> None:
    shutil.copy(path.parents[1] / OTHER, path)


def of_others(path: Path) -> None:
    path.unlink()
    with netCDF4.Dataset(path, "w") as file:
        file.title = "not of this project"


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (cut, "not a readable netCDF file"),
    "edited": (edit, "damaged: its content does not match its hash"),
    "forged": (forge, "damaged: its content does not match its hash"),
    "swapped": (swap, "made with other settings (activation)"),
    "of others": (of_others, "format version None"),
    "empty": (lambda path: path.write_bytes(b""), "not a readable netCDF file"),
    "text": (lambda path: path.write_text("text"), "not a readable netCDF file"),
    "folder": (folder, "is no file"),
    "pipe": (pipe, "is no file"),
}


def test_whole_files_are_whole_and_remembered(copy: Path, planned: list[Planned]) -> None:
    assert damaged_files(planned, copy, remember=False) == {}
    assert not (copy / MEMORY).exists()
    assert damaged_files(planned, copy) == {}
    assert (copy / MEMORY).exists()
    # What is remembered is not read again: there is no time to.
    assert damaged_files(planned, copy, seconds=0) == {}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_told_by_name_whatever_the_times_say(
    known: Path, tmp_path: Path, planned: list[Planned], name: str
) -> None:
    copy = Path(shutil.copytree(known, tmp_path / "results"))
    damage, reason = DAMAGES[name]
    path, before = copy / NAME, (copy / NAME).stat()
    damage(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    found = damaged_files(planned, copy)
    assert list(found) == [str(path)]
    assert reason in found[str(path)]
    assert "\n" not in found[str(path)]


def test_damage_is_told_until_the_file_is_made_again(copy: Path) -> None:
    planned = [Planned(NAME, Cell.from_json(str(read_dataset(copy / NAME).attrs["cell"])))]
    whole = (copy / NAME).read_bytes()
    cut(copy / NAME)
    found = [damaged_files(planned, copy) for _ in range(2)]
    assert found[0] == found[1] != {}
    (copy / NAME).write_bytes(whole)
    assert damaged_files(planned, copy) == {}


def test_reasons_are_those_of_files_whatever_is_remembered(copy: Path) -> None:
    cut(copy / NAME)
    state = (copy / NAME).stat()
    seen = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino, "0" * 64]
    (copy / MEMORY).write_text(json.dumps({NAME: seen}))
    planned = [Planned(NAME), Planned("controls.nc", title="nowhere")]
    (copy / "controls.nc").unlink()
    assert damaged_files(planned, copy) == {}
    assert list(reasons(planned, copy)) == [NAME]


def test_a_flipped_bit_is_told_unless_nobody_reads_it(copy: Path, rng: np.random.Generator) -> None:
    """Of a netCDF file many bytes are padding: then the content is what it was."""
    whole = (copy / NAME).read_bytes()
    content = read_dataset(copy / NAME)
    names = [f"trajectories/{number}.nc" for number in range(FLIPS)]
    for name, bit in zip(names, rng.integers(8 * len(whole), size=FLIPS), strict=True):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        (copy / name).write_bytes(flipped)
    cell = Cell.from_json(str(content.attrs["cell"]))
    found = damaged_files([Planned(name, cell) for name in names], copy, seconds=10)
    assert found
    for name in names:
        if str(copy / name) not in found:
            assert content_hash(read_dataset(copy / name)) == content_hash(content)


def test_a_file_that_cannot_be_read_in_time_is_told(copy: Path) -> None:
    # As one is in which the library loops: nothing is read in no time.
    planned = [Planned("controls.nc")]
    found = damaged_files(planned, copy, seconds=0)
    assert found == {str(copy / "controls.nc"): "cannot be read: it takes longer than 0 s"}


def test_files_are_not_called_damaged_where_none_can_be_read(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    with pytest.raises(MechcoreError, match="result files cannot be checked"):
        damaged_files([Planned("controls.nc")], copy)


@pytest.mark.parametrize("end", ["raise MemoryError", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_files_are_not_called_damaged_where_memory_is_used_up(
    copy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: str
) -> None:
    reader, python = tmp_path / "reader.py", tmp_path / "python"
    reader.write_text(READER.format(end=end))
    python.write_text(f"#!/bin/sh\nexec {shlex.quote(sys.executable)} {reader}\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(MechcoreError, match=r"not enough memory to read .*controls\.nc"):
        damaged_files([Planned("controls.nc")], copy)


def test_reading_refuses_what_does_not_have_its_hash(copy: Path) -> None:
    edit(copy / NAME)
    with pytest.raises(MechcoreError, match=r"dct-relu-k2\.nc: damaged: its content"):
        read_dataset(copy / NAME)


def test_the_workflow_computes_again_what_is_damaged_and_nothing_else(tmp_path: Path) -> None:
    project = tiny.project(tmp_path / "project")
    assert tiny.snakemake(project).returncode == 0
    results = project / "results" / "tiny"
    whole, inode = tiny.contents(results), (results / OTHER).stat().st_ino
    edit(results / NAME)
    ended = tiny.snakemake(project)
    assert ended.returncode == 0
    assert f"results/tiny/{NAME}: damaged: its content does not have" in ended.stderr
    assert tiny.contents(results) == whole
    assert (results / OTHER).stat().st_ino == inode
