"""The commit of the code, and whether it was changed since."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mechcore.io import environment


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


def test_outside_version_control_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "PACKAGE", tmp_path)
    assert environment.git_commit() is None
    assert environment.git_is_dirty() is None
