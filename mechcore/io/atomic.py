"""Writes files that are complete or absent: under a temporary name, a draft, then renamed."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mechcore.errors import MechcoreError
from mechcore.io.reading import reason_not_to_open

SECONDS_OF_WRITING = 3600
"""An older draft was left by a writer that was killed: the largest file takes seconds to write."""


def replace_file(path: str | Path, write: Callable[[Path], object]) -> None:
    """Write a file under a temporary name in its folder, then rename it."""
    check_output(path)
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".", suffix=f".{target.name}")
        os.close(handle)
    except OSError as error:
        raise _unwritable(path, error) from error
    draft = Path(name)
    try:
        _remove_old_drafts(target, draft)
        write(draft)
        draft.chmod(0o666 & ~_umask())
        draft.replace(target)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        draft.unlink(missing_ok=True)


def check_output(path: str | Path) -> None:
    """Refuse a file that cannot be written before anything is computed for it."""
    target = Path(path)
    try:
        reason = _reason_not_to_replace(target)
        folder = next(folder for folder in target.absolute().parents if folder.exists())
    except (OSError, ValueError) as error:
        raise _unwritable(path, error) from None
    if reason:
        raise MechcoreError(f"{path}: cannot be written: {reason}")
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise MechcoreError(f"{path}: cannot be written in {folder}")


def link_or_copy(path: Path, target: Path) -> None:
    """Link to a file that is replaced, never changed; copy it where links are impossible."""
    try:
        target.hardlink_to(path)
    except OSError:
        shutil.copy2(path, target)


def _reason_not_to_replace(target: Path) -> str:
    """Why a name is neither new nor that of a file; what a link leads to nowhere is new."""
    try:
        target.stat()
    except FileNotFoundError:
        return ""
    return reason_not_to_open(target)


def _unwritable(path: str | Path, error: OSError | ValueError) -> MechcoreError:
    reason = getattr(error, "strerror", None) or str(error)
    return MechcoreError(f"{path}: cannot be written: {reason}")


def _remove_old_drafts(target: Path, own: Path) -> None:
    """Remove what killed writers of the same file left; drafts of living ones are young."""
    # By the clock of the disk, on which all of them were made.
    now = own.stat().st_mtime
    for draft in target.parent.glob(f".????????.{glob.escape(target.name)}"):
        # Another writer may have renamed or removed it meanwhile.
        with suppress(OSError):
            if now - draft.stat().st_mtime > SECONDS_OF_WRITING:
                draft.unlink()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
