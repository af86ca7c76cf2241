"""How time is taken: processor time on one core, one thread at a time, the best of several runs.

What others do on the machine changes processor time much less than time on the wall.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple, ParamSpec, TypeVar

import numpy as np

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
"""Libraries read these when they are imported, so they are set before a child starts."""

BUDGET = 0.2
"""Seconds for each time that is taken, if its calls are not slow."""

FEW = 2
"""Calls that are timed at least, unless they are slow."""

SLOW = 2.0
"""Seconds of a call that need not be repeated: what a cold cache costs is lost in it."""

MATRIX_SIDES = (1024, 1536, 2048)


def cores() -> list[int]:
    """Return the cores that may be used; the last one is measured on, the first is the busiest."""
    if not hasattr(os, "sched_getaffinity"):
        return [0]
    return sorted(os.sched_getaffinity(0))


def pin(core: int) -> None:
    """Keep this process, and all threads it will start, on one core."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


class Spent(NamedTuple):
    """What a command took, with all that it started."""

    wall: float
    """Seconds on the wall."""
    processor: float
    """Seconds of processors."""
    megabytes: float
    """Peak memory of its largest process."""


def spent(
    command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None
) -> Spent:
    """Run a command, which must succeed, with some more environment variables."""
    start = time.perf_counter()
    with TemporaryFile() as said:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **(variables or {})}, stdout=said, stderr=said
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(said.read().decode(errors="replace")[-3000:])
    processor = usage.ru_utime + usage.ru_stime
    return Spent(time.perf_counter() - start, processor, usage.ru_maxrss / 1024)


@contextmanager
def pinned_child(
    core: int, environment: Mapping[str, str] | None = None
) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of one fresh process on one core, with one thread and an environment."""
    before = dict(os.environ)
    # A child inherits the environment when it starts; the parent gets its own back afterwards.
    os.environ.update(dict.fromkeys(THREAD_SETTINGS, "1") | dict(environment or {}))
    try:
        with ProcessPoolExecutor(
            1, get_context("spawn"), initializer=pin, initargs=(core,)
        ) as pool:
            pool.submit(os.getpid).result()
            yield pool
    finally:
        os.environ.clear()
        os.environ.update(before)


def in_child(
    function: Callable[Parameters, Result],
    *arguments: Parameters.args,
    **named: Parameters.kwargs,
) -> Result:
    """Return what a function returns in a fresh process on the measured core."""
    with pinned_child(cores()[-1]) as pool:
        return pool.submit(function, *arguments, **named).result()


def timed(function: Callable[[], Result]) -> tuple[float, Result]:
    """Return processor seconds and result of one call."""
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def best_of(function: Callable[[], Result]) -> tuple[float, Result]:
    """Return the shortest time of several calls, and the last result.

    The first call warms up; it counts, as it can only be the slower one. After a few
    calls and `BUDGET`, or one that is slow, no further one starts.
    """
    best, calls, start = float("inf"), 0, time.process_time()
    while True:
        seconds, result = timed(function)
        best, calls = min(best, seconds), calls + 1
        few = calls < FEW and best < SLOW
        if not few and time.process_time() - start > BUDGET:
            return best, result


def best_when_warm(function: Callable[[], Result]) -> tuple[float, Result]:
    """Return what `best_of` returns after one call that does not count, which may compile."""
    function()
    return best_of(function)


def dgemm_rate() -> float:
    """Return the multiply-adds per second of matrix products in float64, the best of some sides."""
    return max(side**3 / _seconds_of_product(side) for side in MATRIX_SIDES)


def _seconds_of_product(side: int) -> float:
    generator = np.random.default_rng(0)
    first, second = generator.standard_normal((2, side, side))
    result = np.empty_like(first)
    return best_of(lambda: np.dot(first, second, out=result))[0]


def best_dgemm_rate() -> float:
    """Return the rate of numpy as it is, or of the best code that OpenBLAS has for this machine.

    OpenBLAS takes its AVX2 code on processors that it does not recognise yet, even where AVX-512 is
    available and much faster: the ceiling is what the machine can do, not what the library chose.
    """
    rates = []
    for environment in ({}, {"OPENBLAS_CORETYPE": "SkylakeX"})[: 2 if _has_avx512() else 1]:
        with pinned_child(cores()[-1], environment) as pool:
            rates.append(pool.submit(dgemm_rate).result())
    return max(rates)


def _has_avx512() -> bool:
    flags = Path("/proc/cpuinfo")
    return flags.exists() and "avx512f" in flags.read_text()
