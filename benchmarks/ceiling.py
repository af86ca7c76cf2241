"""The engine's direct method beside what the machine can do at most: matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.timing import best_dgemm_rate, best_when_warm, in_child
from benchmarks.workloads import FULL_RANK, LAYERS, SIZES, multiply_adds, sizes_in
from mechcore.engines.compiled.run import run
from mechcore.engines.rule import LayerRule


@dataclass(frozen=True)
class Share:
    """Work and time of the direct method for one kernel size; rates in multiply-adds a second."""

    size: int
    multiply_adds: int
    seconds: float
    dgemm_rate: float

    @property
    def rate(self) -> float:
        """Useful multiply-adds a second."""
        return self.multiply_adds / self.seconds

    @property
    def share(self) -> float:
        """Share of the ceiling."""
        return self.rate / self.dgemm_rate


@dataclass(frozen=True)
class Ceiling:
    """The engine's shares, and the rate of numpy's matrix product as it is installed."""

    shares: tuple[Share, ...]
    plain_rate: float


def measure_ceiling(quick: bool, budget: float) -> Ceiling:
    """Time matrix products, then the direct method without trimming on kernels of full rank."""
    plain, best = best_dgemm_rate(2 * budget)
    sizes = sizes_in(SIZES, quick)
    seconds = in_child(_direct_seconds, sizes, budget)
    works = [multiply_adds(size, LAYERS, len(FULL_RANK.kernels(size))) for size in sizes]
    rows = zip(sizes, works, seconds, strict=True)
    return Ceiling(tuple(Share(size, work, time, best) for size, work, time in rows), plain)


def _direct_seconds(sizes: Sequence[int], budget: float) -> list[float]:
    rule, image, seconds_by_size = LayerRule(steps=LAYERS), FULL_RANK.image(), []
    for size in sizes:
        kernels = FULL_RANK.kernels(size)
        once = partial(run, kernels, image, rule, method="direct", trims=False)
        seconds, outcome = best_when_warm(once, budget)
        # Multiply-adds are only known as long as no simulation ends early.
        if not np.all(np.isnan([outcome.extinct_at, outcome.diverged_at])):
            raise RuntimeError(f"a simulation with k = {size} ended early")
        seconds_by_size.append(seconds)
    return seconds_by_size
