"""Cells that are finished while their job is not."""

from __future__ import annotations

import os
from pathlib import Path

import netCDF4
import pytest

from mechcore.analysis.collect import KEPT, TABLES, measured
from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.io.netcdf import read_dataset, write_dataset
from mechcore.jobs.resume import forget_finished, replace_by_link, second_name, take_finished
from mechcore.simulation.reading import holds_trajectories
from mechcore.simulation.run import simulate

CELL = Cell(kernel="dct", activation="relu", size=2, betas=[0.5], steps=8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the place of trajectories whose second name is there."""
    path = tmp_path / "trajectories" / f"{CELL.id}.nc"
    write_dataset(simulate(CELL), second_name(path))
    return path


def test_a_finished_cell_gets_its_file_back_without_another_copy(path: Path) -> None:
    assert take_finished(CELL, path)
    assert holds_trajectories(path, CELL)
    assert path.samefile(second_name(path))
    assert not list(path.parent.glob(".*"))


def test_a_cell_with_other_settings_or_other_code_is_not_finished(path: Path) -> None:
    assert not take_finished(CELL.model_copy(update={"steps": 9}), path)
    write_dataset(read_dataset(second_name(path)).assign_attrs(core_hash="0"), second_name(path))
    assert not take_finished(CELL, path)
    assert not path.exists()


@pytest.mark.parametrize("damage", ["changed", "cut", "empty", "absent"])
def test_a_damaged_cell_is_not_finished(path: Path, damage: str) -> None:
    other = second_name(path)
    if damage == "changed":
        with netCDF4.Dataset(other, "a") as file:
            file["mu_x"][...] = file["mu_x"][...] + 1e-12
    elif damage == "absent":
        other.unlink()
    else:
        other.write_bytes(other.read_bytes()[:999] if damage == "cut" else b"")
    assert not take_finished(CELL, path)


def test_a_disk_without_second_names_gets_a_copy(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*names: str) -> None:
        assert len(names) == 2
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    replace_by_link(second_name(path), path)
    assert path.read_bytes() == second_name(path).read_bytes()
    assert not path.samefile(second_name(path))


def test_what_is_collected_has_one_name(path: Path) -> None:
    take_finished(CELL, path)
    for one in (path, second_name(path)):
        one.with_name(f".abcdefgh.{path.name}").touch()
    foreign = second_name(path).with_name("other.nc")
    foreign.touch()
    forget_finished(path.parent, [CELL.id])
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    # That of a cell of another grid stays, until it is collected.
    assert [one.name for one in foreign.parent.iterdir()] == ["other.nc"]
    forget_finished(path.parent, [CELL.id, "other"])
    assert not foreign.parent.exists()
    forget_finished(path.parent, [CELL.id])


def test_names_are_found_from_inside_of_the_folder(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.parent.mkdir()
    monkeypatch.chdir(path.parent)
    assert take_finished(CELL, Path(path.name))
    assert measured(Path(path.name), CELL).keys() == TABLES.keys()


def test_measurements_are_kept_whatever_happens_to_the_time_of_a_file(path: Path) -> None:
    take_finished(CELL, path)
    first = measured(path, CELL)
    kept = path.parents[1] / KEPT / f"{CELL.id}.json"
    made = kept.stat().st_mtime_ns
    os.utime(path, (0, 0))
    assert measured(path, CELL) == first
    assert kept.stat().st_mtime_ns == made
    write_dataset(simulate(CELL.model_copy(update={"seed": 1})), path)
    with pytest.raises(MechcoreError, match="made with other settings"):
        measured(path, CELL)
