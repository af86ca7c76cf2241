"""Drafts: those of dead writers are removed, those of living ones are left to them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mechcore.io import atomic as drafts
from mechcore.io.atomic import SECONDS_OF_WRITING, replace_file

OTHER = "0" * 8


@pytest.fixture(scope="module")
def dead() -> str:
    """Give the number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return str(process.pid)


def draft(folder: Path, machine: str, boot: str, process: str, *, old: bool = False) -> Path:
    path = folder / f".{machine}-{boot}-{process}-abcdefgh.file"
    path.touch()
    if old:
        then = path.stat().st_mtime - SECONDS_OF_WRITING - 60
        os.utime(path, (then, then))
    return path


def write(folder: Path) -> None:
    replace_file(folder / "file", lambda path: path.write_text("whole"))
    assert (folder / "file").read_text() == "whole"


@pytest.mark.parametrize("old", [False, True])
def test_a_draft_of_a_living_process_is_left_to_it(tmp_path: Path, old: bool) -> None:
    found = draft(tmp_path, drafts._machine(), drafts._boot(), str(os.getppid()), old=old)
    write(tmp_path)
    assert found.exists()


def test_a_draft_of_a_dead_process_is_removed(tmp_path: Path, dead: str) -> None:
    found = draft(tmp_path, drafts._machine(), drafts._boot(), dead)
    write(tmp_path)
    assert not found.exists()


def test_a_draft_from_before_the_machine_started_is_removed(tmp_path: Path) -> None:
    found = draft(tmp_path, drafts._machine(), OTHER, str(os.getppid()))
    write(tmp_path)
    assert not found.exists()


@pytest.mark.parametrize("old", [False, True])
def test_a_draft_of_another_machine_is_removed_when_it_is_old(
    tmp_path: Path, dead: str, old: bool
) -> None:
    found = draft(tmp_path, OTHER, OTHER, dead, old=old)
    write(tmp_path)
    assert found.exists() is not old


def test_a_draft_that_another_machine_has_just_renamed_is_no_error(tmp_path: Path) -> None:
    # It is listed, and is not there any more: as a link to nothing.
    found = tmp_path / f".{OTHER}-{OTHER}-1-abcdefgh.file"
    found.symlink_to("nowhere")
    write(tmp_path)
    assert found.is_symlink()


def test_drafts_of_other_files_are_not_looked_at(tmp_path: Path, dead: str) -> None:
    found = draft(tmp_path, drafts._machine(), OTHER, dead).rename(
        tmp_path / f".{drafts._machine()}-{OTHER}-{dead}-abcdefgh.other.file"
    )
    write(tmp_path)
    assert found.exists()


@pytest.fixture
def forgetful() -> Iterator[None]:
    """Ask for the name of the machine anew, before and after."""
    drafts._machine.cache_clear()
    yield
    drafts._machine.cache_clear()


@pytest.mark.usefixtures("forgetful")
def test_machines_of_one_name_are_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    monkeypatch.setattr("socket.gethostname", lambda: "localhost")
    for content in ("first", "second", "second"):
        (tmp_path / "id").write_text(content)
        monkeypatch.setattr(drafts, "MACHINE_ID", str(tmp_path / "id"))
        drafts._machine.cache_clear()
        names.append(drafts._machine())
    assert names[0] != names[1] == names[2]


@pytest.mark.usefixtures("forgetful")
def test_a_machine_without_an_identity_has_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "MACHINE_ID", "/nowhere")
    assert len(drafts._machine()) == 8
