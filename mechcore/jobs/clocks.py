"""Files of another clock: inputs whose time is still to come make Snakemake refuse their output."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def touch_future(paths: Iterable[str]) -> None:
    """Give files whose time is still to come, as after a clock was set back, that of now."""
    for path in {*paths}:
        # It may be made only later, or belong to another user.
        with suppress(OSError):
            if Path(path).stat().st_mtime > time.time():
                os.utime(path)
