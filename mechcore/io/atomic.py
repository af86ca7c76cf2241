"""Files that are there whole or not at all: written under another name, a draft, then renamed."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from mechcore.errors import MechcoreError

SECONDS_OF_WRITING = 3600
"""A draft of another machine, of whose processes nothing is known, was given up after so long.
What is computed is computed before; the largest file is written in seconds."""

MACHINE_ID, BOOT_ID = "/etc/machine-id", "/proc/sys/kernel/random/boot_id"
"""Files of Linux; elsewhere, or where they cannot be read, there is the name of the host alone."""


def replace_file(path: str | Path, write: Callable[[Path], object]) -> None:
    """Write a file under a temporary name in its folder, then rename it.

    What killed writers of the same file left is removed.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     replace_file(f"{folder}/a.txt", lambda draft: draft.write_text("whole"))
    ...     os.listdir(folder)
    ['a.txt']
    """
    target = Path(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        prefix, suffix = f".{_machine()}-{_boot()}-{os.getpid()}-", f".{target.name}"
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=prefix, suffix=suffix)
        os.close(handle)
    except OSError as error:
        raise MechcoreError(f"{path}: cannot be written: {error.strerror}") from error
    draft = Path(name)
    try:
        _remove_abandoned(draft, target)
        write(draft)
        draft.chmod(0o666 & ~_umask())
        draft.replace(target)
    except OSError as error:
        raise MechcoreError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)


def _remove_abandoned(own: Path, target: Path) -> None:
    """Remove the drafts of a file whose writers are dead; those of living ones are left to them."""
    pattern = re.compile(
        r"\.([0-9a-f]{8})-([0-9a-f]{8})-(\d+)-\w{8}" + re.escape(f".{target.name}")
    )
    # What cannot be listed or removed does no harm.
    with suppress(OSError), os.scandir(own.parent) as entries:
        for entry in entries:
            found, path = pattern.fullmatch(entry.name), Path(entry.path)
            if found and _is_abandoned(path, own, *found.groups()):
                with suppress(OSError):
                    path.unlink()


def _is_abandoned(draft: Path, own: Path, machine: str, boot: str, process: str) -> bool:
    if machine == _machine():
        return boot != _boot() or not _runs(process)
    # By the clock of the disk, on which both were made.
    try:
        age = own.stat().st_mtime - draft.stat().st_mtime
    except OSError:
        # Meanwhile it was renamed: it is whole.
        return False
    return age >= SECONDS_OF_WRITING


def _runs(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True


@cache
def _machine() -> str:
    """The name of this machine, or of the container whose processes are numbered on their own."""
    # Machines of one name on one disk, as "localhost", are told apart by what their setup wrote.
    return _short(socket.gethostname(), _text(MACHINE_ID), _link("/proc/self/ns/pid"))


@cache
def _boot() -> str:
    """The name of this start of the machine: of those before, no process lives."""
    return _short(_text(BOOT_ID))


def _short(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:8]


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
