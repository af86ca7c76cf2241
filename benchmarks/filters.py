"""The analysis of banks of kernels beside the two largest parts of it by libraries alone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from safetensors.numpy import save_file

from benchmarks.ratio import Ratio
from benchmarks.timing import best_of, in_child
from mechcore.filters.analysis import analyse
from mechcore.filters.bank import load_bank
from mechcore.filters.bank_file import analyse_bank

Kernels = NDArray[np.float32]

SLICES = {3: 1_000_000, 7: 500_000}
"""Kernels by size; a tenth in a quick run."""

INPUTS = 50
"""Kernels of each filter in the file of a bank."""


class _BankTiming(NamedTuple):
    """Seconds for a bank of random kernels."""

    analysis: float
    whole_file: float
    """From a file of them to the table of its layers, with filters and summaries."""
    libraries: float
    """Spectra by SciPy and ranks by NumPy."""


def measure_banks(quick: bool) -> Iterator[Ratio]:
    """Compare kernels, and a file of them, with their spectra and ranks alone."""
    for size, most in SLICES.items():
        slices = most // 10 if quick else most
        timing = in_child(_timing, size, slices)
        for what, seconds in (("kernels", timing.analysis), ("file", timing.whole_file)):
            name = f"{what}, {slices:,} slices of {size}x{size}"
            remark = f"{1e6 * seconds / slices:.2g} s a million slices"
            yield Ratio(name, seconds, "SciPy's DCT and NumPy's rank", timing.libraries, remark)


def _timing(size: int, slices: int) -> _BankTiming:
    kernels = np.random.default_rng(0).standard_normal((slices, size, size), np.float32)
    analysis = best_of(partial(analyse, kernels))[0]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bank.safetensors"
        save_file({"conv.weight": kernels.reshape(-1, INPUTS, size, size)}, path)
        whole_file = best_of(lambda: analyse_bank(load_bank(path)))[0]
    libraries = best_of(partial(_by_libraries, kernels))[0]
    return _BankTiming(analysis, whole_file, libraries)


def _by_libraries(kernels: Kernels) -> None:
    exact = kernels.astype(np.float64)
    np.square(scipy.fft.dctn(exact, axes=(1, 2), norm="ortho"))
    np.linalg.matrix_rank(exact)
