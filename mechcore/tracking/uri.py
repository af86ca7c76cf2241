"""Addresses of stores: which kinds there are, what may be shown of one, whether it can be used."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from urllib.parse import unquote

import psutil

from mechcore.errors import MechcoreError, without_credentials
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
    """Return an address that may be shown and kept: neither user nor password nor query.

    Examples
    --------
    >>> without_password("http://ada:secret@tracking:5000/?token=secret")
    'http://tracking:5000/'
    >>> without_password("ada:secret@tracking:5000")
    'tracking:5000'
    """
    if uri.startswith(SQLITE):
        return uri
    # Up to the last @, because a password may contain one.
    start, _, rest = uri.rpartition("@")
    scheme = re.match("[A-Za-z][A-Za-z0-9+.-]*://", start or uri)
    shown = re.split("[?#;]", rest.removeprefix(scheme[0]) if scheme else rest)[0]
    return f"{scheme[0]}{shown}" if scheme else shown


def concealed(message: str, uri: str) -> str:
    """Return a message without the secrets of an address, in any form in which it may quote them.

    Examples
    --------
    >>> concealed("401 for Basic YWRhOnNlY3JldA== (secret)", "http://ada:secret@tracking")
    '401 for Basic *** (***)'
    """
    for secret in sorted(_secrets(uri), key=len, reverse=True):
        message = message.replace(secret, "***")
    return without_credentials(message)


def _secrets(uri: str) -> set[str]:
    """The passwords of an address and of the environment, as they are and as they are sent."""
    given, user = uri.rpartition("@")[0], os.environ.get("MLFLOW_TRACKING_USERNAME", "")
    account = given.rpartition("//")[2]
    pairs = {account, unquote(account), f"{user}:{os.environ.get('MLFLOW_TRACKING_PASSWORD', '')}"}
    passwords = {pair.partition(":")[2] for pair in pairs} | {given.rpartition(":")[2]}
    passwords |= {*re.findall("[?&#;][^=?&#;]*=([^&#;]+)", uri)}
    passwords |= {os.environ.get("MLFLOW_TRACKING_TOKEN", "")}
    sent = {base64.b64encode(pair.encode()).decode() for pair in pairs if ":" in pair}
    return {text for text in {*passwords, *map(unquote, passwords), *sent} if text}


def is_server(uri: str) -> bool:
    """Return whether a store is a running server of MLflow."""
    return uri.lower().startswith(("http://", "https://"))


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
    scheme, found, _ = uri.partition("://")
    if file is None and (not found or scheme.lower() in ("file", "sqlite")):
        raise MechcoreError(
            f"store {without_password(uri)}: expected sqlite:///FILE, http://SERVER or the URI of "
            "a database"
        )
