"""Fingerprints of code: neither Snakemake nor numba sees an edit inside an imported package."""

from __future__ import annotations

import ast
import hashlib
import platform
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from mechcore.io.atomic import replace_file
from mechcore.io.cache_folder import cache_folder

PACKAGE = Path(__file__).parents[1]

ROOMS = (
    *("errors", "io", "model", "engines", "experiment", "simulation", "analysis"),
    *("filters", "training", "jobs"),
    *("results", "claims", "verification", "report", "tracking"),
)
"""The rooms of the package; each imports only those before it."""

SIBLINGS = {"jobs": ("training",)}
"""Earlier rooms that a room does not import."""

DIGITS = 16


@cache
def code_fingerprint(room: str) -> str:
    """Return a hash of a room and those below: code and templates, without comments and layout."""
    sources = {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8")
        for path in _sources(room)
    }
    # Parsing takes longer than many a cell: once for each state of the files.
    folder = cache_folder("fingerprints")
    known = folder and folder / _hash([*sources.items(), ("python", platform.python_version())])
    if known and known.is_file() and len(before := known.read_text(encoding="utf-8")) == DIGITS:
        return before
    found = _hash((name, _meaning(name, text)) for name, text in sources.items())[:DIGITS]
    if known:
        replace_file(known, lambda draft: draft.write_text(found, encoding="utf-8"))
    return found


def _hash(parts: Iterable[tuple[str, str]]) -> str:
    digest = hashlib.sha256()
    for name, text in parts:
        digest.update(f"{name}\n{text}\n".encode())
    return digest.hexdigest()


def _sources(room: str) -> Iterator[Path]:
    for name in ROOMS[: ROOMS.index(room) + 1]:
        if name not in SIBLINGS.get(room, ()):
            folder, module = PACKAGE / name, PACKAGE / f"{name}.py"
            files = folder.rglob("*") if folder.is_dir() else [module]
            yield from sorted(path for path in files if path.suffix in (".py", ".j2"))


def _meaning(name: str, text: str) -> str:
    return ast.dump(_without_docstrings(ast.parse(text))) if name.endswith(".py") else text


def _without_docstrings(tree: ast.Module) -> ast.Module:
    """Drop every statement that is a text: it does nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [part for part in node.body if not _is_text(part)]
    return tree


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str)
