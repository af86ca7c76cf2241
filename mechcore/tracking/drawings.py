"""Pictures of runs, drawn by other processes while this one talks to the store."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from mechcore.tracking.runs import TrackedRun

Pictures = Callable[[], Path | None]
"""Waits for the pictures of a run and returns their folder, or None without any."""


@contextmanager
def drawn(runs: Iterable[TrackedRun], processes: int) -> Iterator[dict[int, Pictures]]:
    """Draw the pictures of runs in the order of the runs.

    Parameters
    ----------
    runs : iterable of TrackedRun
        The runs.
    processes : int
        How many draw at the same time.

    Yields
    ------
    dict of int to callable
        What waits for the pictures of a run, by ``id(run)``; runs without pictures are left out.
    """
    wanted = [run for run in runs if run.draw is not None]
    if not wanted:
        yield {}
        return
    # A fork would copy locks that threads of MLflow hold.
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="mechcore-") as place,
        ProcessPoolExecutor(min(processes, len(wanted)), context, _end_with_parent) as pool,
    ):
        try:
            yield {
                id(run): pool.submit(_draw, run.draw, Path(place) / str(number)).result
                for number, run in enumerate(wanted)
                if run.draw is not None
            }
        finally:
            pool.shutdown(cancel_futures=True)


def _draw(draw: Callable[[Path], None], folder: Path) -> Path:
    folder.mkdir()
    draw(folder)
    return folder


def _end_with_parent() -> None:
    """A process whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
