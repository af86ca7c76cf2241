"""The attributes of a netCDF file that state how it was made."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from mechcore.io.code_state import code_state
from mechcore.io.fingerprint import code_fingerprint
from mechcore.io.hashes import settings_sha256

COMPUTING = ("numpy", "scipy", "numba", "llvmlite", "xarray", "netCDF4")
"""Distributions that compute and write trajectories."""

ABSENT = "absent"
"""Stands for the version of a distribution that is not installed."""


def provenance(room: str, settings: Mapping[str, object]) -> dict[str, str]:
    """Return the state of the code, hashes of it and of settings, the versions of libraries."""
    return {
        "core_hash": code_fingerprint(room),
        "config_sha256": settings_sha256(settings),
        "library_versions": _computing_versions(),
        **code_state().attributes,
    }


def versions(distributions: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python and of distributions, without importing them."""
    return {"python": platform.python_version()} | {name: _version(name) for name in distributions}


@cache
def _computing_versions() -> str:
    return json.dumps(versions(COMPUTING), separators=(",", ":"))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ABSENT
