"""What a result says of its making: code and settings by their hashes, and versions."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mechcore.io.fingerprint import code_fingerprint

COMPUTING = ("numpy", "scipy", "numba", "llvmlite", "xarray", "netCDF4")
"""Distributions that compute and write trajectories."""

ABSENT = "absent"
"""The version of what is not installed."""


def made_by(room: str, settings: Mapping[str, object]) -> dict[str, str]:
    """Return the attributes of a netCDF file that tell how it was made.

    Examples
    --------
    >>> list(made_by("model", {"steps": 4}))
    ['core_hash', 'config_sha256', 'library_versions']
    """
    return {
        "core_hash": code_fingerprint(room),
        "config_sha256": settings_sha256(settings),
        "library_versions": _computing_versions(),
    }


def settings_sha256(settings: Mapping[str, object]) -> str:
    """Return a hash of settings that does not depend on their order.

    Examples
    --------
    >>> settings_sha256({"a": 1, "b": 2}) == settings_sha256({"b": 2, "a": 1})
    True
    """
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def versions(distributions: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python and of distributions, without importing them.

    Examples
    --------
    >>> versions(["no-such-thing"])["no-such-thing"]
    'absent'
    """
    return {"python": platform.python_version()} | {name: _version(name) for name in distributions}


def file_sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file.

    Examples
    --------
    >>> file_sha256(__file__) == file_sha256(Path(__file__))
    True
    """
    # In pieces: the file may be larger than memory.
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@cache
def _computing_versions() -> str:
    return json.dumps(versions(COMPUTING), separators=(",", ":"))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ABSENT
