"""Fingerprints of code: neither Snakemake nor numba sees an edit inside an imported package."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]

ROOMS = (
    *("errors", "io", "model", "engines", "experiment", "simulation", "analysis"),
    *("filters", "jobs", "results", "claims", "verification", "report", "tracking"),
)
"""The rooms of the package; each imports only those before it."""

SIBLINGS = {"jobs": ("filters",)}
"""Earlier rooms that a room does not import."""


@cache
def code_fingerprint(room: str) -> str:
    """Return a hash of a room and those below: code and templates, without comments and layout."""
    digest = hashlib.sha256()
    for path in _sources(room):
        digest.update(f"{path.relative_to(PACKAGE).as_posix()}\n{_meaning(path)}\n".encode())
    return digest.hexdigest()[:16]


def _sources(room: str) -> Iterator[Path]:
    for name in ROOMS[: ROOMS.index(room) + 1]:
        if name not in SIBLINGS.get(room, ()):
            folder, module = PACKAGE / name, PACKAGE / f"{name}.py"
            files = folder.rglob("*") if folder.is_dir() else [module]
            yield from sorted(path for path in files if path.suffix in (".py", ".j2"))


@cache
def _meaning(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return ast.dump(_without_docstrings(ast.parse(text))) if path.suffix == ".py" else text


def _without_docstrings(tree: ast.Module) -> ast.Module:
    """Drop every statement that is a text: it does nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [part for part in node.body if not _is_text(part)]
    return tree


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str)
