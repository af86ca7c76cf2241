"""What a case of the corpus of bad input is, and what cases are made of."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Maker = Callable[[Path], object]

Table = dict[str, tuple[Maker, tuple[str, ...]]]
"""By name: what writes a file, and parts of the line beside the name of the file."""


@dataclass(frozen=True)
class Case:
    """A command line that must be refused."""

    name: str
    words: tuple[str, ...]
    """What follows ``mechcore``."""
    message: tuple[str, ...]
    """Parts of the one line: the key or the file, and what is wrong with it."""
    file: str = ""
    """Path of a file, relative to the folder in which the command runs."""
    make: Maker | None = None
    package: str = ""
    """What the test needs besides the locked packages."""


class Runs:
    def __reduce__(self) -> tuple[Callable[..., None], tuple[Path]]:
        return Path.touch, (Path("pwned"),)


def content(data: bytes | str) -> Maker:
    stored = data.encode() if isinstance(data, str) else data
    return lambda path: path.write_bytes(stored)


def of_any_format(*message: str) -> Table:
    """Return what no reader takes, and the line of those that are files."""
    return {
        "nothing": (content(b""), message),
        "text": (content("1 0\n0 1\n"), message),
        "bytes of chance": (content(bytes(range(256)) * 9), message),
        "a pickle": (content(pickle.dumps({"conv.weight": Runs()})), message),
        "a link outside": (lambda path: path.symlink_to("../outside/secret"), message),
        "a folder": (Path.mkdir, ("it is a folder",)),
        "a device": (lambda path: path.symlink_to("/dev/zero"), ("a device",)),
        "a link to itself": (lambda path: path.symlink_to(path.name), ("symbolic links",)),
    }
