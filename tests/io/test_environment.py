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
