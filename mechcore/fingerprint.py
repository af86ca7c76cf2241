"""Fingerprints of code: neither Snakemake nor numba sees an edit inside an imported package."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from mechcore.gists import Gist, gist_of, remember

PACKAGE = Path(__file__).parent


def code_fingerprint(*modules: str) -> str:
    """Return a hash of the meaning of some modules and all that they import of this package.

    Comments, layout and docstrings do not count.

    Parameters
    ----------
    *modules : str
        Full names, as ``mechcore.simulation``.

    Returns
    -------
    str
        16 hexadecimal digits.

    Examples
    --------
    >>> code_fingerprint("mechcore.kernels") == code_fingerprint("mechcore.kernels")
    True
    >>> code_fingerprint("mechcore.kernels") == code_fingerprint("mechcore.exact_theory")
    False
    """
    digest = hashlib.sha256()
    for name in sorted(reachable_modules(*modules)):
        digest.update(f"{name}\n{_meaning(name)}\n".encode())
    remember()
    return digest.hexdigest()[:16]


def reachable_modules(*modules: str) -> frozenset[str]:
    """Return modules and all modules of this package that they import, directly or not.

    Parameters
    ----------
    *modules : str
        Full names.

    Returns
    -------
    frozenset of str
        Full names, the package itself left out: its list of public names does not compute.

    Examples
    --------
    >>> "mechcore.errors" in reachable_modules("mechcore.kernels")
    True
    """
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_imports(name))
    return frozenset(found)


@lru_cache
def _gist(module: str) -> Gist:
    return gist_of(_file_of(module).read_bytes())


@lru_cache
def _meaning(module: str) -> str:
    """The code of a module, with the templates that it names."""
    gist = _gist(module)
    templates = [PACKAGE / "templates" / name for name in gist.templates]
    used = [path.read_text(encoding="utf-8") for path in templates if path.is_file()]
    return "\n".join([gist.code, *used])


@lru_cache
def _imports(module: str) -> tuple[str, ...]:
    """Modules of the package that a module names, in imports or, for lazy ones, in texts."""
    return tuple(name for name in _gist(module).modules if _exists(name))


@lru_cache
def _exists(module: str) -> bool:
    return all(map(str.isidentifier, module.split("."))) and _file_of(module).is_file()


def _file_of(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
