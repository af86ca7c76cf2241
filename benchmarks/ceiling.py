"""The engine's direct method beside what the machine can do at most: matrix products."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from benchmarks.ratio import Ratio
from benchmarks.timing import best_dgemm_rate, best_when_warm, in_child
from benchmarks.workloads import FULL_RANK, LAYERS, multiply_adds, sizes_in
from mechcore.engines.compiled.run import run
from mechcore.engines.rule import LayerRule


def measure_ceiling(quick: bool) -> Iterator[Ratio]:
    """Compare the direct method without trimming with matrix products of as many multiply-adds.

    Only multiply-adds of occupied pixels count; ReLU, norm and moments are extra.
    """
    rate = best_dgemm_rate()
    sizes = sizes_in(quick)
    for size, seconds in zip(sizes, in_child(_direct_seconds, sizes), strict=True):
        work = multiply_adds(size, LAYERS, len(FULL_RANK.kernels(size)))
        remark = f"{work / seconds / 1e9:.1f}e9 of {rate / 1e9:.1f}e9 multiply-adds a second"
        yield Ratio(f"full rank, k = {size}", seconds, "matrix products", work / rate, remark)


def _direct_seconds(sizes: Sequence[int]) -> list[float]:
    rule, image, seconds_by_size = LayerRule(steps=LAYERS), FULL_RANK.image(), []
    for size in sizes:
        kernels = FULL_RANK.kernels(size)
        once = partial(run, kernels, image, rule, method="direct", trims=False)
        seconds, outcome = best_when_warm(once)
        # Multiply-adds are only known as long as no simulation ends early.
        if not np.all(np.isnan([outcome.extinct_at, outcome.diverged_at])):
            raise RuntimeError(f"a simulation with k = {size} ended early")
        seconds_by_size.append(seconds)
    return seconds_by_size
