"""The state of the code: in every file that is computed, and asked for once in a workflow."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mechcore.experiment.cell import Cell
from mechcore.io import code_state as module
from mechcore.io.code_state import (
    LONGEST_DIFF,
    UNKNOWN,
    VARIABLE,
    CodeState,
    announce_code_state,
    code_state,
    state_by_git,
)
from mechcore.io.netcdf import read_attributes, write_dataset
from mechcore.simulation.run import simulate

CELL = Cell(kernel="dct", activation="relu", size=2, betas=[0.5], steps=4, engine="reference")


@pytest.fixture(autouse=True)
def nothing_announced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Restored afterwards, also if a test sets it.
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.delenv(VARIABLE)
    code_state.cache_clear()
    yield
    code_state.cache_clear()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package under version control, and a report."""
    for name in ("mechcore/__init__.py", "reports/README.md"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("one\n")
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    monkeypatch.setattr(module, "PACKAGE", tmp_path / "mechcore")
    return tmp_path


def test_a_cell_keeps_the_code_that_computed_it(checkout: Path, tmp_path: Path) -> None:
    code = checkout / "mechcore" / "__init__.py"
    code.write_text("two\n")
    path = tmp_path / "cell.nc"
    write_dataset(simulate(CELL), path)
    # As git checkout does, before the results are tracked.
    code.write_text("one\n")
    attributes = read_attributes(path)
    assert len(str(attributes["code_commit"])) == 40
    assert attributes["code_dirty"] == "true"
    assert str(attributes["code_diff"]).endswith("\n-one\n+two")
    assert state_by_git() == CodeState(str(attributes["code_commit"]), "false")


def test_the_content_of_a_file_does_not_depend_on_the_commit(
    checkout: Path, tmp_path: Path
) -> None:
    hashes = set()
    for text in ("one", "two"):
        (checkout / "mechcore" / "__init__.py").write_text(f"{text}\n")
        code_state.cache_clear()
        write_dataset(simulate(CELL), tmp_path / "cell.nc")
        hashes.add(read_attributes(tmp_path / "cell.nc")["content_sha256"])
    assert len(hashes) == 1


def test_a_report_that_is_made_again_is_no_local_change(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / "reports" / "README.md").unlink()
    assert state_by_git().dirty == "false"
    (checkout / "mechcore" / "__init__.py").write_text("long\n" * LONGEST_DIFF)
    assert (state_by_git().dirty, len(state_by_git().diff)) == ("true", LONGEST_DIFF)
    # Outside of version control nothing is known.
    monkeypatch.setattr(module, "PACKAGE", checkout.parent)
    assert state_by_git() == CodeState(UNKNOWN, UNKNOWN)


def test_jobs_believe_the_workflow_unless_the_code_was_edited_since(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announce_code_state()
    before = code_state()
    (checkout / "mechcore" / "__init__.py").write_text("two\n")
    code_state.cache_clear()
    assert code_state() == before
    monkeypatch.setattr(module, "code_fingerprint", lambda room: f"another {room}")
    code_state.cache_clear()
    assert code_state().dirty == "true"


def test_the_commit_of_a_checkout_of_another_user_is_recorded(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = state_by_git().commit
    # As git's own tests do it, and without what this machine allows.
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    assert subprocess.run(["git", "status"], cwd=checkout, capture_output=True).returncode == 128
    assert state_by_git() == CodeState(commit, UNKNOWN)
    assert commit != UNKNOWN
