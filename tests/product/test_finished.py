"""Cells that are finished while their job is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mechcore.cells import Cell
from mechcore.finished import forget_finished, link, second_name, take_finished
from mechcore.simulation import simulate
from mechcore.storage import is_result_of, read_dataset, write_dataset

CELL = Cell(kernel="dct", activation="relu", size=2, betas=[0.5], steps=8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the place of trajectories whose second name is there."""
    path = tmp_path / "trajectories" / f"{CELL.id}.nc"
    write_dataset(simulate(CELL), second_name(path))
    return path


def test_a_finished_cell_gets_its_file_back_without_another_copy(path: Path) -> None:
    assert take_finished(CELL, path)
    assert is_result_of(CELL, path)
    assert path.samefile(second_name(path))
    assert not list(path.parent.glob(".*"))


def test_a_cell_with_other_settings_or_other_code_is_not_finished(path: Path) -> None:
    assert not take_finished(CELL.model_copy(update={"steps": 9}), path)
    write_dataset(read_dataset(second_name(path)).assign_attrs(core_hash="0"), second_name(path))
    assert not take_finished(CELL, path)
    assert not path.exists()


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "absent"])
def test_a_damaged_cell_is_not_finished(path: Path, damage: str) -> None:
    data = bytearray(second_name(path).read_bytes())
    data[len(data) // 2] ^= 1
    found = {"flipped": bytes(data), "cut": bytes(data[:999]), "empty": b""}
    second_name(path).unlink()
    if damage in found:
        second_name(path).write_bytes(found[damage])
    assert not take_finished(CELL, path)


def test_a_disk_without_second_names_gets_a_copy(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*names: str) -> None:
        assert len(names) == 2
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    link(second_name(path), path)
    assert path.read_bytes() == second_name(path).read_bytes()
    assert not path.samefile(second_name(path))


def test_what_is_collected_has_one_name(path: Path) -> None:
    take_finished(CELL, path)
    draft = path.with_name(f".abcdefgh.{path.name}")
    draft.touch()
    forget_finished(path.parent)
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert not second_name(path).parent.exists()
    forget_finished(path.parent)
