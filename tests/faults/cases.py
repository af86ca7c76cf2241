"""What a case of the corpus of bad input is, and what cases are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Maker = Callable[[Path], object]
"""Writes a file."""


@dataclass(frozen=True)
class Case:
    """A command line that must be refused."""

    name: str
    words: tuple[str, ...]
    """What follows ``mechcore``."""
    told: tuple[str, ...]
    """Parts of the one line: the key or the file, and what is wrong with it."""
    file: str = ""
    """Path of a file, relative to the folder in which the command runs."""
    make: Maker | None = None
    """Writes the file."""
    package: str = ""
    """What the test needs besides the locked packages."""


def content(data: bytes | str) -> Maker:
    """Return what writes these bytes."""
    stored = data.encode() if isinstance(data, str) else data
    return lambda path: path.write_bytes(stored)
