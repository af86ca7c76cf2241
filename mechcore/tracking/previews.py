"""Pictures of runs, drawn by other processes while this one talks to the store."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from mechcore.tracking.runs import TrackedRun

Pictures = dict[str, "Future[Path]"]
"""The folder with the pictures of a run, by its name."""


@contextmanager
def drawn(runs: Iterable[TrackedRun], processes: int) -> Iterator[Pictures]:
    """Draw the pictures of runs, in the order of the runs."""
    drawings = {run.name: run.draw for run in runs if run.draw is not None}
    if not drawings:
        yield {}
        return
    # A fork would copy locks that threads of MLflow hold.
    context = multiprocessing.get_context("spawn")
    workers = min(processes, len(drawings))
    with (
        tempfile.TemporaryDirectory(prefix="mechcore-") as folder,
        ProcessPoolExecutor(workers, context, _end_with_parent, (folder,)) as pool,
    ):
        try:
            yield {
                name: pool.submit(_draw, draw, Path(folder) / str(number))
                for number, (name, draw) in enumerate(drawings.items())
            }
        finally:
            pool.shutdown(cancel_futures=True)


def _draw(draw: Callable[[Path], None], folder: Path) -> Path:
    folder.mkdir()
    draw(folder)
    return folder


def _end_with_parent(folder: str) -> None:
    """Watch the parent: if it is killed, its workers would wait for ever, and its files stay."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
