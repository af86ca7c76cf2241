"""Normalisations: which norm of a new state is its gain, and whether it is divided by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechcore.io.arrays import Array


def l2_norms(images: Array) -> Array:
    """Return Euclidean norms of images, (..., h, w), without overflow or underflow of squares."""
    peaks = np.abs(images).max(axis=(-2, -1))
    ordinary = np.isfinite(peaks) & (peaks > 0)
    scaled = images / np.where(ordinary, peaks, 1.0)[..., np.newaxis, np.newaxis]
    with np.errstate(over="ignore"):
        lengths = np.sqrt(np.sum(scaled**2, axis=(-2, -1)))
    norms: Array = peaks * np.where(ordinary, lengths, 1.0)
    return norms


def rescaled(images: Array) -> tuple[Array, NDArray[np.intc]]:
    """Return images times the power of two that puts each peak into [0.5, 1), and the exponents.

    The images are ``ldexp(rescaled, exponents)``: sums and products of them stay within the range
    of numbers, and nothing is rounded.
    """
    _, exponents = np.frexp(np.abs(images).max(axis=(-2, -1), keepdims=True))
    return np.ldexp(images, -exponents), exponents


def l2_norm(state: Array) -> float:
    """Return ``sqrt(sum(state**2))``, see `l2_norms`."""
    return float(l2_norms(np.atleast_2d(state)))


def peak_norm(state: Array) -> float:
    """Return ``max(abs(state))``."""
    return float(np.max(np.abs(state)))


def mass_norm(state: Array) -> float:
    """Return ``sum(abs(state))``."""
    return float(np.sum(np.abs(state)))


def deviation_norm(state: Array) -> float:
    """Return the standard deviation of the values over all pixels of a domain."""
    scale = peak_norm(state) or 1.0
    return float(np.std(state / scale)) * scale


NORMS: dict[str, Callable[[Array], float]] = {
    "l2": l2_norm,
    "peak": peak_norm,
    "mass": mass_norm,
    "std": deviation_norm,
}
"""Norms by name; the compiled engine computes the first three in its pass, by position."""


@dataclass(frozen=True)
class Normalisation:
    """What happens to a state after its activation.

    Parameters
    ----------
    norm : str
        Key of `NORMS`: the norm that is recorded as the gain.
    divides : bool
        Whether the state is divided by that norm.
    needs_domain : bool
        Whether the norm depends on how many pixels are zero, which on free space are endless.
    """

    norm: str
    divides: bool = True
    needs_domain: bool = False


NEEDS_DOMAIN = "another norm, or a finite domain (boundary: zero, wrap or reflect)"
"""What is allowed where a norm of a finite domain meets free space."""

NORMALISATIONS: dict[str, Normalisation] = {
    "l2": Normalisation("l2"),
    "peak": Normalisation("peak"),
    "mass": Normalisation("mass"),
    "std": Normalisation("std", needs_domain=True),
    "none": Normalisation("l2", divides=False),
}
"""Normalisations by name; ``none`` still records the l2 norm as the gain."""
