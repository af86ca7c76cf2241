"""Opens files that others made: regular ones up to a size, as devices and pipes may have no end."""

from __future__ import annotations

import errno
import stat
from io import BufferedReader
from pathlib import Path

from mechcore.errors import MechcoreError

LARGEST_TABLE = 2**30
"""Bytes of a table or a text: ten times the tables of a grid of ten thousand cells."""

SPECIAL = "it is a device, pipe or socket"


def regular_file(path: Path, most: int | None = None) -> BufferedReader:
    """Open a file; an OSError says why it has no end, or that it is too large."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        raise OSError(errno.EINVAL, SPECIAL)
    if most is not None and status.st_size > most:
        raise OSError(errno.EFBIG, f"it is larger than {most} bytes")
    return path.open("rb")


def regular_text(path: Path, most: int = LARGEST_TABLE) -> str:
    """Read a text in UTF-8."""
    with regular_file(path, most) as stream:
        return stream.read().decode("utf-8")


def open_regular(path: Path, key: str) -> BufferedReader:
    """Open a file, or refuse it in one line that starts with the key."""
    try:
        return regular_file(path)
    except (OSError, ValueError) as error:
        raise MechcoreError(f"{key}: cannot read {str(path)!r}: {_reason(error)}") from error


def reason_not_to_open(path: Path) -> str:
    """Return why a path is not a file that can be read to its end, or an empty text."""
    try:
        regular_file(path).close()
    except (OSError, ValueError) as error:
        return _reason(error)
    return ""


def _reason(error: Exception) -> str:
    if isinstance(error, IsADirectoryError):
        return "it is a folder"
    return getattr(error, "strerror", None) or str(error)
