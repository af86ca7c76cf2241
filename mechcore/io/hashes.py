"""SHA-256 of files and of settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from mechcore.io.reading import open_regular


def file_sha256(path: str | Path, key: str = "file") -> str:
    """Return the SHA-256 of a file; the key names it in the message if it cannot be read."""
    # In pieces: the file may be larger than memory.
    with open_regular(Path(path), key) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def settings_sha256(settings: Mapping[str, object]) -> str:
    """Return a hash of settings that does not depend on their order.

    Examples
    --------
    >>> settings_sha256({"a": 1, "b": 2}) == settings_sha256({"b": 2, "a": 1})
    True
    """
    text = json.dumps(settings, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
