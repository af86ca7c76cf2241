"""Fingerprints of code: neither Snakemake nor numba sees an edit inside an imported package."""

from __future__ import annotations

import ast
import hashlib
from functools import lru_cache
from pathlib import Path

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
def _tree(module: str) -> ast.Module:
    tree = ast.parse(_file_of(module).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            node.body = [part for part in node.body if not _is_text(part)]
    return tree


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@lru_cache
def _meaning(module: str) -> str:
    """The code of a module, with the templates that it names."""
    templates = [PACKAGE / "templates" / text for text in sorted(_texts(module)) if ".j2" in text]
    used = [path.read_text(encoding="utf-8") for path in templates if path.is_file()]
    return "\n".join([ast.dump(_tree(module)), *used])


@lru_cache
def _imports(module: str) -> tuple[str, ...]:
    """Modules of the package that a module names, in imports or, for lazy ones, in texts."""
    names = set(_texts(module))
    for node in _nodes(module):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(sorted(name for name in names if name.startswith("mechcore.") and _exists(name)))


@lru_cache
def _texts(module: str) -> frozenset[str]:
    constants = (node for node in _nodes(module) if isinstance(node, ast.Constant))
    return frozenset(node.value for node in constants if isinstance(node.value, str))


@lru_cache
def _nodes(module: str) -> tuple[ast.Import | ast.ImportFrom | ast.Constant, ...]:
    """What may name another module: going through a tree takes longer than reading it."""
    kinds = (ast.Import, ast.ImportFrom, ast.Constant)
    return tuple(node for node in ast.walk(_tree(module)) if isinstance(node, kinds))


@lru_cache
def _exists(module: str) -> bool:
    return all(map(str.isidentifier, module.split("."))) and _file_of(module).is_file()


def _file_of(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
