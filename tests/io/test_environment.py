"""Facts about code, libraries and machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mechcore.io import environment
from mechcore.io.environment import THREAD_LIMITS, UNKNOWN, Environment, current_environment
from mechcore.io.provenance import COMPUTING


def test_the_environment_tells_what_can_change_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(THREAD_LIMITS):
        monkeypatch.setenv(name, str(number))
    environment = current_environment()
    assert environment.threads == {name: str(number) for number, name in enumerate(THREAD_LIMITS)}
    assert environment.blas != UNKNOWN
    assert environment.cores == os.cpu_count()
    assert set(COMPUTING) < set(environment.libraries)
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    assert current_environment().target == "generic" != environment.target


def test_an_environment_of_an_older_version_is_still_read() -> None:
    new = ("target", "vector_instructions", "blas")
    known = current_environment().model_dump(exclude=set(new))
    older = Environment.model_validate(known)
    assert [getattr(older, name) for name in new] == [UNKNOWN] * 3


def test_a_report_that_is_made_again_is_no_local_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, page = tmp_path / "mechcore" / "__init__.py", tmp_path / "reports" / "README.md"
    for path in (code, page):
        path.parent.mkdir()
        path.write_text("one")
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    monkeypatch.setattr(environment, "PACKAGE", code.parent)
    page.unlink()
    assert environment.git_is_dirty() is False
    code.write_text("two")
    assert environment.git_is_dirty() is True
    # Outside of version control nothing is known.
    monkeypatch.setattr(environment, "PACKAGE", tmp_path.parent)
    assert environment.git_commit() is None
    assert environment.git_is_dirty() is None


def test_the_commit_of_a_checkout_of_another_user_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "mechcore"
    package.mkdir()
    (package / "__init__.py").touch()
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    monkeypatch.setattr(environment, "PACKAGE", package)
    known = environment.git_commit()
    # As git's own tests do it, and without what this machine allows.
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    assert subprocess.run(["git", "status"], cwd=tmp_path, capture_output=True).returncode == 128
    assert environment.git_commit() == known is not None
    assert environment.git_is_dirty() is None
