"""Pictures of runs, drawn by other processes while this one talks to the store."""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from mechcore.tracking.runs import TrackedRun

OBJECTS = 100_000
"""So many may be made until garbage is looked for; 10 MB more."""

Pictures = Callable[[], Path | None]
"""Waits for the pictures of a run and returns their folder, or None without any."""


@contextmanager
def drawn(runs: Iterable[TrackedRun], processes: int) -> Iterator[dict[int, Pictures]]:
    """Draw the pictures of runs in the order of the runs."""
    wanted = [run for run in runs if run.draw is not None]
    if not wanted:
        yield {}
        return
    # A fork would copy locks that threads of MLflow hold.
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="mechcore-") as place,
        ProcessPoolExecutor(min(processes, len(wanted)), context, _begin, (place,)) as pool,
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


@contextmanager
def rare_garbage() -> Iterator[None]:
    """Look for garbage rarely: what databases and figures make of it takes a fifth of the time."""
    usual = gc.get_threshold()
    gc.set_threshold(OBJECTS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _begin(place: str) -> None:
    """End with the parent: if it was killed, a process would wait for work for ever."""
    gc.set_threshold(OBJECTS)
    parent = multiprocessing.parent_process()

    def wait() -> None:
        if parent is not None:
            parent.join()
            shutil.rmtree(place, ignore_errors=True)
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
