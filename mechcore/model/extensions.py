"""Entries of the user's own in the tables of kernels, activations and patterns.

They come from a Python file with tables of these names in capitals, or from an installed package
with entry points of the groups ``mechcore.kernels``, ``mechcore.activations``,
``mechcore.patterns``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stdout
from functools import cache
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, entry_points
from importlib.metadata import distribution as installed_distribution
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from mechcore.errors import MechcoreError, one_line
from mechcore.io.fingerprint import entry_fingerprint
from mechcore.io.reading import open_regular
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.kernels import FAMILIES
from mechcore.model.own_entries import own_activation, own_family, own_name, own_pattern
from mechcore.model.patterns import PATTERNS


class Table(NamedTuple):
    """A table that users extend: its entries, and how one is made of what a user gives."""

    entries: dict[str, Any]
    made_of: Callable[[str, object], Any]
    of_package: frozenset[str]


TABLES = {
    "kernels": Table(FAMILIES, own_family, frozenset(FAMILIES)),
    "activations": Table(ACTIVATIONS, own_activation, frozenset(ACTIVATIONS)),
    "patterns": Table(PATTERNS, own_pattern, frozenset(PATTERNS)),
}
"""The tables by the key of a configuration that takes their names."""


class Origin(NamedTuple):
    """Where an entry comes from: a file or a distribution, and the hash of what defines it."""

    source: str
    fingerprint: str


class Found(NamedTuple):
    """An entry of a source."""

    entry: object
    fingerprint: str


_origins: dict[str, Origin] = {}


def load_extensions(*sources: str | Path) -> list[str]:
    """Add own kernels, activations and patterns to the tables.

    Parameters
    ----------
    *sources : str or Path
        Python files with dictionaries ``KERNELS``, ``ACTIVATIONS`` or ``PATTERNS``, or names of
        installed packages; without any, all installed packages with such entry points.

    Returns
    -------
    list of str
        The entries, as ``activations.swish``.

    Raises
    ------
    MechcoreError
        If a source cannot be loaded, or if an entry is not what the science needs: an even part
        that is not even, an odd one that does not point along its angle, ...
    """
    chosen = [str(source) for source in sources] or _installed()
    return [entry for source in chosen for entry in load_extension(source)]


def load_extension(source: str) -> dict[str, str]:
    """Add the entries of a file or a package to the tables; return their fingerprints."""
    found = _in_file(source, _text(source)) if is_file(source) else _in_package(source)
    for key, (entry, fingerprint) in found.items():
        table, name = key.split(".")
        TABLES[table].entries[name] = entry
        _origins[key] = Origin(source, fingerprint)
    return {key: fingerprint for key, (_, fingerprint) in found.items()}


def is_file(source: str) -> bool:
    """Return whether a source is a file, and not a package."""
    return source.endswith(".py")


def origins_of(names: Mapping[str, Iterable[str]]) -> dict[str, Origin]:
    """Return the origins of those entries that are the user's own, as ``activations.swish``."""
    keys = sorted(f"{table}.{name}" for table, chosen in names.items() for name in chosen)
    return {key: _origins[key] for key in keys if key in _origins}


def names_with(table: str, used: Iterable[str]) -> list[str]:
    """Return the names that a table has in this package, and those of the user's own in use."""
    entries, chosen = TABLES[table], set(used)
    return [name for name in entries.entries if name in entries.of_package | chosen]


def _text(source: str) -> str:
    with open_regular(Path(source), "extensions") as stream:
        try:
            return stream.read().decode()
        except UnicodeDecodeError:
            raise MechcoreError(f"{source}: not a text, expected Python") from None


# A configuration is read several times in a process; each time its entries are those in use.
@cache
def _in_file(source: str, text: str) -> dict[str, Found]:
    module = ModuleType(f"mechcore_extension_{Path(source).stem}")
    module.__file__ = source
    # Where dataclasses look for the module of a class.
    sys.modules[module.__name__] = module
    try:
        # What commands print is read by others.
        with redirect_stdout(sys.stderr):
            exec(compile(text, source, "exec"), module.__dict__)  # noqa: S102
    except (Exception, SystemExit) as error:
        raise MechcoreError(f"{source}: {_reason(error)}") from error
    tables = {name: getattr(module, name.upper(), {}) for name in TABLES}
    if not all(isinstance(table, dict) for table in tables.values()) or not any(tables.values()):
        names = ", ".join(name.upper() for name in TABLES)
        raise MechcoreError(f"{source}: no entries, expected a dictionary {names}")
    return {
        f"{table}.{name}": Found(
            _made(source, table, name, given), entry_fingerprint(text, table.upper(), name)
        )
        for table, entries in tables.items()
        for name, given in entries.items()
    }


@cache
def _in_package(name: str) -> dict[str, Found]:
    try:
        distribution = installed_distribution(name)
    except (PackageNotFoundError, ValueError):
        allowed = "a file that ends in .py, or an installed package"
        raise MechcoreError(f"extensions: {name!r} is not allowed, expected {allowed}") from None
    points = {
        (table, point.name): point
        for table in TABLES
        for point in distribution.entry_points.select(group=f"mechcore.{table}")
    }
    return {
        f"{table}.{entry}": Found(
            _made(name, table, entry, _loaded(name, point)), _of_point(distribution, point)
        )
        for (table, entry), point in points.items()
    }


def _loaded(source: str, point: EntryPoint) -> object:
    try:
        return point.load()
    except (Exception, SystemExit) as error:
        raise MechcoreError(f"{source}: {point.value}: {_reason(error)}") from error


def _of_point(distribution: Distribution, point: EntryPoint) -> str:
    """The fingerprint of an entry point: the version, and all of its module."""
    spec = find_spec(point.module)
    text = Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else ""
    return entry_fingerprint(text, "", f"{distribution.version} {point.value}")


def _installed() -> list[str]:
    points = (point for table in TABLES for point in entry_points(group=f"mechcore.{table}"))
    return sorted({point.dist.name for point in points if point.dist})


def _made(source: str, table: str, name: str, given: object) -> object:
    """An entry, checked."""
    try:
        return TABLES[table].made_of(own_name(name, TABLES[table].of_package), given)
    except MechcoreError as error:
        raise MechcoreError(f"{source}: {table}.{name}: {error}") from error.__cause__


def _reason(error: BaseException) -> str:
    """What went wrong in the user's code, and in which line of a file that does not parse."""
    return one_line(f"{type(error).__name__}: {error}")
