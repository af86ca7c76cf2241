"""How the engine's cost grows: with kernel size, layers, batch, and processes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.timing import best_when_warm, cores, in_child, pinned_child, timed
from benchmarks.workloads import (
    COMPARED,
    FULL_RANK,
    GENERAL,
    LAYERS,
    SEPARABLE,
    SIZES,
    Workload,
    sizes_in,
)
from mechcore.engines.compiled.run import run
from mechcore.engines.rule import LayerRule
from mechcore.io.arrays import Array

SIZE = 3
"""Kernel size of all but the first axis."""

STEPS = tuple(2**power for power in range(4, 11))
BATCHES = tuple(2**power for power in range(11))

BETAS_OF_BATCH = (0.5, 0.51)
"""From, to: each simulation of a batch is the same work, but none a copy of another."""

SIDE_BY_SIDE = 2.0
"""Seconds that processes run side by side."""

METHODS = (
    (SEPARABLE, "auto"),
    (GENERAL, "auto"),
    (FULL_RANK, "direct"),
)
"""What is run for each kernel size."""


@dataclass(frozen=True)
class Cost:
    """Seconds for one value on one axis, for a batch of 21 or for one simulation."""

    axis: str
    workload: str
    method: str
    value: int
    seconds: float


def measure_scaling(quick: bool, budget: float) -> list[Cost]:
    """Return the costs along all axes."""
    return [
        *in_child(_by_size, sizes_in(SIZES, quick), budget),
        *in_child(_by_steps, STEPS[:4] if quick else STEPS, budget),
        *in_child(_by_batch, BATCHES[:6] if quick else BATCHES, budget),
        *(cost for workload in COMPARED.values() for cost in _by_processes(workload)),
    ]


def _by_size(sizes: Sequence[int], budget: float) -> list[Cost]:
    rule, costs = LayerRule(steps=LAYERS), []
    for workload, method in METHODS:
        for size in sizes:
            seconds = _seconds(workload, workload.kernels(size), rule, budget, method)
            costs.append(Cost("k", workload.name, method, size, seconds))
    return costs


def _by_steps(steps: Sequence[int], budget: float) -> list[Cost]:
    costs = []
    for workload in COMPARED.values():
        for count in steps:
            kernels, rule = workload.kernels(SIZE), LayerRule(steps=count)
            costs.append(
                Cost("T", workload.name, "auto", count, _seconds(workload, kernels, rule, budget))
            )
    return costs


def _by_batch(batches: Sequence[int], budget: float) -> list[Cost]:
    rule, costs = LayerRule(steps=LAYERS), []
    for workload in COMPARED.values():
        for count in batches:
            kernels = workload.kernels(SIZE, np.linspace(*BETAS_OF_BATCH, count))
            seconds = _seconds(workload, kernels, rule, budget) / count
            costs.append(Cost("batch", workload.name, "auto", count, seconds))
    return costs


def _seconds(
    workload: Workload,
    kernels: Array,
    rule: LayerRule,
    budget: float,
    method: str = "auto",
) -> float:
    image = workload.image()
    return best_when_warm(partial(run, kernels, image, rule, method=method), budget)[0]


def _by_processes(workload: Workload) -> list[Cost]:
    """Wall time for one simulation, of one process and of two, each on its own core."""
    costs = []
    for used in (cores()[-1:], cores()[-2:]):
        rates = _rates(workload.name, used)
        seconds = 1.0 / sum(rates)
        costs.append(Cost("processes", workload.name, "auto", len(used), seconds))
    return costs


def _rates(workload: str, used: Sequence[int]) -> list[float]:
    """Simulations per second of each process, all running for the same seconds."""
    with ExitStack() as stack:
        pools = [stack.enter_context(pinned_child(core)) for core in used]
        for pool in pools:
            pool.submit(_rate, workload, time.monotonic(), 0.0).result()
        start = time.monotonic() + 0.2
        tasks = [pool.submit(_rate, workload, start, SIDE_BY_SIDE) for pool in pools]
        return [task.result() for task in tasks]


def _rate(workload: str, start: float, duration: float) -> float:
    chosen = COMPARED[workload]
    kernels, image = chosen.kernels(SIZE), chosen.image()
    once = partial(run, kernels, image, LayerRule(steps=LAYERS))
    while time.monotonic() < start:
        pass
    count, seconds = 0, 0.0
    while count == 0 or seconds < duration:
        seconds += timed(once)[0]
        count += len(kernels)
    return count / seconds
