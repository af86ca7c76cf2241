"""Opens files that users name: regular ones only, as devices and pipes may have no end."""

from __future__ import annotations

import stat
from io import BufferedReader
from pathlib import Path

from mechcore.errors import MechcoreError


def open_regular(path: Path, key: str) -> BufferedReader:
    """Open a file, or refuse it in one line that starts with the key."""
    try:
        reason = reason_not_to_open(path)
        if not reason:
            return path.open("rb")
    except OSError as error:
        reason = error.strerror or str(error)
    raise MechcoreError(f"{key}: cannot read {str(path)!r}: {reason}")


def reason_not_to_open(path: Path) -> str:
    """Return why a path is not a file that can be read to its end, or an empty text."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        return getattr(error, "strerror", None) or str(error)
    if stat.S_ISDIR(mode):
        return "it is a folder"
    return "" if stat.S_ISREG(mode) else "it is a device, pipe or socket"
