"""Runs commands and functions in another process, with little memory and time.

The process has imported everything, so that a command takes a hundredth of its usual time. What
runs is what `python -m mechcore` runs: `mechcore.cli.main` with a list of words.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mechcore.experiment.weights import FORMATS

MEMORY = 2**30
"""Bytes beyond what the imports take: a bomb that goes off fails."""

SECONDS = 20
"""Time limit of computing, on a machine that may be busy; waiting may take six times as long."""

PRELOADED = (
    *("mechcore.cli", "mechcore.simulation.run", "mechcore.filters.runs", "mechcore.report.page"),
    *("mechcore.analysis.curve_comparison", "mechcore.analysis.pooled", "mechcore.results.sweep"),
    # Without its package, the tests of a reader are skipped.
    *(f"mechcore.filters.formats.{name}" for name in FORMATS),
    *("netCDF4", "PIL.PngImagePlugin", "yaml"),
    # Every process looks at the main module of the one that it comes from.
    "pytest",
)


class Ended(NamedTuple):
    """How a run ended: exit code, None if the process died, and what it wrote."""

    code: int | None
    output: str
    errors: str


def run_limited(words: Sequence[str], folder: Path) -> Ended:
    from mechcore.cli import main

    return call_limited(main, (words,), folder)


def call_limited(
    function: Callable[..., object], arguments: tuple[Any, ...], folder: Path
) -> Ended:
    """Call a function with little memory and time, in a folder and in a process that may die."""
    with tempfile.TemporaryDirectory() as place:
        streams = Path(place, "stdout"), Path(place, "stderr")
        try:
            code = _worker().submit(_call, function, arguments, folder, *streams).result()
        except BrokenProcessPool:
            _worker.cache_clear()
            code = None
        return Ended(code, *(path.read_text(errors="replace") for path in streams))


@cache
def _worker() -> ProcessPoolExecutor:
    """One process for all calls, as starting one takes most of the time."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    return ProcessPoolExecutor(1, context, _limit_memory)


def _limit_memory() -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _call(
    function: Callable[..., object], arguments: tuple[Any, ...], folder: Path, *streams: Path
) -> int:
    os.chdir(folder)
    # Both end the process.
    spent = int(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (spent + SECONDS, resource.RLIM_INFINITY))
    signal.alarm(6 * SECONDS)
    with streams[0].open("w") as stdout, streams[1].open("w") as stderr:
        # Libraries write to them as well.
        os.dup2(stdout.fileno(), 1)
        os.dup2(stderr.fileno(), 2)
        with redirect_stdout(stdout), redirect_stderr(stderr):
            try:
                function(*arguments)
            except SystemExit as ended:
                return int(ended.code or 0)
            except BaseException:
                traceback.print_exc()
                return 1
            finally:
                signal.alarm(0)
    return 0
