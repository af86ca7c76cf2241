"""What makes results here: the commit of this code, the libraries and the machine."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np

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

UNKNOWN = "unknown"
"""A fact that this machine does not provide."""

TARGET = "NUMBA_CPU_NAME"
"""Environment variable that names another processor to compile for."""

OF_ANY_OWNER = ("-c", "safe.directory=*", "-c", "core.fsmonitor=false")
"""Options of git, for what only reads names and commits: the checkout may be another user's."""

PATIENCE = 10.0
"""Seconds after which a git that does not answer, as on a stale network disk, is absent."""


class Code(Settings):
    """The code that made results."""

    version: str
    """Version of this package."""
    commit: str
    """40 hexadecimal digits, or ``unknown``."""
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


def current_code(core_hashes: Iterable[str]) -> Code:
    """Return the version and the commit of this code."""
    dirty = {True: "true", False: "false", None: UNKNOWN}[git_is_dirty()]
    return Code(
        version=__version__,
        commit=git_commit() or UNKNOWN,
        dirty=dirty,
        core_hashes=sorted(set(core_hashes)),
    )


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


def git_commit() -> str | None:
    """Return the commit that this package was checked out from."""
    # An installed copy may be inside somebody else's repository.
    tracked = _git(*OF_ANY_OWNER, "ls-files", "--error-unmatch", "__init__.py") is not None
    return _git(*OF_ANY_OWNER, "rev-parse", "HEAD") if tracked else None


def git_is_dirty() -> bool | None:
    """Return whether tracked files, except reports, differ from the commit."""
    if git_commit() is None:
        return None
    # In the checkout of another user this could run a program, so git refuses it: unknown.
    code = ("--", ":/", ":(exclude,top)reports")
    changes = _git("status", "--porcelain", "--untracked-files=no", *code)
    return None if changes is None else bool(changes)


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


def _git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", *arguments],  # noqa: S607
            cwd=PACKAGE,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
