"""Backup links of cells that are finished while the job that they share is not."""

from __future__ import annotations

import os
from pathlib import Path

import netCDF4
import pytest

from mechcore.experiment.cell import Cell
from mechcore.io.netcdf import read_dataset, write_dataset
from mechcore.jobs.resume import forget_finished, replace_by_link, simulate_once
from mechcore.simulation.reading import holds_trajectories
from mechcore.simulation.run import simulate

CELL = Cell(kernel="dct", activation="relu", size=2, betas=[0.5], steps=8)


@pytest.fixture
def second(tmp_path: Path) -> Path:
    path = tmp_path / "finished" / f"{CELL.id}.nc"
    write_dataset(simulate(CELL), path)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trajectories" / f"{CELL.id}.nc"


def test_a_finished_cell_gets_its_file_back_without_another_copy(path: Path, second: Path) -> None:
    inode = second.stat().st_ino
    assert not simulate_once(CELL, path, second.parent)
    assert path.stat().st_ino == second.stat().st_ino == inode
    assert not list(path.parent.glob(".*"))


def test_a_cell_with_other_settings_or_other_code_runs(path: Path, second: Path) -> None:
    other = CELL.model_copy(update={"steps": 9})
    assert simulate_once(other, path, second.parent)
    assert holds_trajectories(path, other)
    write_dataset(read_dataset(second).assign_attrs(core_hash="0"), second)
    assert simulate_once(other, path, second.parent)
    assert holds_trajectories(path, other)


@pytest.mark.parametrize("damage", ["changed", "cut", "empty", "absent"])
def test_a_damaged_cell_runs_again(path: Path, second: Path, damage: str) -> None:
    if damage == "changed":
        with netCDF4.Dataset(second, "a") as file:
            file["mu_x"][...] = file["mu_x"][...] + 1e-12
    elif damage == "absent":
        second.unlink()
    else:
        second.write_bytes(second.read_bytes()[:999] if damage == "cut" else b"")
    assert simulate_once(CELL, path, second.parent)
    assert holds_trajectories(path, CELL)
    assert path.samefile(second)


def test_a_disk_without_second_names_gets_a_copy(
    path: Path, second: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*names: str) -> None:
        assert len(names) == 2
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    replace_by_link(second, path)
    assert path.read_bytes() == second.read_bytes()
    assert not path.samefile(second)


def test_collected_cells_have_one_name_and_others_keep_theirs(second: Path) -> None:
    second.with_name(f".abcdefgh.{second.name}").touch()
    foreign = second.with_name("other.nc")
    foreign.touch()
    # What cannot be removed keeps nothing else.
    stuck = second.with_name(".abcdefgi.nc")
    stuck.mkdir()
    forget_finished(second.parent, [CELL.id])
    assert set(foreign.parent.iterdir()) == {foreign, stuck}
    stuck.rmdir()
    forget_finished(second.parent, [CELL.id, "other"])
    assert not foreign.parent.exists()
    forget_finished(second.parent, [CELL.id])
