"""Where processes keep what costs time to make again, and what they need for a while."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from platformdirs import user_cache_dir

from mechcore.errors import MechcoreError

CACHE = "NUMBA_CACHE_DIR"
"""Environment variable that names another place."""

ON_NODE = "MECHCORE_ON_NODE"
"""Environment variable, not empty in jobs on the nodes of a cluster: each has a cache of its own.
A home directory that all nodes share is slow, late, and small."""


def cache_folder(name: str) -> Path | None:
    """Return a private folder that lasts; None where no such folder can be written."""
    requested = os.environ.get(CACHE)
    candidates = [_shared_temporary_folder]
    if requested or not os.environ.get(ON_NODE):
        candidates.insert(0, lambda: requested or user_cache_dir("mechcore"))
    for find in candidates:
        try:
            folder = Path(find()) / name
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder
        except OSError:
            continue
    return None


ROOM = 2**16
"""Bytes of what Snakemake writes there before it starts a job."""


def require_room() -> None:
    """Refuse full or read-only places of temporary files and caches: Snakemake has a traceback."""
    places = {
        "TMPDIR": os.environ.get("TMPDIR") or "/tmp",  # noqa: S108 - where Snakemake's solver writes
        "XDG_CACHE_HOME": user_cache_dir("snakemake"),
    }
    for variable, folder in places.items():
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(bytes(ROOM))
        except OSError as error:
            advice = f"set {variable} to a folder with room"
            raise MechcoreError(f"{variable}: {folder}: {error.strerror}; {advice}") from None


def _shared_temporary_folder() -> str:
    """Return a temporary folder for all processes of this user, writable for nobody else.

    Machine code from it is run.
    """
    if not hasattr(os, "getuid"):
        return tempfile.gettempdir()
    folder = Path(tempfile.gettempdir()) / f"mechcore-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise PermissionError(f"{folder} is not private")
    return str(folder)
