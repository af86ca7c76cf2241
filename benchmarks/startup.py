"""How long a process takes to its first layer."""

from __future__ import annotations

import os
import subprocess
import sys
import time

FIRST_LAYER = """
import os, time
import mechcore
from mechcore import engines

run = engines.run

def timed(*arguments):
    outcome = run(*arguments)
    print(time.time() - float(os.environ["STARTED"]))
    raise SystemExit

engines.run = timed
mechcore.propagate(mechcore.kernel("dct", 3, beta=0.5, angle=30), pattern="disc", steps=1)
"""

STARTS = 5
"""Processes that are started; the first may have to compile."""


def seconds_to_first_layer() -> float:
    """Return the shortest time from the start of a process to the end of its first layer."""
    return min(_seconds() for _ in range(STARTS))


def _seconds() -> float:
    environment = {**os.environ, "STARTED": str(time.time())}
    command = [sys.executable, "-c", FIRST_LAYER]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(ended.stdout)
