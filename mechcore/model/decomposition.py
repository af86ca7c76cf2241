"""Split a kernel into parities and read its mechanics: energy, rest mass, momentum, beta, gamma."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mechcore.model.geometry import centred_coordinates, direction_of
from mechcore.model.kernels import Kernel, as_kernel
from mechcore.model.normalisations import l2_norm

MOMENTUM_ROUNDING = 1e-12
"""A first moment below this share of sum(abs(r K)) is rounding: the taps have 16 digits, so their
sums are good to 1e-15 times the root of the number of taps."""


@dataclass(frozen=True)
class Decomposition:
    """A kernel in parts that are orthogonal, and its mechanical quantities.

    Parameters
    ----------
    kernel, even, odd, isotropic, anisotropic : (kh, kw) ndarray
        ``kernel = even + odd`` and ``even = isotropic + anisotropic``.
    """

    kernel: Kernel
    even: Kernel
    odd: Kernel
    isotropic: Kernel
    anisotropic: Kernel

    @cached_property
    def energy(self) -> float:
        """E = norm of the kernel; E**2 = m**2 + p**2."""
        return l2_norm(self.kernel)

    @cached_property
    def rest_mass(self) -> float:
        """M = norm of the even part."""
        return l2_norm(self.even)

    @cached_property
    def momentum(self) -> float:
        """P = norm of the odd part."""
        return l2_norm(self.odd)

    @property
    def odd_energy_ratio(self) -> float:
        """Rho = p**2 / E**2."""
        return self.beta**2

    @property
    def beta(self) -> float:
        """Beta = p / E."""
        return self.momentum / self.energy

    @property
    def gamma(self) -> float:
        """Gamma = E / m, infinite for an odd kernel."""
        return self.energy / self.rest_mass if self.rest_mass else math.inf

    @property
    def celerity(self) -> float:
        """Gamma * beta = p / m, infinite for an odd kernel."""
        return self.momentum / self.rest_mass if self.rest_mass else math.inf

    @property
    def rapidity(self) -> float:
        """artanh(beta), infinite for an odd kernel."""
        return math.asinh(self.celerity)

    @cached_property
    def total(self) -> float:
        """M0 = sum of the taps."""
        return float(self.kernel.sum())

    @cached_property
    def momentum_vector(self) -> NDArray[np.float64]:
        """M1 = sum of r K as (x, y), in px; exactly zero where it is only rounding."""
        height, width = self.kernel.shape
        x = centred_coordinates(width)
        y = centred_coordinates(height)[:, np.newaxis]
        vector = np.array([np.sum(x * self.odd), np.sum(y * self.odd)])
        scale = np.sum((np.abs(x) + np.abs(y)) * np.abs(self.kernel))
        return np.where(np.abs(vector) <= MOMENTUM_ROUNDING * scale, 0.0, vector)

    @property
    def momentum_angle(self) -> float:
        """Angle of the momentum vector in degrees, NaN if it is zero."""
        return direction_of(*self.momentum_vector)


def decompose(kernel: object) -> Decomposition:
    """Split a kernel into isotropic, anisotropic even and odd parts.

    Parameters
    ----------
    kernel : (kh, kw) array_like
        Any kernel, square or not, of even or odd size.

    Returns
    -------
    Decomposition
        The parts and the mechanical quantities.

    Raises
    ------
    InvalidValue
        If the kernel is not a two-dimensional, finite array with a tap that is not zero.

    Notes
    -----
    The isotropic part is the mean over the 8 symmetries of the square; a kernel that is not square
    has only the 4 symmetries of the rectangle. Both groups contain r -> -r, so the isotropic part
    is even, and a mean over a group is an orthogonal projection.

    References
    ----------
    L. Frija-Altarac and M. Toews, The Mechanics of CNN Filtering with Rectification,
    arXiv:2512.24338.

    Examples
    --------
    >>> parts = decompose([[0.1, 0.7], [0.1, 0.7]])
    >>> round(parts.energy, 12), round(parts.rest_mass, 12), round(parts.momentum, 12)
    (1.0, 0.8, 0.6)
    >>> parts.momentum_vector
    array([0.6, 0. ])
    """
    array = as_kernel(kernel)
    even = (array + array[::-1, ::-1]) / 2
    odd = (array - array[::-1, ::-1]) / 2
    isotropic = _mean_over_symmetries(even)
    return Decomposition(array, even, odd, isotropic, even - isotropic)


def measured_betas(kernels: Iterable[object]) -> NDArray[np.float64]:
    """Return beta of some kernels, as it is told of them.

    Parameters
    ----------
    kernels : iterable of (kh, kw) array_like
        The kernels.

    Returns
    -------
    (n,) ndarray
        p / E, to 12 digits: these hide the rounding of the split into parities.

    Raises
    ------
    InvalidValue
        As `decompose` does.

    Examples
    --------
    >>> measured_betas([[[0.1, 0.7], [0.1, 0.7]]])
    array([0.6])
    """
    return np.array([round(decompose(one).beta, 12) for one in kernels])


def _mean_over_symmetries(even: Kernel) -> Kernel:
    mirrored = (even + even[::-1, :]) / 2
    if even.shape[0] != even.shape[1]:
        return mirrored
    return (mirrored + mirrored.T) / 2
