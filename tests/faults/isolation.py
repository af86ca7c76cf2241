"""Runs the command line in another process, with little memory and time.

The process has imported everything, so that a command takes a hundredth of its usual time. What
runs is what `python -m mechcore` runs: `mechcore.cli.main` with a list of words.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import time
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

MEMORY = 2**30
"""Bytes beyond what the imports take: a bomb that goes off fails."""

SECONDS = 20
"""Of computing, on a machine that may be busy; and of waiting, six times as long."""

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    [
        "mechcore.cli",
        "mechcore.simulation.run",
        "mechcore.filters.bank_file",
        "mechcore.filters.runs",
        "mechcore.analysis.curve_comparison",
        "mechcore.analysis.pooled",
        "mechcore.report.page",
        "mechcore.results.sweep",
        *(f"mechcore.filters.formats.{name}" for name in ("npz", "safetensors", "onnx", "keras")),
        # Without torch, its tests are skipped.
        "mechcore.filters.formats.torch",
        "netCDF4",
        "PIL.PngImagePlugin",
        "yaml",
        # Every process looks at the main module of the one that it comes from.
        "pytest",
    ]
)


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Parameters
    ----------
    code : int or None
        Exit code; negative for a signal, None if it had to be killed.
    output, complaints : str
        What it wrote to standard output and standard error.
    """

    code: int | None
    output: str
    complaints: str


def run_limited(words: tuple[str, ...], folder: Path, streams: Path) -> Ended:
    """Run the command line in a folder; what it says goes through files in another."""
    from mechcore.cli import main

    return call_limited(main, (words,), folder, streams)


def call_limited(
    function: Callable[..., object], arguments: tuple[Any, ...], folder: Path, streams: Path
) -> Ended:
    """Call a function with little memory and time, in a folder and in a process that may die."""
    paths = (str(streams / "stdout"), str(streams / "stderr"))
    code = _worker().call((function, arguments, str(folder), *paths))
    return Ended(code, *(Path(path).read_text(errors="replace") for path in paths))


class _Worker:
    """A process that calls one function after the other, as starting one takes most of the time."""

    def __init__(self) -> None:
        self.connection, other = _SERVER.Pipe()
        self.process = _SERVER.Process(target=_serve, args=(other,), daemon=True)
        self.process.start()
        other.close()

    def call(self, task: tuple[Any, ...]) -> int | None:
        self.connection.send(task)
        try:
            if self.connection.poll(6 * SECONDS):
                return int(self.connection.recv())
        except EOFError:
            self.process.join()
            return self.process.exitcode
        self.process.kill()
        return None


_workers: list[_Worker] = []


def _worker() -> _Worker:
    """The process that is there, or a new one in place of a dead one."""
    if not _workers or not _workers[0].process.is_alive():
        _workers[:] = [_Worker()]
    return _workers[0]


def _serve(connection: Connection) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        spent = int(time.process_time())
        resource.setrlimit(resource.RLIMIT_CPU, (spent + SECONDS, resource.RLIM_INFINITY))
        connection.send(_call(*task))


def _call(
    function: Callable[..., object],
    arguments: tuple[Any, ...],
    folder: str,
    output: str,
    complaints: str,
) -> int:
    os.chdir(folder)
    with Path(output).open("w") as stdout, Path(complaints).open("w") as stderr:
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
    return 0
