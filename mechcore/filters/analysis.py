"""Quantities of `mechcore.model`, spectra and ranks of millions of kernels at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from mechcore.errors import InvalidValue
from mechcore.io.arrays import Array, real_array
from mechcore.model.decomposition import first_moments, isotropic_part, parities
from mechcore.model.kernels import dct_basis
from mechcore.model.normalisations import l2_norms
from mechcore.model.theory import has_no_negative_tap, velocities

CHUNK = 2**15
"""Kernels at a time: of 7x7 taps, 13 MB an array, which stays within the caches of a server."""

Columns = dict[str, NDArray[np.generic]]


def analyse(kernels: object) -> xr.Dataset:
    """Analyse kernels of one shape.

    Parameters
    ----------
    kernels : (n, kh, kw) array_like
        Kernels in the convolution convention; they may be zero.

    Returns
    -------
    xarray.Dataset
        Along the dimension ``slice``:

        energy
            Squared norm; the sum of ``dct_energy``.
        odd_energy_ratio, odd_share, isotropic_share, anisotropic_share
            Shares of the energy: rho = p^2/E^2 under both its names, and the two parts of the even
            energy.
        beta
            p / E.
        low_frequency_share
            Share of DC and of the two gradients.
        momentum_x, momentum_y : px
            First moment; exactly zero where it is only rounding.
        momentum_angle : degrees
            Its direction, NaN if it is zero.
        total
            Sum of the taps.
        velocity_x, velocity_y : px/layer
            First moment over the sum: what a linear layer does to a centroid. NaN where the sum is
            only rounding.
        no_negative_tap : bool
            Whether the exact theory holds under ReLU.
        rank : int
            Number of singular values above rounding.
        dct_energy : (slice, v, u)
            Energy of each DCT-II coefficient; v counts sign changes downwards, u to the right.

        Shares and angles of a kernel that is zero are NaN.

    Raises
    ------
    InvalidValue
        If it is no such array, or a tap is not finite.

    Notes
    -----
    Ranks are those of kernels in the precision that they come in: of float32 weights, singular
    values below 1e-7 of the largest are rounding.

    References
    ----------
    L. Frija-Altarac and M. Toews, The Mechanics of CNN Filtering with Rectification,
    arXiv:2512.24338.

    Examples
    --------
    >>> result = analyse([[[0.1, 0.7], [0.1, 0.7]]])
    >>> round(float(result.odd_energy_ratio[0]), 12), round(float(result.velocity_x[0]), 12)
    (0.36, 0.375)
    """
    stack = _as_stack(kernels)
    height, width = stack.shape[1:]
    columns = _joined(stack)
    spectrum = columns.pop("dct_energy").reshape(-1, height, width)
    variables: dict[str, object] = {name: ("slice", values) for name, values in columns.items()}
    variables["dct_energy"] = (("slice", "v", "u"), spectrum)
    return xr.Dataset(variables, {"v": np.arange(height), "u": np.arange(width)})


def dct_bases(height: int, width: int) -> NDArray[np.float64]:
    """Return the two-dimensional DCT-II bases of unit norm, (kh * kw, kh * kw), one a row, flat.

    The row of coefficient (v, u) is ``v * width + u``.
    """
    down = np.array([dct_basis(height, frequency) for frequency in range(height)])
    right = np.array([dct_basis(width, frequency) for frequency in range(width)])
    return np.kron(down, right)


def _as_stack(kernels: object) -> NDArray[np.floating]:
    """Kernels in their own precision, which determines how much is rounding."""
    array = np.asarray(kernels)
    if array.dtype not in (np.float32, np.float64):
        array = real_array(kernels, "kernels")
    if array.ndim != 3 or 0 in array.shape:
        raise InvalidValue("kernels", f"an array of shape {array.shape}", "shape (n, kh, kw)")
    if not all(np.isfinite(chunk).all() for chunk in _chunks(array)):
        raise InvalidValue("kernels", "an array with NaN or infinity", "finite taps")
    return array


def _chunks(stack: NDArray[np.floating]) -> Iterator[NDArray[np.floating]]:
    return (stack[start : start + CHUNK] for start in range(0, len(stack), CHUNK))


def _joined(stack: NDArray[np.floating]) -> Columns:
    """The columns of all kernels, written in place to save memory."""
    joined: Columns = {}
    done = 0
    for chunk in _chunks(stack):
        for name, values in _columns(chunk).items():
            if name not in joined:
                joined[name] = np.empty((len(stack), *values.shape[1:]), values.dtype)
            joined[name][done : done + len(chunk)] = values
        done += len(chunk)
    return joined


def _columns(chunk: NDArray[np.floating]) -> Columns:
    """All columns of some kernels."""
    kernels = chunk.astype(np.float64)
    peaks = np.abs(kernels).max(axis=(-2, -1))
    # Squares of taps that are very large or very small would leave the range of numbers.
    scaled = kernels / np.where(peaks > 0, peaks, 1.0)[:, np.newaxis, np.newaxis]
    spectrum, scale = _spectrum(scaled), np.square(peaks)
    return {
        "energy": spectrum.sum(axis=0) * scale,
        **_shares(kernels),
        "low_frequency_share": _low_frequency_share(spectrum, kernels.shape[1:]),
        **_motion(kernels),
        "no_negative_tap": has_no_negative_tap(kernels),
        "rank": _ranks(scaled, float(np.finfo(chunk.dtype).eps)),
        "dct_energy": (spectrum * scale).T,
    }


def _spectrum(kernels: Array) -> Array:
    """Energy of each DCT-II coefficient, (v * width + u, n): sums over a few taps are slow."""
    taps = np.ascontiguousarray(kernels.reshape(len(kernels), -1).T)
    return np.square(dct_bases(*kernels.shape[1:]) @ taps)


def _low_frequency_share(spectrum: Array, shape: tuple[int, ...]) -> Array:
    v, u = (index.ravel() for index in np.indices(shape))
    total = spectrum.sum(axis=0)
    share: Array = spectrum[v + u <= 1].sum(axis=0) / np.where(total > 0, total, np.nan)
    return share


def _shares(kernels: Array) -> Columns:
    even, odd = parities(kernels)
    isotropic = isotropic_part(even)
    norms = l2_norms(kernels)
    # Of a kernel that is zero every share is NaN.
    norms = np.where(norms > 0, norms, np.nan)
    beta, *others = (l2_norms(part) / norms for part in (odd, isotropic, even - isotropic))
    return {
        "odd_energy_ratio": beta**2,
        "odd_share": beta**2,
        "isotropic_share": others[0] ** 2,
        "anisotropic_share": others[1] ** 2,
        "beta": beta,
    }


def _motion(kernels: Array) -> Columns:
    momenta = first_moments(kernels, parities(kernels)[1])
    x, y = momenta.T
    angle = np.degrees(np.arctan2(y, x)) % 360.0
    velocity_x, velocity_y = velocities(kernels, momenta).T
    return {
        "momentum_x": x,
        "momentum_y": y,
        "momentum_angle": np.where((x != 0) | (y != 0), angle, np.nan),
        "total": kernels.sum(axis=(-2, -1)),
        "velocity_x": velocity_x,
        "velocity_y": velocity_y,
    }


def _ranks(kernels: NDArray[np.float64], precision: float) -> NDArray[np.int64]:
    """Ranks as `numpy.linalg.matrix_rank` finds them, most of them without singular values."""
    tolerance = max(kernels.shape[1:]) * precision
    certain = _surely_full(kernels, tolerance)
    ranks = np.full(len(kernels), min(kernels.shape[1:]))
    if not certain.all():
        ranks[~certain] = np.linalg.matrix_rank(kernels[~certain], rtol=tolerance)
    return ranks


def _surely_full(kernels: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
    """Square kernels whose smallest singular value is beyond doubt above the tolerance.

    The determinant is the product of the singular values, and that of all but the smallest is at
    most the power of their mean square (inequality of the means).
    """
    size, width = kernels.shape[1:]
    if size != width or size == 1:
        return np.zeros(len(kernels), dtype=bool)
    squared_norm = np.einsum("nij,nij->n", kernels, kernels)
    others = (squared_norm / (size - 1)) ** ((size - 1) / 2)
    # Ten times: far more than the determinant can be wrong by, which is rounding of doubles.
    needed = 10 * (tolerance + 1e-12) * np.sqrt(squared_norm) * others
    certain: NDArray[np.bool_] = np.abs(np.linalg.det(kernels)) > needed
    return certain
