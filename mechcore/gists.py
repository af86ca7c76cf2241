"""What counts of source files, remembered: to parse the package takes a second of every start."""

from __future__ import annotations

import ast
import hashlib
import json
import platform
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from platformdirs import user_cache_dir

from mechcore.drafts import replace_file
from mechcore.errors import MechcoreError

MOST = 2000
"""Files that are remembered: of a dozen states of the package."""

_new: set[str] = set()
"""What this process read, and has not kept yet."""


class Gist(NamedTuple):
    """What counts of a source file.

    Parameters
    ----------
    code : str
        Hash of the syntax tree without docstrings, which has no comments and no layout.
    modules : list of str
        Names that may be modules of this package, in imports or in texts, sorted.
    templates : list of str
        Texts that may be templates, sorted.
    """

    code: str
    modules: list[str]
    templates: list[str]


def gist_of(source: bytes) -> Gist:
    """Return what counts of a source file.

    Parameters
    ----------
    source : bytes
        Of a module.

    Returns
    -------
    Gist
        Of this text and of no other, whatever its file is called and when it was changed.

    Examples
    --------
    >>> gist_of(b"import mechcore.errors  # Why.").modules
    ['mechcore.errors']
    >>> gist_of(b"x = 1") == gist_of(b"x  =  1")
    True
    """
    key = hashlib.sha256(source).hexdigest()
    known = _known()
    if key not in known:
        known[key] = _read(source)
        _new.add(key)
    return known[key]


def remember() -> None:
    """Keep what was read by this process for others; where that is impossible they read again."""
    if not _new:
        return
    _new.clear()
    kept = dict(list(_known().items())[-MOST:])
    with suppress(MechcoreError):
        replace_file(_memory(), lambda draft: draft.write_text(json.dumps(kept), "utf-8"))


def _memory() -> Path:
    # Versions of Python do not write the same tree alike; nor would another version of this file.
    own = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    return Path(user_cache_dir("mechcore")) / f"gists-{platform.python_version()}-{own}.json"


@lru_cache
def _known() -> dict[str, Gist]:
    try:
        return {key: Gist(*gist) for key, gist in json.loads(_memory().read_text("utf-8")).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _read(source: bytes) -> Gist:
    tree = ast.parse(source)
    # First of all: to walk through a node puts its parts on the way, docstrings as well.
    for node in list(ast.walk(tree)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            node.body = [part for part in node.body if not _is_text(part)]
    texts: set[str] = set()
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.add(node.value)
        else:
            imported.update(_imported(node))
    modules = sorted(name for name in texts | imported if name.startswith("mechcore."))
    templates = sorted(text for text in texts if text.endswith(".j2"))
    return Gist(hashlib.sha256(ast.dump(tree).encode()).hexdigest(), modules, templates)


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
