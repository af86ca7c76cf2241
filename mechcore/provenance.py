"""What made a result: the commit of this code and the versions of the libraries it stands on."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from mechcore.version import __version__

LIBRARIES = (
    "numpy",
    "scipy",
    "xarray",
    "netCDF4",
    "numba",
    "snakemake",
    "mlflow",
    "seaborn",
    "statsmodels",
)
"""Distributions whose versions can change a number or a figure."""

PACKAGE = Path(__file__).parent

PATIENCE = 10.0
"""Seconds until a git that does not answer, as on a stale network disk, counts as absent."""


def git_commit() -> str | None:
    """Return the commit that this package was checked out from.

    Returns
    -------
    str or None
        40 hexadecimal digits; None where the package is not under version control.
    """
    # An installed copy may lie inside somebody else's repository, whose commit says nothing.
    tracked = _git("ls-files", "--error-unmatch", "__init__.py") is not None
    return _git("rev-parse", "HEAD") if tracked else None


def git_is_dirty() -> bool | None:
    """Return whether tracked files differ from the commit, reports, which are made, left out.

    Returns
    -------
    bool or None
        None where the package is not under version control.
    """
    if git_commit() is None:
        return None
    code = ("--", ":/", ":(exclude,top)reports")
    changes = _git("status", "--porcelain", "--untracked-files=no", *code)
    return None if changes is None else bool(changes)


def library_versions() -> dict[str, str]:
    """Return the versions of Python, this package and its libraries.

    Returns
    -------
    dict of str to str
        By name; ``absent`` for a library that is not installed.

    Examples
    --------
    >>> list(library_versions())[:3]
    ['python', 'mechcore', 'numpy']
    """
    found = {"python": platform.python_version(), "mechcore": __version__}
    return found | {name: _version(name) for name in LIBRARIES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", *arguments],
            cwd=PACKAGE,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
