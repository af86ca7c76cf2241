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
from mechcore.verification.experiment import Extent, verify
from tests.faults import tiny
from tests.helpers import experiments, trackers

NAME = "trajectories/dct-relu-k2.nc"
OTHER = "trajectories/dct-modulus-k2.nc"
SWEEP = "results/tiny/sweep.json"
"""What reads the trajectories after the cells are collected."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    experiments.run(folder, trackers.CONFIG)
    return folder


def problems(results: Path) -> list[str]:
    """Return what verification says of the files of results."""
    experiment = load_experiment(trackers.CONFIG)
    return verify(experiment, results, Extent(1, 1)).checks[0].failures


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


def replace_by_foreign(path: Path) -> None:
    path.unlink()
    with netCDF4.Dataset(path, "w") as file:
        file.title = "not of this project"


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (cut, "not a readable netCDF file"),
    "edited": (edit, "damaged: its content"),
    "forged": (forge, "damaged: its content"),
    "exchanged": (exchange, "made with other settings (activation)"),
    "foreign": (replace_by_foreign, "format version None"),
    "empty": (lambda path: path.write_bytes(b""), "not a readable netCDF file"),
    "text": (lambda path: path.write_text("text"), "not a readable netCDF file"),
    "folder": (replace_by_folder, "missing, expected a netCDF file"),
    "pipe": (replace_by_pipe, "missing, expected a netCDF file"),
}


def test_intact_files_have_no_problem(results: Path) -> None:
    assert problems(results) == []


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_reported_in_a_line_with_the_name_of_the_file(
    results: Path, tmp_path: Path, name: str
) -> None:
    copy = Path(shutil.copytree(results, tmp_path / "results"))
    damage, reason = DAMAGES[name]
    damage(copy / NAME)
    (line,) = problems(copy)
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
    ended = tiny.snakemake(project, target=SWEEP)
    assert ended.returncode == 1
    (line,) = [
        line for line in ended.stderr.splitlines() if f"{NAME}: damaged: its content" in line
    ]
    assert "delete it and run the workflow" in line
    (results / NAME).unlink()
    ended = tiny.snakemake(project, target=SWEEP)
    assert ended.returncode == 0, ended.stderr
    assert before.items() <= tiny.contents(results).items()
