"""How the compiled engine becomes machine code: numba's flags, and the cache on disk."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from llvmlite import binding
from numba import njit
from numba.core.caching import UserProvidedCacheLocator
from platformdirs import user_cache_dir

from mechcore.io.fingerprint import code_fingerprint

FLAGS = {"reassoc", "contract"}
"""Sums may be reordered and multiply-adds fused; NaN and infinity keep their meaning."""

ON_NODE = "MECHCORE_ON_NODE"
"""Environment variable, not empty in jobs on the nodes of a cluster: each keeps machine code to
itself, as a home directory that all nodes share is slow, late, and small."""


def _cache_folder() -> str:
    """Return a folder for machine code, one for each state of the code.

    numba checks only the file that defines a function, not the files that it calls into.
    """
    name = f"mechcore-{code_fingerprint('engines')}-{_processor()}"
    requested = os.environ.get("NUMBA_CACHE_DIR")
    candidates = [_shared_temporary_folder]
    if requested or not os.environ.get(ON_NODE):
        candidates.insert(0, lambda: requested or user_cache_dir("mechcore"))
    for find in candidates:
        try:
            folder = Path(find()) / name
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return str(folder)
        except OSError:
            continue
    # Machine code then lives as long as the process.
    return tempfile.mkdtemp(prefix="mechcore-")


def _processor() -> str:
    """Return a hash of the processor: nodes that are not alike must not share machine code."""
    features = binding.get_host_cpu_features().flatten()
    settings = (_SETTINGS.CPU_NAME, _SETTINGS.CPU_FEATURES, _SETTINGS.USING_SVML)
    parts = (binding.get_host_cpu_name(), features, *settings)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:8]


def _shared_temporary_folder() -> str:
    """Return a temporary folder for all processes of this user, writable for nobody else.

    Machine code from it is run.
    """
    if not hasattr(os, "getuid"):
        return tempfile.gettempdir()
    folder = Path(tempfile.gettempdir()) / f"mechcore-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise PermissionError(f"{folder} is not private")
    return str(folder)


_SETTINGS: Any = numba.config
CACHE_FOLDER = _cache_folder()


OPTIONS: dict[str, Any] = {"fastmath": FLAGS, "error_model": "numpy", "_nrt": False}
"""Without counting references to arrays: that costs 5 ns for every array in every call, more than a
small layer. So machine code makes no arrays. The option is what numba compiles its own array
functions with; it has no public name."""


def internal(function: Callable[..., Any]) -> Any:
    """Return a function in machine code that is only called from machine code."""
    inner: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return njit(function, **inner, **OPTIONS)


def inlined(function: Callable[..., Any]) -> Any:
    """Return a function that numba inlines: LLVM optimises callees again for every caller."""
    return njit(function, inline="always", **OPTIONS)


class ContentLocator(UserProvidedCacheLocator):
    """Locates machine code by the content of the package, not its path: clones share it."""

    @classmethod
    def get_suitable_cache_subpath(cls, py_file: str) -> str:
        """Return the folder of a source file in the cache: one for all."""
        del py_file
        return ""

    def get_source_stamp(self) -> str:
        """Return what identifies the code; comments do not count."""
        return CACHE_FOLDER


def compiled(function: Callable[..., Any]) -> Any:
    """Return a function in machine code that is called from Python, cached on disk."""
    # numba takes the folder from a setting of the whole process, which others may use as well.
    before = _SETTINGS.CACHE_DIR, _SETTINGS.CACHE_LOCATOR_CLASSES
    _SETTINGS.CACHE_DIR = CACHE_FOLDER
    # The second is numba's own, for a folder in which no file can be made.
    _SETTINGS.CACHE_LOCATOR_CLASSES = f"{__name__}.ContentLocator,UserWideCacheLocator"
    try:
        return njit(function, cache=True, nogil=True, **OPTIONS)
    finally:
        _SETTINGS.CACHE_DIR, _SETTINGS.CACHE_LOCATOR_CLASSES = before
