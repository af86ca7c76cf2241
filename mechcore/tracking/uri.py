"""Addresses of stores: which kinds there are, what may be shown of one, whether it can be used."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from mechcore.errors import MechcoreError
from mechcore.io.portable_names import check_folder

DATABASE = "mlflow.db"
"""Name of the default store, in the folder that the command runs in."""

SQLITE = "sqlite:///"

NETWORK_DISKS = {
    *("9p", "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs"),
    *("fuse.sshfs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "panfs", "smb3"),
    "smbfs",
}
"""File systems of other machines, on which the locks of a SQLite file do not hold."""


def tracking_uri() -> str:
    """Return the store: ``MLFLOW_TRACKING_URI``, or a SQLite file in the current folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}{Path.cwd() / DATABASE}"


def without_password(uri: str) -> str:
    """Return a URI that may be shown and kept: without user, password and query."""
    scheme, separator, rest = uri.partition("://")
    if not separator or uri.startswith(SQLITE):
        return uri
    # Up to the last @, because a password may contain one; a query may hold the password as well.
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"


def is_server(uri: str) -> bool:
    """Return whether a store is a running server of MLflow."""
    return urlsplit(uri).scheme in ("http", "https")


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite store, and None for any other store."""
    path = uri.removeprefix(SQLITE)
    in_file = uri.startswith(SQLITE) and path not in ("", ":memory:")
    return Path(path).absolute() if in_file else None


def check_exists(uri: str) -> None:
    """Refuse a store that cannot be read because nothing was tracked into it."""
    _check_kind(uri)
    file = sqlite_file(uri)
    if file is not None and not file.is_file():
        raise MechcoreError(f"store {uri}: no such file; make or mechcore track creates it")


def check_writable(uri: str) -> None:
    """Refuse a store in a place where its file cannot be created, written or locked."""
    _check_kind(uri)
    file = sqlite_file(uri)
    if file is None:
        return
    if not file.parent.is_dir():
        raise MechcoreError(f"store {uri}: no folder {file.parent}")
    if file.exists() and not (file.is_file() and os.access(file, os.W_OK)):
        raise MechcoreError(f"store {uri}: {file} is not a writable file")
    # The file may be a link to one on another disk.
    kind = _network_disk(file.resolve().parent)
    if kind is not None:
        raise MechcoreError(
            f"store {uri}: is on a network disk ({kind}), where the locks of SQLite do not hold; "
            "set MLFLOW_TRACKING_URI to a server, or to sqlite:///FILE on a disk of this machine"
        )


def _network_disk(folder: Path) -> str | None:
    """The type of file system of a folder on a network disk, and None for a local one."""
    types = {
        Path(disk.mountpoint): disk.fstype
        for disk in psutil.disk_partitions(all=True)
        if folder.resolve().is_relative_to(disk.mountpoint)
    }
    deepest = max(types, key=lambda place: len(place.parts), default=None)
    kind = types[deepest] if deepest else ""
    return kind if kind in NETWORK_DISKS else None


def _check_kind(uri: str) -> None:
    file = sqlite_file(uri)
    if file is not None:
        check_folder(file)
    # MLflow's folders of text files are deprecated, and a SQLite without a file keeps nothing.
    if file is None and urlsplit(uri).scheme in ("", "file", "sqlite"):
        raise MechcoreError(
            f"store {without_password(uri)}: expected sqlite:///FILE, http://SERVER or the URI of "
            "a database"
        )
