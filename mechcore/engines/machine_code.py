"""How the compiled engine becomes machine code: numba's flags, and where its cache lies."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba import njit
from platformdirs import user_cache_dir

from mechcore.fingerprint import code_fingerprint

FLAGS = {"reassoc", "contract"}
"""Sums may be reordered and multiply-adds fused; NaN and infinity keep their meaning."""


def _cache_folder() -> str:
    """A folder for machine code, one for each state of the code that it was made from.

    numba checks only the file that a function stands in, not the files that it calls into. Where no
    folder can be written, machine code lives as long as the process.
    """
    base = os.environ.get("NUMBA_CACHE_DIR") or user_cache_dir("mechcore")
    folder = Path(base) / f"mechcore-{code_fingerprint('mechcore.engines.compiled')}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return str(folder)
    except OSError:
        pass
    # Not a fixed name in a folder that others can write: what lies there is run.
    return tempfile.mkdtemp(prefix="mechcore-")


CACHE_FOLDER = _cache_folder()
_SETTINGS: Any = numba.config


def part(function: Callable[..., Any]) -> Any:
    """Return a function in machine code that is cached only as a part of others.

    Parameters
    ----------
    function : callable
        In the part of Python and numpy that numba knows.

    Returns
    -------
    callable
        The same function, compiled when it is first called.
    """
    return njit(function, fastmath=FLAGS, error_model="numpy")


def leaf(function: Callable[..., Any]) -> Any:
    """Return a function in machine code that does not count references to arrays.

    Counting them costs more than a small layer: 5 ns for every array in every call. It is safe
    where a function neither makes nor returns an array.

    Parameters
    ----------
    function : callable
        In the part of Python and numpy that numba knows.

    Returns
    -------
    callable
        The same function, compiled when it is first called.
    """
    # numba's own array functions are compiled with this option; it has no public name.
    options: dict[str, Any] = {"_nrt": False}
    return njit(function, fastmath=FLAGS, error_model="numpy", **options)


def compiled(function: Callable[..., Any]) -> Any:
    """Return a function in machine code, cached on disk.

    Parameters
    ----------
    function : callable
        In the part of Python and numpy that numba knows.

    Returns
    -------
    callable
        The same function, compiled when it is first called.
    """
    # numba takes the folder from a setting of the whole process, which others may use as well.
    before, _SETTINGS.CACHE_DIR = _SETTINGS.CACHE_DIR, CACHE_FOLDER
    try:
        return njit(function, cache=True, fastmath=FLAGS, error_model="numpy", nogil=True)
    finally:
        _SETTINGS.CACHE_DIR = before
