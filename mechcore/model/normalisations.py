"""Normalisations: which norm of a new state is its gain, and whether it is divided by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def l2_norm(state: NDArray[np.float64]) -> float:
    """Return the Euclidean norm, without the overflow or underflow of squares.

    Parameters
    ----------
    state : ndarray
        Any shape.

    Returns
    -------
    float
        ``sqrt(sum(state**2))``.

    Examples
    --------
    >>> l2_norm(np.array([3e-200, 4e-200]))
    5e-200
    """
    peak = peak_norm(state)
    if peak == 0.0 or not np.isfinite(peak):
        return peak
    return peak * float(np.sqrt(np.sum((state / peak) ** 2)))


def peak_norm(state: NDArray[np.float64]) -> float:
    """Return the largest absolute value.

    Parameters
    ----------
    state : ndarray
        Any shape, not empty.

    Returns
    -------
    float
        ``max(abs(state))``.

    Examples
    --------
    >>> peak_norm(np.array([1.0, -2.0]))
    2.0
    """
    return float(np.max(np.abs(state)))


def mass_norm(state: NDArray[np.float64]) -> float:
    """Return the sum of absolute values.

    Parameters
    ----------
    state : ndarray
        Any shape.

    Returns
    -------
    float
        ``sum(abs(state))``.

    Examples
    --------
    >>> mass_norm(np.array([1.0, -2.0]))
    3.0
    """
    return float(np.sum(np.abs(state)))


NORMS: dict[str, Callable[[NDArray[np.float64]], float]] = {
    "l2": l2_norm,
    "peak": peak_norm,
    "mass": mass_norm,
}
"""Norms by name; the compiled engine computes all of them in its pass and picks by position."""


@dataclass(frozen=True)
class Normalisation:
    """What happens to a state after its activation.

    Parameters
    ----------
    norm : str
        Key of `NORMS`: the norm that is recorded as the gain.
    divides : bool
        Whether the state is divided by that norm.
    """

    norm: str
    divides: bool = True


NORMALISATIONS: dict[str, Normalisation] = {
    "l2": Normalisation("l2"),
    "peak": Normalisation("peak"),
    "mass": Normalisation("mass"),
    "none": Normalisation("l2", divides=False),
}
"""Normalisations by name; ``none`` still records the l2 norm as the gain."""
