"""Files are complete or absent, and what killed writers left goes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mechcore.errors import MechcoreError
from mechcore.io.atomic import SECONDS_OF_WRITING, link_or_copy, replace_file


@pytest.mark.parametrize(
    ("name", "age", "remains"),
    [
        (".abcdefgh.file", SECONDS_OF_WRITING + 60, False),
        (".abcdefgh.file", 0, True),
        (".abcdefgh.other.file", SECONDS_OF_WRITING + 60, True),
    ],
    ids=["of a dead writer", "of a living writer", "of another file"],
)
def test_old_drafts_of_the_same_file_are_removed(
    tmp_path: Path, name: str, age: float, remains: bool
) -> None:
    draft = tmp_path / name
    draft.touch()
    then = draft.stat().st_mtime - age
    os.utime(draft, (then, then))
    replace_file(tmp_path / "file", lambda path: path.write_text("new"))
    assert (tmp_path / "file").read_text() == "new"
    assert draft.exists() is remains


def test_a_draft_that_another_writer_has_just_renamed_is_no_error(tmp_path: Path) -> None:
    # It is listed, and is no longer there: as a link to nothing.
    (tmp_path / ".abcdefgh.file").symlink_to("nowhere")
    replace_file(tmp_path / "file", lambda path: path.write_text("new"))
    link_or_copy(tmp_path / "file", tmp_path / "second")
    assert (tmp_path / "second").read_text() == "new"


def test_a_link_that_leads_nowhere_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "file").symlink_to("nowhere")
    replace_file(tmp_path / "file", lambda path: path.write_text("new"))
    assert not (tmp_path / "file").is_symlink()
    assert (tmp_path / "file").read_text() == "new"


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")

    def fail(draft: Path) -> None:
        draft.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replace_file(target, fail)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]


def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    def fail(draft: Path) -> None:
        raise OSError(28, "No space left on device", str(draft))

    with pytest.raises(MechcoreError, match=r"file\.nc: cannot be written: No space left[^\n]*$"):
        replace_file(tmp_path / "file.nc", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_written_file_has_the_usual_permissions(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        replace_file(tmp_path / "file", lambda draft: draft.write_text("x"))
    finally:
        os.umask(old)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640
