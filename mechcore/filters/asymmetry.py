"""The authors' split of a kernel f: s, its mean over the symmetries of the square, and a = f - s.

The rest a is "antisymmetric" to them, but not odd: see ``docs/filters.md``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mechcore.io.arrays import Array
from mechcore.model.decomposition import MOMENTUM_ROUNDING
from mechcore.model.kernels import sobel
from mechcore.model.normalisations import l2_norms

TYPES = {"symmetric": (0.0, 0.25), "antisymmetric": (0.75, 1.0)}
"""Ranges of the asymmetric share of the energy; what is between them is mixed."""

KERNEL_TYPES = (*TYPES, "mixed")


def type_shares(shares: Array) -> dict[str, float]:
    """Return which share of kernels is of each type, by their asymmetric shares of the energy.

    Examples
    --------
    >>> type_shares(np.array([0.1, 0.5, 0.6, 0.9]))
    {'symmetric': 0.25, 'antisymmetric': 0.25, 'mixed': 0.5}
    """
    known = shares[np.isfinite(shares)]
    if not len(known):
        return dict.fromkeys(KERNEL_TYPES, np.nan)
    inside = {
        name: float(np.mean((known >= low) & (known <= high)))
        for name, (low, high) in TYPES.items()
    }
    return inside | {"mixed": 1.0 - sum(inside.values())}


def strongest_tenth(energy: Array) -> NDArray[np.intp]:
    """Return the positions in the flat array of a tenth of the channels of a tenth of the filters.

    ``energy`` is (filters, channels). Filters are ranked by their mean energy, the channels of each
    by theirs. A tenth is rounded down; of fewer than ten all are taken, as the authors did in the
    first layer of VGG-16.

    Examples
    --------
    >>> strongest_tenth(np.arange(400.0).reshape(20, 20)).tolist()
    [399, 398, 379, 378]
    """
    filters = _largest_tenth(energy.mean(axis=1))
    channels = _largest_tenth(energy[filters])
    return np.ravel(filters[:, np.newaxis] * energy.shape[1] + channels)


def _largest_tenth(values: Array) -> NDArray[np.intp]:
    count = values.shape[-1] // 10 or values.shape[-1]
    return np.argsort(-values, axis=-1, kind="stable")[..., :count]


def kernel_points(kernels: Array, isotropic: Array) -> Array:
    """Return the points (x, y, z) of kernels at their energies, (n, 3).

    Parameters
    ----------
    kernels, isotropic : (n, kh, kw) ndarray
        Kernels, and their means over the symmetries of the square or rectangle.

    Returns
    -------
    (n, 3) ndarray
        ``(|a| cos(theta), |a| sin(theta), |s|)``, the last with the sign of the sum of the taps.
        theta is the direction of the inner products with the Sobel kernels, from +x (right) to +y
        (down). x and y are NaN for a kernel that has an asymmetric part, but no direction.

    References
    ----------
    L. Frija-Altarac and M. Toews, The Mechanics of CNN Filtering with Rectification,
    arXiv:2512.24338. They correlate, with y upwards: their points are (-x, y, z).

    Examples
    --------
    >>> kernel_points(np.array([[[0.0, 2.0], [0.0, 2.0]]]), np.ones((1, 2, 2))).tolist()
    [[2.0, 0.0, 2.0]]
    """
    height, width = kernels.shape[1:]
    gradients = np.stack([sobel((height, width)), sobel((width, height)).T])
    along = kernels.reshape(len(kernels), -1) @ gradients.reshape(2, -1).T
    lengths, sizes = np.hypot(*along.T), l2_norms(kernels)
    radius, height_above = l2_norms(kernels - isotropic), l2_norms(isotropic)
    directed = lengths > MOMENTUM_ROUNDING * sizes
    nowhere = np.where(radius > MOMENTUM_ROUNDING * sizes, np.nan, 0.0)
    scale = np.where(directed, radius / np.where(directed, lengths, 1.0), nowhere)
    z = np.where(kernels.sum(axis=(-2, -1)) < 0, -height_above, height_above)
    return np.column_stack([along * scale[:, np.newaxis], z])


def covariance_axes(x: Array, y: Array, groups: NDArray[np.integer], count: int) -> pd.DataFrame:
    """Return the axes of the covariance of the points of each group, numbered from 0.

    A row a group: the eigenvalues ``covariance_major`` and ``covariance_minor``, the angle of the
    major axis (degrees from 0 to 180), and ``anisotropy``, the difference of the eigenvalues over
    their sum. NaN for fewer than two points.

    Examples
    --------
    >>> axes = covariance_axes(np.array([1.0, -1]), np.array([1.0, -1]), np.array([0, 0]), 1)
    >>> axes.iloc[0].round(9).tolist()
    [4.0, 0.0, 45.0, 1.0]
    """
    known = np.isfinite(x) & np.isfinite(y)
    x, y, groups = x[known], y[known], groups[known]
    number = np.bincount(groups, minlength=count)

    def mean(values: Array) -> Array:
        return np.bincount(groups, values, count) / np.where(number > 1, number, np.nan)

    from_x, from_y = x - mean(x)[groups], y - mean(y)[groups]
    unbiased = number / np.where(number > 1, number - 1, np.nan)
    xx, yy, xy = (unbiased * mean(v) for v in (from_x**2, from_y**2, from_x * from_y))
    half, spread = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    return pd.DataFrame(
        {
            "covariance_major": half + spread,
            "covariance_minor": (half - spread).clip(min=0.0),
            "covariance_angle": np.degrees(np.arctan2(2 * xy, xx - yy)) / 2 % 180.0,
            "anisotropy": spread / np.where(half > 0, half, np.nan),
        }
    )
