"""What makes results here: the commit of this code, the libraries and the machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mechcore.io.code_state import UNKNOWN, CodeState, code_state
from mechcore.io.hashes import file_sha256
from mechcore.io.json_models import Settings
from mechcore.io.provenance import COMPUTING, versions
from mechcore.version import __version__

LIBRARIES = (
    *COMPUTING,
    *("pandas", "matplotlib", "seaborn", "snakemake", "mlflow"),
)
"""Distributions whose versions can change a number or a figure."""

PACKAGE = Path(__file__).parents[1]

LOCK = "requirements.lock"
"""Pins every library, beside the package in a checkout."""

CPU_FACTS = Path("/proc/cpuinfo")
"""Where Linux states the model of the processor."""

THREAD_LIMITS = (
    *("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"),
    *("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
)
"""Environment variables that say how many threads compute."""

TARGET = "NUMBA_CPU_NAME"
"""Environment variable that names another processor to compile for."""


class Code(Settings):
    """The code that made results."""

    version: str
    """Version of this package."""
    commit: str
    """40 hexadecimal digits, ``mixed`` or ``unknown``."""
    dirty: str
    """``true`` if tracked files differed from the commit, ``false``, or ``unknown``."""
    core_hashes: list[str]
    """Fingerprints of the code that simulated, sorted; several if results of several remain."""


class Environment(Settings):
    """What the code ran on: the machine that describes the sweep."""

    python: str
    platform: str
    machine: str
    processor: str
    """Version of Python, operating system, architecture, model of the processor."""
    target: str = UNKNOWN
    """LLVM's name of the processor that code is compiled for."""
    vector_instructions: str = UNKNOWN
    """Those that numpy uses beyond its baseline."""
    blas: str = UNKNOWN
    """Library with which numpy multiplies matrices."""
    cores: int
    """Number of cores of the machine."""
    threads: dict[str, str]
    """Those of `THREAD_LIMITS` that are set."""
    libraries: dict[str, str]
    """Versions by name."""
    lock_sha256: str | None = None
    """Hash of ``requirements.lock`` beside the package; None without that file."""


def current_code(core_hashes: Iterable[str] = ()) -> Code:
    """Return the version and the state of this code."""
    return code_of(code_state(), core_hashes)


def code_of(state: CodeState, core_hashes: Iterable[str]) -> Code:
    """Return this version in a state, with the fingerprints of the code that simulated."""
    hashes = sorted(set(core_hashes))
    return Code(version=__version__, commit=state.commit, dirty=state.dirty, core_hashes=hashes)


def current_environment() -> Environment:
    """Return the machine, libraries and settings of this process."""
    # Loading LLVM takes 50 ms, for which readers of environments need not wait.
    from llvmlite import binding

    # Some builds of numpy lack some keys.
    built = np.show_config(mode="dicts")
    blas = built.get("Build Dependencies", {}).get("blas", {})
    return Environment(
        python=platform.python_version(),
        platform=platform.platform(),
        machine=platform.machine(),
        processor=_processor(),
        target=os.environ.get(TARGET) or binding.get_host_cpu_name(),
        vector_instructions=" ".join(built.get("SIMD Extensions", {}).get("found", [])),
        blas=" ".join(blas[key] for key in ("name", "version") if key in blas) or UNKNOWN,
        cores=os.cpu_count() or 1,
        threads={name: os.environ[name] for name in THREAD_LIMITS if name in os.environ},
        libraries={
            name: version for name, version in versions(LIBRARIES).items() if name != "python"
        },
        lock_sha256=_lock_sha256(),
    )


def project_file(name: str) -> Path | None:
    """Return a file beside the package, in a checkout of the project."""
    # Files beside an installed package are somebody else's.
    checkout = (PACKAGE.parent / "pyproject.toml").is_file()
    path = PACKAGE.parent / name
    return path if checkout and path.is_file() else None


def library_versions() -> dict[str, str]:
    """Return the versions of Python, this package and its libraries."""
    python, *libraries = versions(LIBRARIES).items()
    return dict([python, ("mechcore", __version__), *libraries])


def _processor() -> str:
    """The model of the processor, as far as the system states it."""
    lines = CPU_FACTS.read_text(errors="replace").splitlines() if CPU_FACTS.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (models[0] if models else platform.processor()) or UNKNOWN


def _lock_sha256() -> str | None:
    lock = project_file(LOCK)
    return None if lock is None else file_sha256(lock)
