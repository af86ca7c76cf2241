"""Names of files that come from elsewhere: relative, and the same file on every system."""

from __future__ import annotations

import re

PART = re.compile(r'(?!\.{1,2}$)[^\x00-\x1f\x7f<>:"/\\|?*]+')
"""A file or folder: no characters that a system interprets, and neither ``.`` nor ``..``."""


def is_portable(name: str) -> bool:
    """Return whether a name leads to the same file below a folder on every system.

    Examples
    --------
    >>> [is_portable(name) for name in ("results/a.nc", "/etc/passwd", "../a", "a//b", "C:/a")]
    [True, False, False, False, False]
    """
    return all(PART.fullmatch(part) for part in name.split("/"))
