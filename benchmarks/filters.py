"""The analysis of banks of kernels: seconds and memory, beside libraries and kernel by kernel."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from safetensors.numpy import save_file

from benchmarks.timing import best_of, in_child
from mechcore.filters.analysis import analyse
from mechcore.filters.bank import load_bank
from mechcore.filters.bank_file import analyse_bank
from mechcore.model.decomposition import decompose

Kernels = NDArray[np.float32]

BANKS = {3: (10_000, 100_000, 2_000_000), 7: (10_000, 100_000, 1_000_000)}
"""Numbers of kernels by size: the last of 3x3 are those of a VGG16 with a decoder (CRAFT)."""

INPUTS = 50
"""Kernels of each filter in the file of a bank."""

SAMPLE = 1_000
"""Kernels that are taken one at a time; the time is scaled to all."""


@dataclass(frozen=True)
class BankTiming:
    """What a bank of random kernels costs on one core."""

    size: int
    """Side of the kernels, px."""
    slices: int
    """Number of kernels."""
    seconds: float
    """Time of the analysis."""
    whole_file: float
    """Seconds from a file of them to the table of its layers, with filters and summaries."""
    libraries: float
    """Seconds of the two largest parts of it, spectra by SciPy and ranks by NumPy."""
    one_by_one: float
    """Seconds of `mechcore.decompose` for every kernel."""
    megabytes: float
    """Peak memory of the process until then, libraries and kernels included."""


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
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bank.safetensors"
        save_file({"conv.weight": kernels.reshape(-1, INPUTS, size, size)}, path)
        whole_file = best_of(lambda: analyse_bank(load_bank(path)), budget)[0]
    # In kB on Linux; taken before the peers, which need more.
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    libraries = best_of(partial(_by_libraries, kernels), budget)[0]
    sampled = best_of(partial(_one_by_one, kernels[:SAMPLE]), budget)[0]
    one_by_one = sampled * slices / min(slices, SAMPLE)
    return BankTiming(size, slices, seconds, whole_file, libraries, one_by_one, megabytes)


def _by_libraries(kernels: Kernels) -> None:
    exact = kernels.astype(np.float64)
    np.square(scipy.fft.dctn(exact, axes=(1, 2), norm="ortho"))
    np.linalg.matrix_rank(exact)


def _one_by_one(kernels: Kernels) -> None:
    for kernel in kernels:
        parts = decompose(kernel)
        _ = parts.beta, parts.momentum_angle
