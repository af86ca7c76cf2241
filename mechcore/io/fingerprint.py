"""Fingerprints of code: neither Snakemake nor numba sees an edit inside an imported package."""

from __future__ import annotations

import ast
import hashlib
import platform
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from mechcore.errors import MechcoreError
from mechcore.io.atomic import replace_file
from mechcore.io.cache_folder import cache_folder

PACKAGE = Path(__file__).parents[1]

ROOMS = (
    *("errors", "io", "model", "engines", "experiment", "simulation", "analysis"),
    *("filters", "training", "jobs", "networks", "plots"),
    *("results", "claims", "verification", "report", "tracking"),
)
"""The rooms of the package; each imports only those before it."""

SIBLINGS = {"jobs": ("training",), "networks": ("training", "jobs")}
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
        # A full disk of caches costs time, not the result.
        with suppress(MechcoreError):
            replace_file(known, lambda draft: draft.write_text(found, encoding="utf-8"))
    return found


def entry_fingerprint(text: str, table: str, name: str) -> str:
    """Return a hash of one entry of a dictionary in a file: its value, and what that uses there.

    Where this cannot be told from the text, it is a hash of the whole file.

    Examples
    --------
    >>> before = entry_fingerprint("T = {'a': 1, 'b': 2}", "T", "a")
    >>> before == entry_fingerprint("T = {'a': 1, 'b': 3}", "T", "a")
    True
    """
    body = _without_docstrings(ast.parse(text)).body
    value = _value(body, table, name)
    parts: list[ast.AST] = [*body] if value is None else [value, *_used_by(value, table, body)]
    return _hash([(name, ""), *((ast.dump(part), "") for part in parts)])[:DIGITS]


def _value(body: list[ast.stmt], table: str, name: str) -> ast.expr | None:
    """The value of a key in the only statement with a table, a dictionary of such keys."""
    statements = [statement for statement in body if table in _names(statement)]
    match statements:
        case [ast.Assign(value=ast.Dict() as found) | ast.AnnAssign(value=ast.Dict() as found)]:
            keys = [getattr(key, "value", None) for key in found.keys]
            return found.values[keys.index(name)] if keys.count(name) == 1 else None
    return None


def _used_by(value: ast.expr, table: str, body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements that define the names of an expression, and the names in these, and so on."""
    others = [part for part in body if table not in _names(part)]
    reached, before, used = _names(value), set[str](), list[ast.stmt]()
    while reached != before:
        before = reached
        used = [part for part in others if _acts(part) or _defined(part) & reached]
        reached = reached.union(*map(_names, used))
    return used


def _acts(statement: ast.stmt) -> bool:
    """Whether a statement may do more than define names that it shows."""
    defines = ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom | ast.Assign
    return not isinstance(statement, defines | ast.AnnAssign) or "*" in _names(statement)


def _defined(statement: ast.stmt) -> set[str]:
    """The names that a statement defines or changes."""
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return set().union(*map(_names, targets))
        case ast.AnnAssign(target=target):
            return _names(target)
    return _names(statement)


def _names(node: ast.AST) -> set[str]:
    """The names in code."""
    names = set()
    for part in ast.walk(node):
        match part:
            case ast.Name(id=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.alias(name=name, asname=other):
                names.add(other or name.partition(".")[0])
    return names


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


@cache
def _meaning(name: str, text: str) -> str:
    """A hash of what a file means; rooms share most of their files."""
    means = ast.dump(_without_docstrings(ast.parse(text))) if name.endswith(".py") else text
    return hashlib.sha256(means.encode()).hexdigest()


def _without_docstrings(tree: ast.Module) -> ast.Module:
    """Drop every statement that is a text: it does nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [part for part in node.body if not _is_text(part)]
    return tree


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str)
