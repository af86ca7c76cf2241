"""Disks for tests: one of another machine, by SFTP through FUSE; one that is soon full."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

SFTP_SERVER = Path("/usr/lib/openssh/sftp-server")

# It takes 0.1 s on an idle machine.
SECONDS_TO_MOUNT = 30


@contextmanager
def sshfs(folder: Path) -> Iterator[Path]:
    """Mount an empty folder over SFTP; without sshfs or FUSE the test is skipped."""
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


@dataclass(frozen=True)
class SmallDisk:
    folder: Path

    def remount(self, option: str) -> None:
        """Change its size, as ``size=64k``, or whether it can be written to: ``ro``, ``rw``."""
        words = ["mount", "-o", f"remount,{option}", str(self.folder)]
        subprocess.run([*_as_root(), *words], check=True)

    def leave(self, kilobytes: int) -> None:
        filler = self.folder / "filler"
        filler.unlink(missing_ok=True)
        room = os.statvfs(self.folder)
        free = room.f_bavail * room.f_frsize
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(free - 1024 * kilobytes, 1))

    def make_space(self) -> None:
        (self.folder / "filler").unlink()


@contextmanager
def small_disk(folder: Path, size: str = "64m") -> Iterator[SmallDisk]:
    """Mount a disk in memory; without the right to do so the test is skipped."""
    folder.mkdir()
    options = f"size={size},uid={os.getuid()},gid={os.getgid()},mode=700"
    words = ["mount", "-t", "tmpfs", "-o", options, "mechcore", str(folder)]
    if subprocess.run([*_as_root(), *words], check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a disk, and sudo does not do it without a password")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run([*_as_root(), "umount", "--lazy", str(folder)], check=True)


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo", "-n"]


def _wait_for(mounted: Path, client: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS_TO_MOUNT
    while not mounted.is_mount():
        assert client.poll() is None, "sshfs ended"
        assert time.monotonic() < deadline, "sshfs does not mount"
        time.sleep(0.02)
