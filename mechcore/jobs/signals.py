"""What ends a workflow: any of three signals as Ctrl-C does, leaving neither lock nor traceback."""

from __future__ import annotations

import signal
from threading import Event
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, a scheduler or a shutdown, and a terminal that closes."""

ended = Event()
"""Whether one of them came: jobs that end from then on have not failed."""


def end_by_signals() -> None:
    """Take the first of these signals as Ctrl-C, and ignore those that follow.

    Snakemake's own handler of SIGTERM waits for a lock that the thread it stops may hold.
    """
    for number in ENDING:
        # Ignored under `nohup`.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as Python calls it
    ended.set()
    # Also in the status command that follows.
    for following in ENDING:
        signal.signal(following, signal.SIG_IGN)
    raise KeyboardInterrupt
