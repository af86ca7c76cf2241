"""Names of files that come from elsewhere, and of the folder that the project is in."""

from __future__ import annotations

import re
from pathlib import Path

from mechcore.errors import MechcoreError, shown

UNUSABLE = re.compile(r"""["$'`:?%#{}<>\\\x00-\x1f\x7f]""")
"""What a script of the environment, PATH, Snakemake or the address of a store reads otherwise."""

PART = re.compile(r'(?!\.{1,2}$)[^\x00-\x1f\x7f<>:"/\\|?*]+')
"""A file or folder: no characters that a system interprets, and neither ``.`` nor ``..``."""


def check_folder(folder: Path) -> None:
    """Refuse a folder in which the workflow, or a store, would use other files or run a text."""
    sign = UNUSABLE.search(str(folder))
    if sign:
        text = f"{shown(str(folder), 200)} holds {sign[0]!r}"
        raise MechcoreError(f"the name of the folder {text}, which cannot work: rename it")


def is_portable(name: str) -> bool:
    """Return whether a name leads to the same file below a folder on every system.

    Examples
    --------
    >>> [is_portable(name) for name in ("results/a.nc", "/etc/passwd", "../a", "a//b", "C:/a")]
    [True, False, False, False, False]
    """
    return all(PART.fullmatch(part) for part in name.split("/"))
