"""Which kind of disk a folder lies on."""

from __future__ import annotations

from pathlib import Path

import psutil

NETWORK_DISKS = {
    *("9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs"),
    *("fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "panfs", "smb3"),
    "smbfs",
}
"""Types of file systems on which the locks of a database in a file do not hold."""


def network_disk(folder: Path) -> str | None:
    """Return the type of the network disk that a folder lies on.

    Examples
    --------
    >>> network_disk(Path("/proc")) is None
    True
    """
    whole = folder.resolve()
    mounts = [
        (len(Path(disk.mountpoint).parts), disk.fstype)
        for disk in psutil.disk_partitions(all=True)
        if whole.is_relative_to(disk.mountpoint)
    ]
    # The deepest; of several at the same place the last hides the others.
    kind = max(reversed(mounts), key=lambda mount: mount[0], default=(0, ""))[1]
    return kind if kind in NETWORK_DISKS else None
