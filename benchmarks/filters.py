"""The analysis of banks of kernels: seconds and memory, beside libraries and one at a time."""

from __future__ import annotations

import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from benchmarks.timing import best_of, in_child
from mechcore.filters.analysis import analyse
from mechcore.model.decomposition import decompose

Kernels = NDArray[np.float32]

BANKS = {3: (10_000, 100_000, 1_300_000), 7: (10_000, 100_000, 1_000_000)}
"""Numbers of kernels by size: the last of 3x3 are those of a ResNet-50."""

SAMPLE = 1_000
"""Kernels of a peer that takes them one at a time; its time is scaled to all."""


@dataclass(frozen=True)
class BankTiming:
    """What a bank of random kernels costs on one core.

    Parameters
    ----------
    size, slices : int
        Side of the kernels, and how many.
    seconds, libraries, one_by_one : float
        Of the analysis; of the two largest pieces of it, spectra by SciPy and ranks by NumPy; of
        `mechcore.decompose` for every kernel.
    megabytes : float
        Most memory of the process, libraries and kernels included.
    """

    size: int
    slices: int
    seconds: float
    libraries: float
    one_by_one: float
    megabytes: float


def measure_banks(quick: bool, budget: float) -> list[BankTiming]:
    """Return the cost of banks of all sizes."""
    banks = [
        (size, slices)
        for size, counts in BANKS.items()
        for slices in (counts[:1] if quick else counts)
    ]
    return [in_child(_timing, size, slices, budget) for size, slices in banks]


def _timing(size: int, slices: int, budget: float) -> BankTiming:
    kernels = np.random.default_rng(0).standard_normal((slices, size, size), np.float32)
    seconds = best_of(partial(analyse, kernels), budget)[0]
    # In kB on Linux; taken before the peers, which need more.
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    peers = [best_of(partial(peer, kernels), budget)[0] for peer in PEERS]
    return BankTiming(size, slices, seconds, *_scaled(peers, slices), megabytes)


def _scaled(peers: Sequence[float], slices: int) -> tuple[float, float]:
    libraries, sampled = peers
    return libraries, sampled * slices / min(slices, SAMPLE)


def _by_libraries(kernels: Kernels) -> None:
    exact = kernels.astype(np.float64)
    np.square(scipy.fft.dctn(exact, axes=(1, 2), norm="ortho"))
    np.linalg.matrix_rank(exact)


def _one_by_one(kernels: Kernels) -> None:
    for kernel in kernels[:SAMPLE]:
        parts = decompose(kernel)
        _ = parts.beta, parts.momentum_angle


PEERS: tuple[Callable[[Kernels], None], ...] = (_by_libraries, _one_by_one)
