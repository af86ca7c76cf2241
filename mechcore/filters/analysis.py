"""Quantities of `mechcore.model`, spectra and ranks of millions of kernels at once."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from mechcore.errors import InvalidValue
from mechcore.filters.asymmetry import kernel_points
from mechcore.io.arrays import Array, real_array
from mechcore.model.decomposition import first_moments, isotropic_part, parities
from mechcore.model.kernels import dct_lines
from mechcore.model.normalisations import l2_norms, rescaled
from mechcore.model.theory import has_no_negative_tap, velocities

CHUNK = 2**13
"""Kernels at a time: of 3x3 taps, 0.6 MB an array, which stays within the cache of a core."""

CHUNK_OF_LONG_KERNELS = 2**10
"""Fewest kernels at a time: the bases of thousands of taps are computed for each chunk."""

DETERMINANT_ROUNDING = 1000
"""Times the tolerance of a rank: a determinant that is larger by this is no rounding."""

OF_THE_SCALE = ("momentum_x", "momentum_y", "total", "point_x", "point_y", "point_z")
"""Columns that are proportional to the taps."""

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
        Along ``slice``: energy, odd_energy_ratio (also as odd_share), isotropic_share,
        asymmetric_share, anisotropic_share, beta, low_frequency_share, momentum_x and momentum_y
        (px, exactly zero where they are only rounding), momentum_angle (degrees), total, velocity_x
        and velocity_y (px/layer, NaN where the sum is only rounding), point_x, point_y and point_z,
        no_negative_tap, rank; and along ``slice, v, u`` dct_energy.
        `mechcore.filters.variables.BANK_VARIABLES` says what they are.

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
    chunk = min(CHUNK, max(CHUNK_OF_LONG_KERNELS, CHUNK * 49 // (height * width)))
    columns: Columns = {}
    for start in range(0, len(stack), chunk):
        for name, values in _columns(stack[start : start + chunk]).items():
            # Filled piece by piece: the pieces of all columns would take their memory twice.
            if start == 0:
                columns[name] = np.empty((len(stack), *values.shape[1:]), values.dtype)
            columns[name][start : start + chunk] = values
    spectrum = columns.pop("dct_energy").reshape(-1, height, width)
    variables: dict[str, object] = {name: ("slice", values) for name, values in columns.items()}
    variables["dct_energy"] = (("slice", "v", "u"), spectrum)
    return xr.Dataset(variables, {"v": np.arange(height), "u": np.arange(width)})


def _as_stack(kernels: object) -> NDArray[np.floating]:
    """Kernels in their own precision, which determines how much is rounding."""
    array = np.asarray(kernels)
    if array.dtype not in (np.float32, np.float64):
        array = real_array(kernels, "kernels")
    if array.ndim != 3 or 0 in array.shape:
        raise InvalidValue("kernels", f"an array of shape {array.shape}", "shape (n, kh, kw)")
    if not np.isfinite(array).all():
        raise InvalidValue("kernels", "an array with NaN or infinity", "finite taps")
    return array


def _columns(chunk: NDArray[np.floating]) -> Columns:
    """All columns of some kernels."""
    # Kernels side by side in memory: sums over a few taps run along all of them at once.
    side_by_side = np.ascontiguousarray(np.moveaxis(chunk, 0, -1), np.float64)
    kernels, exponents = rescaled(np.moveaxis(side_by_side, -1, 0))
    (even, odd), precision = parities(kernels), float(np.finfo(chunk.dtype).eps)
    isotropic, spectrum = isotropic_part(even), _spectrum(kernels)
    columns = {
        **_shares(kernels, even, odd, isotropic),
        "low_frequency_share": _low_frequency_share(spectrum, kernels.shape[1:]),
        **_motion(kernels, odd),
        "no_negative_tap": has_no_negative_tap(kernels),
        "rank": _ranks(kernels, max(chunk.shape[1:]) * precision),
    }
    points = kernel_points(kernels, isotropic)
    columns |= {f"point_{axis}": values for axis, values in zip("xyz", points.T, strict=True)}
    scale = exponents.ravel()
    with np.errstate(over="ignore"):
        columns |= {name: np.ldexp(columns[name], scale) for name in OF_THE_SCALE}
        spectrum = np.ldexp(spectrum, 2 * scale)
    return columns | {"energy": spectrum.sum(axis=0), "dct_energy": spectrum.T}


def _spectrum(kernels: Array) -> Array:
    """Energy of each DCT-II coefficient, (v * width + u, n)."""
    number, height, width = kernels.shape
    along_x = dct_lines(width) @ np.moveaxis(kernels, 0, -1)
    spectrum = dct_lines(height) @ along_x.reshape(height, width * number)
    return np.square(spectrum.reshape(height * width, number))


def _ranks(kernels: Array, tolerance: float) -> NDArray[np.integer]:
    """The numbers of singular values above a share of the largest.

    Of n singular values the least is |det| over the product of the others, whose geometric mean is
    at most their quadratic mean. That shows that most kernels have full rank, ten times faster than
    their singular values would.
    """
    number, height, width = kernels.shape
    ranks, unclear = np.full(number, width), np.ones(number, bool)
    if height == width > 1:
        norms = l2_norms(kernels)
        others = (norms / np.sqrt(width - 1)) ** (width - 1)
        limits = DETERMINANT_ROUNDING * tolerance * norms * others
        unclear = np.abs(np.linalg.det(kernels)) <= limits
    ranks[unclear] = np.linalg.matrix_rank(kernels[unclear], rtol=tolerance)
    return ranks


def _low_frequency_share(spectrum: Array, shape: tuple[int, ...]) -> Array:
    v, u = (index.ravel() for index in np.indices(shape))
    total = spectrum.sum(axis=0)
    share: Array = spectrum[v + u <= 1].sum(axis=0) / np.where(total > 0, total, np.nan)
    return share


def _shares(kernels: Array, even: Array, odd: Array, isotropic: Array) -> Columns:
    norms = l2_norms(kernels)
    # Every share of a zero kernel is NaN.
    norms = np.where(norms > 0, norms, np.nan)
    beta, kept = l2_norms(odd) / norms, (l2_norms(isotropic) / norms) ** 2
    return {
        "odd_energy_ratio": beta**2,
        "odd_share": beta**2,
        "isotropic_share": kept,
        "asymmetric_share": 1.0 - kept,
        "anisotropic_share": (l2_norms(even - isotropic) / norms) ** 2,
        "beta": beta,
    }


def _motion(kernels: Array, odd: Array) -> Columns:
    momenta = first_moments(kernels, odd)
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
