"""Convolution by Fourier transforms: its cost does not depend on the size of the kernel."""

from __future__ import annotations

import numpy as np
from scipy.signal import oaconvolve

from mechcore.io.arrays import Array

NOISE = 8 * float(np.finfo(np.float64).eps)
"""Rounding error of a pixel, as a share of the norms of state and kernel: transforms mix all of
them, so each is as uncertain as the largest one. What is smaller is set to zero."""


def convolve_by_fft(state: Array, kernel: Array) -> Array:
    """Return the full true convolution, by overlap-add where the state is much larger.

    Examples
    --------
    >>> convolve_by_fft(np.ones((1, 2)), np.array([[1.0, 2.0]])).round(12)
    array([[1., 3., 2.]])
    """
    full = oaconvolve(state, kernel)
    floor = NOISE * np.linalg.norm(state) * np.linalg.norm(kernel)
    return np.where(np.abs(full) < floor, 0.0, full)
