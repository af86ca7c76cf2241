"""Result files that are cut, changed or exchanged: verification names each in one line."""

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
from tests.helpers.trackers import CONFIG


def edit(path: Path) -> None:
    with netCDF4.Dataset(path, "a") as file:
        file["mu_x"][...] = file["mu_x"][...] + 1e-12


def forge(path: Path) -> None:
    with netCDF4.Dataset(path, "a") as file:
        file.setncattr(CONTENT_HASH, "0" * 64)


def replace_by_foreign(path: Path) -> None:
    path.unlink()
    with netCDF4.Dataset(path, "w") as file:
        file.title = "not of this project"


def replaced(make: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda path: (path.unlink(), make(path))


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (lambda path: os.truncate(path, path.stat().st_size // 2), "not a readable netCDF file"),
    "edited": (edit, "damaged: its content"),
    "forged": (forge, "damaged: its content"),
    "exchanged": (
        lambda path: shutil.copy(path.with_name("dct-modulus-k2.nc"), path),
        "made with other settings (activation)",
    ),
    "foreign": (replace_by_foreign, "format version None"),
    "empty": (lambda path: path.write_bytes(b""), "not a readable netCDF file"),
    "text": (lambda path: path.write_text("text"), "not a readable netCDF file"),
    "folder": (replaced(Path.mkdir), "missing, expected a netCDF file"),
    "pipe": (replaced(os.mkfifo), "missing, expected a netCDF file"),
}


def problems(results: Path) -> list[str]:
    return verify(load_experiment(CONFIG), results, Extent(1, 1)).checks[0].failures


def test_intact_files_have_no_problem(simulated: Path) -> None:
    assert problems(simulated) == []


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_reported_in_a_line_with_the_name_of_the_file(results: Path, name: str) -> None:
    damage, reason = DAMAGES[name]
    path = results / "trajectories" / "dct-relu-k2.nc"
    damage(path)
    (line,) = problems(results)
    assert line.startswith(f"{path}: ")
    assert reason in line
