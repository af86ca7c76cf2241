"""Result files that are cut, changed or exchanged: whoever reads one names it and ends."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import netCDF4
import pytest

from mechcore.experiment.config import load_experiment
from mechcore.io.netcdf import CONTENT_HASH
from mechcore.results.expected_files import ExpectedFile, expected_files, problem
from tests.faults import tiny
from tests.helpers import trackers

NAME = "trajectories/dct-relu-k2.nc"
OTHER = "trajectories/dct-modulus-k2.nc"
DEVIATIONS = "results/tiny/deviations.csv"
"""What reads the trajectories after the cells are collected."""


@pytest.fixture(scope="module")
def expected() -> dict[str, ExpectedFile]:
    return {file.path: file for file in expected_files(load_experiment(trackers.CONFIG))}


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def edit(path: Path) -> None:
    with netCDF4.Dataset(path, "a") as file:
        file["mu_x"][...] = file["mu_x"][...] + 1e-12


def forge(path: Path) -> None:
    with netCDF4.Dataset(path, "a") as file:
        file.setncattr(CONTENT_HASH, "0" * 64)


def exchange(path: Path) -> None:
    shutil.copy(path.parents[1] / OTHER, path)


def foreign(path: Path) -> None:
    with netCDF4.Dataset(path, "w") as file:
        file.title = "not of this project"


def replace_by(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def replace(path: Path) -> None:
        path.unlink()
        make(path)

    return replace


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (cut, "not a readable netCDF file"),
    "edited": (edit, "damaged: its content"),
    "forged": (forge, "damaged: its content"),
    "exchanged": (exchange, "made with other settings (activation)"),
    "foreign": (replace_by(foreign), "format version None"),
    "empty": (lambda path: path.write_bytes(b""), "not a readable netCDF file"),
    "text": (lambda path: path.write_text("text"), "not a readable netCDF file"),
    "folder": (replace_by(Path.mkdir), "not a file"),
    "pipe": (replace_by(os.mkfifo), "not a file"),
}


def test_intact_files_have_no_problem(finished: Path, expected: dict[str, ExpectedFile]) -> None:
    results = finished / "results"
    assert [problem(results, file) for file in expected.values()] == [""] * len(expected)


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_reported_in_a_line_with_the_name_of_the_file(
    finished: Path, tmp_path: Path, expected: dict[str, ExpectedFile], name: str
) -> None:
    copy = Path(shutil.copytree(finished / "results", tmp_path / "results"))
    damage, reason = DAMAGES[name]
    damage(copy / NAME)
    line = problem(copy, expected[NAME])
    assert line.startswith(f"{copy / NAME}: ")
    assert reason in line
    assert "\n" not in line


def test_the_workflow_names_a_damaged_file_and_makes_it_again_once_it_is_deleted(
    tmp_path: Path,
) -> None:
    project = tiny.project(tmp_path / "project")
    assert tiny.snakemake(project).returncode == 0
    results = project / "results" / "tiny"
    before = tiny.contents(results)
    edit(results / NAME)
    ended = tiny.snakemake(project, target=DEVIATIONS)
    assert ended.returncode == 1
    (line,) = [
        line for line in ended.stderr.splitlines() if f"{NAME}: damaged: its content" in line
    ]
    assert "delete it and run the workflow" in line
    after = tiny.contents(results)
    assert after.keys() == before.keys()
    assert {name for name in before if after[name] != before[name]} == {NAME}
    (results / NAME).unlink()
    ended = tiny.snakemake(project, target=DEVIATIONS)
    assert ended.returncode == 0, ended.stderr
    assert before.items() <= tiny.contents(results).items()
