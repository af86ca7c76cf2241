"""Network disks, on which the locks of a SQLite file do not hold."""

from __future__ import annotations

from pathlib import Path

import psutil

NETWORK_DISKS = {
    *("9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs"),
    *("fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "panfs", "smb3"),
    "smbfs",
}


def network_disk(folder: Path) -> str | None:
    """Return the type of file system of a folder on a network disk, and None for a local one."""
    types = {
        Path(disk.mountpoint): disk.fstype
        for disk in psutil.disk_partitions(all=True)
        if folder.resolve().is_relative_to(disk.mountpoint)
    }
    deepest = max(types, key=lambda place: len(place.parts), default=None)
    kind = types[deepest] if deepest else ""
    return kind if kind in NETWORK_DISKS else None
