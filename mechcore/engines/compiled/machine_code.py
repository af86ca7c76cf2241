"""How the compiled engine becomes machine code: numba's flags, and the cache on disk."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from typing import Any

import numba
from llvmlite import binding
from numba import njit
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    UserProvidedCacheLocator,
)

from mechcore.io.cache_folder import cache_folder
from mechcore.io.fingerprint import code_fingerprint

FLAGS = {"reassoc", "contract"}
"""Sums may be reordered and multiply-adds fused; NaN and infinity keep their meaning."""


def _cache_folder() -> str:
    """Return a folder for machine code, one for each state of the code.

    numba checks only the file that defines a function, not the files that it calls into.
    """
    folder = cache_folder(f"mechcore-{code_fingerprint('engines')}-{_processor()}")
    # Without a folder, machine code lives as long as the process.
    return str(folder or tempfile.mkdtemp(prefix="mechcore-"))


def _processor() -> str:
    """Return a hash of the processor: nodes that are not alike must not share machine code."""
    features = binding.get_host_cpu_features().flatten()
    settings = (_SETTINGS.CPU_NAME, _SETTINGS.CPU_FEATURES, _SETTINGS.USING_SVML)
    parts = (binding.get_host_cpu_name(), features, *settings)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:8]


_SETTINGS: Any = numba.config
CACHE_FOLDER = _cache_folder()


OPTIONS: dict[str, Any] = {"fastmath": FLAGS, "error_model": "numpy", "_nrt": False}
"""Without counting references to arrays: that costs 5 ns for every array in every call, more than a
small layer. So machine code makes no arrays. The option is what numba compiles its own array
functions with; it has no public name."""


def internal(function: Callable[..., Any]) -> Any:
    """Return a function in machine code that is only called from machine code.

    LLVM puts it into its callers: to hand over forty numbers in a call costs more than a small
    layer.
    """
    inner: dict[str, Any] = {
        "no_cpython_wrapper": True,
        "no_cfunc_wrapper": True,
        "forceinline": True,
    }
    return njit(function, **inner, **OPTIONS)


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


class Runnable(CompileResultCacheImpl):
    """Machine code without the environments of callees, which serve exceptions: none is raised."""

    def reduce(self, cres: Any) -> tuple[object, ...]:
        """Return what is kept on disk."""
        return (*super().reduce(cres)[:-1], ())


class EngineCache(FunctionCache):
    """Loads machine code without all the modules that only a compiler needs, for a faster start."""

    _impl_class = Runnable

    def load_overload(self, sig: object, target_context: object) -> Any:
        """Return machine code; None if it must be compiled."""
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


def compiled(function: Callable[..., Any]) -> Any:
    """Return a function in machine code that is called from Python, cached on disk."""
    # numba takes the folder from a setting of the whole process, which others may use as well.
    before = _SETTINGS.CACHE_DIR, _SETTINGS.CACHE_LOCATOR_CLASSES
    _SETTINGS.CACHE_DIR = CACHE_FOLDER
    # The second is numba's own, for a folder in which no file can be made.
    _SETTINGS.CACHE_LOCATOR_CLASSES = f"{__name__}.ContentLocator,UserWideCacheLocator"
    try:
        dispatcher = njit(function, nogil=True, **OPTIONS)
        dispatcher._cache = EngineCache(function)
        return dispatcher
    finally:
        _SETTINGS.CACHE_DIR, _SETTINGS.CACHE_LOCATOR_CLASSES = before
