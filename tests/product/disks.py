"""A disk of another machine, for tests: SFTP through FUSE, with nothing but a pipe in between."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SFTP_SERVER = Path("/usr/lib/openssh/sftp-server")

# It takes 0.1 s on an idle machine.
SECONDS_TO_MOUNT = 30


@contextmanager
def sshfs(folder: Path) -> Iterator[Path]:
    """Mount an empty folder over SFTP; without sshfs or FUSE the test is skipped.

    Parameters
    ----------
    folder : Path
        Gets what is mounted and where.

    Yields
    ------
    Path
        The mounted folder.
    """
    missing = [name for name in ("sshfs", "fusermount3") if shutil.which(name) is None]
    if missing or not SFTP_SERVER.exists() or not os.access("/dev/fuse", os.W_OK):
        pytest.skip("sshfs, an SFTP server or FUSE is not installed")
    source, mounted = folder / "source", folder / "mounted"
    source.mkdir()
    mounted.mkdir()
    here, there = socket.socketpair()
    with here, there:
        server = subprocess.Popen([SFTP_SERVER], stdin=here, stdout=here)
        words = ["sshfs", "-f", "-o", "passive", f"nowhere:{source}", str(mounted)]
        client = subprocess.Popen(words, stdin=there, stdout=there)
    try:
        _wait_for(mounted, client)
        yield mounted
    finally:
        subprocess.run(["fusermount3", "-u", "-z", mounted], check=False)
        client.wait(SECONDS_TO_MOUNT)
        server.wait(SECONDS_TO_MOUNT)


def _wait_for(mounted: Path, client: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS_TO_MOUNT
    while not mounted.is_mount():
        assert client.poll() is None, "sshfs ended"
        assert time.monotonic() < deadline, "sshfs does not mount"
        time.sleep(0.02)
