"""What made a result: the commit of this code, the libraries it stands on, and the machine."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mechcore.io.json_models import Settings
from mechcore.io.provenance import COMPUTING, file_sha256, versions
from mechcore.version import __version__

LIBRARIES = (
    *COMPUTING,
    *("pandas", "statsmodels", "matplotlib", "seaborn", "snakemake", "mlflow"),
)
"""Distributions whose versions can change a number or a figure."""

PACKAGE = Path(__file__).parents[1]

LOCK = "requirements.lock"
"""Names every library that the project is installed with, beside the package in a checkout."""

CPU_FACTS = Path("/proc/cpuinfo")
"""Where Linux tells the model of the processor."""

THREAD_LIMITS = (
    *("NUMBA_NUM_THREADS", "OMP_NUM_THREADS"),
    *("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
)
"""Environment variables that say how many threads compute."""

UNKNOWN = "unknown"
"""A fact that this machine does not tell."""

TARGET = "NUMBA_CPU_NAME"
"""Environment variable that names another processor to make machine code for."""

PATIENCE = 10.0
"""Seconds until a git that does not answer, as on a stale network disk, counts as absent."""


class Code(Settings):
    """The code that made results."""

    version: str
    """Of this package."""
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
    """LLVM's name of the processor that machine code is made for."""
    vector_instructions: str = UNKNOWN
    """Those beyond the baseline that numpy found here."""
    blas: str = UNKNOWN
    """What numpy multiplies matrices with."""
    cores: int
    """Of the machine."""
    threads: dict[str, str]
    """Those of `THREAD_LIMITS` that are set."""
    libraries: dict[str, str]
    """Versions by name."""
    lock_sha256: str | None = None
    """Hash of ``requirements.lock`` beside the package; None without that file."""


def current_code(core_hashes: Iterable[str]) -> Code:
    """Return which code this is.

    Examples
    --------
    >>> current_code(["b", "a", "b"]).core_hashes
    ['a', 'b']
    """
    dirty = {True: "true", False: "false", None: UNKNOWN}[git_is_dirty()]
    return Code(
        version=__version__,
        commit=git_commit() or UNKNOWN,
        dirty=dirty,
        core_hashes=sorted(set(core_hashes)),
    )


def current_environment() -> Environment:
    """Return what this process runs on.

    Examples
    --------
    >>> current_environment().python == platform.python_version()
    True
    """
    # Loading LLVM takes 50 ms, which those that only read an environment need not wait for.
    from llvmlite import binding

    # Python and this package have places of their own.
    own = ("python", "mechcore")
    libraries = {name: found for name, found in library_versions().items() if name not in own}
    # What a build of numpy does not know, it leaves out.
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
        libraries=libraries,
        lock_sha256=_lock_sha256(),
    )


def git_commit() -> str | None:
    """Return the commit that this package was checked out from."""
    # An installed copy may lie inside somebody else's repository, whose commit says nothing.
    tracked = _git("ls-files", "--error-unmatch", "__init__.py") is not None
    return _git("rev-parse", "HEAD") if tracked else None


def git_is_dirty() -> bool | None:
    """Return whether tracked files differ from the commit, reports, which are made, left out."""
    if git_commit() is None:
        return None
    code = ("--", ":/", ":(exclude,top)reports")
    changes = _git("status", "--porcelain", "--untracked-files=no", *code)
    return None if changes is None else bool(changes)


def project_file(name: str) -> Path | None:
    """Return a file that lies beside the package in a checkout of the project."""
    # What lies beside an installed package is somebody else's.
    checkout = (PACKAGE.parent / "pyproject.toml").is_file()
    found = PACKAGE.parent / name
    return found if checkout and found.is_file() else None


def library_versions() -> dict[str, str]:
    """Return the versions of Python, this package and its libraries.

    Examples
    --------
    >>> list(library_versions())[:3]
    ['python', 'mechcore', 'numpy']
    """
    found = versions(LIBRARIES)
    return {"python": found.pop("python"), "mechcore": __version__} | found


def _processor() -> str:
    """The model of the processor: not every system tells, and not every processor has a name."""
    lines = CPU_FACTS.read_text(errors="replace").splitlines() if CPU_FACTS.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (models[0] if models else platform.processor()) or UNKNOWN


def _lock_sha256() -> str | None:
    lock = project_file(LOCK)
    return None if lock is None else file_sha256(lock)


def _git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            # The one that the user calls.
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
