"""Names of files from elsewhere: relative, and valid on every system."""

from __future__ import annotations

import re

LONGEST = 240
"""Characters of a name: every system has room for them in a folder of ordinary depth."""

PART = re.compile(r'[^\x00-\x1f\x7f<>:"/\\|?*]*[^\x00-\x1f\x7f<>:"/\\|?* .]')
"""A folder or a file without a special meaning on any system: neither ``..`` nor ``C:``."""

DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\..*)?", re.I)
"""Devices on Windows, whatever follows the dot."""


def is_portable(name: str) -> bool:
    """Return whether a name is that of a file below a folder on every system.

    Examples
    --------
    >>> [is_portable(name) for name in ("results/a.nc", "/etc/passwd", "../a", "a//b", "C:/a")]
    [True, False, False, False, False]
    >>> is_portable("results/nul.nc")
    False
    """
    return len(name) <= LONGEST and all(map(_is_portable_part, name.split("/")))


def _is_portable_part(part: str) -> bool:
    return bool(PART.fullmatch(part)) and not DEVICE.fullmatch(part)
