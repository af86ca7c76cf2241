"""Split kernels into parities and read their mechanics: energy, rest mass, momentum, beta, gamma.

The functions work on kernels of shape ``(..., kh, kw)``: one, or millions at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mechcore.io.arrays import Array
from mechcore.model.geometry import centred_coordinates, direction_of
from mechcore.model.kernels import Kernel, as_kernel
from mechcore.model.normalisations import l2_norms, rescaled

MOMENTUM_ROUNDING = 1e-12
"""A first moment below this share of sum(abs(r K)) is rounding: the taps have 16 digits, so their
sums are good to 1e-15 times the root of the number of taps."""


def parities(kernels: Array) -> tuple[Array, Array]:
    """Return the even parts ``(K(r) + K(-r)) / 2`` and the odd parts of kernels."""
    turned = kernels[..., ::-1, ::-1]
    return (kernels + turned) / 2, (kernels - turned) / 2


def isotropic_part(even: Array) -> Array:
    """Return the mean of even kernels over the symmetries of the square, or of the rectangle.

    The square has 8 symmetries, a rectangle 4. Both groups contain r -> -r, so the isotropic part
    is even, and a mean over a group is an orthogonal projection: what remains is the anisotropic
    part.

    Examples
    --------
    >>> isotropic_part(np.array([[4.0, 0.0], [0.0, 4.0]])).tolist()
    [[2.0, 2.0], [2.0, 2.0]]
    """
    mirrored = (even + even[..., ::-1, :]) / 2
    if even.shape[-2] != even.shape[-1]:
        return mirrored
    return (mirrored + mirrored.swapaxes(-2, -1)) / 2


def first_moments(kernels: Array, odd: Array) -> Array:
    """Return the momentum vectors of kernels, (..., 2): M1 = sum of r K as (x, y), px.

    They are exactly zero where they are only rounding. ``odd`` are the odd parts of the kernels.
    """
    height, width = kernels.shape[-2:]
    x, y = centred_coordinates(width), centred_coordinates(height)[:, np.newaxis]
    moments = np.stack([np.sum(axis * odd, axis=(-2, -1)) for axis in (x, y)], axis=-1)
    reach = np.sum((np.abs(x) + np.abs(y)) * np.abs(kernels), axis=(-2, -1))
    return np.where(np.abs(moments) <= MOMENTUM_ROUNDING * reach[..., np.newaxis], 0.0, moments)


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

    def __repr__(self) -> str:
        height, width = self.kernel.shape
        numbers = {"E": self.energy, "M": self.rest_mass, "P": self.momentum, "beta": self.beta}
        shown = ", ".join(f"{name} = {value:.4g}" for name, value in numbers.items())
        return f"Decomposition of a {height} x {width} kernel: {shown}"

    @property
    def energy(self) -> float:
        """E = norm of the kernel; E**2 = m**2 + p**2."""
        return self._rescaled_back(self._norms[0])

    @property
    def rest_mass(self) -> float:
        """M = norm of the even part."""
        return self._rescaled_back(self._norms[1])

    @property
    def momentum(self) -> float:
        """P = norm of the odd part."""
        return self._rescaled_back(self._norms[2])

    @property
    def odd_energy_ratio(self) -> float:
        """Rho = p**2 / E**2."""
        return self.beta**2

    @property
    def beta(self) -> float:
        """Beta = p / E."""
        energy, _, momentum = self._norms
        return momentum / energy

    @property
    def gamma(self) -> float:
        """Gamma = E / m, infinite for an odd kernel."""
        energy, rest_mass, _ = self._norms
        return energy / rest_mass if rest_mass else math.inf

    @property
    def celerity(self) -> float:
        """Gamma * beta = p / m, infinite for an odd kernel."""
        _, rest_mass, momentum = self._norms
        return momentum / rest_mass if rest_mass else math.inf

    @property
    def rapidity(self) -> float:
        """artanh(beta), infinite for an odd kernel."""
        return math.asinh(self.celerity)

    @property
    def total(self) -> float:
        """M0 = sum of the taps."""
        with np.errstate(over="ignore"):
            return float(self.kernel.sum())

    @cached_property
    def momentum_vector(self) -> Array:
        """M1 = sum of r K as (x, y), in px; exactly zero where it is only rounding."""
        moments = first_moments(*np.ldexp([self.kernel, self.odd], -self._exponent))
        with np.errstate(over="ignore"):
            return np.ldexp(moments, self._exponent)

    @property
    def momentum_angle(self) -> float:
        """Angle of the momentum vector in degrees, NaN if it is zero."""
        return direction_of(*self.momentum_vector)

    @cached_property
    def _exponent(self) -> int:
        return int(rescaled(self.kernel)[1].item())

    def _rescaled_back(self, norm: float) -> float:
        # A norm beyond the range of numbers is infinite.
        with np.errstate(over="ignore"):
            return float(np.ldexp(norm, self._exponent))

    @cached_property
    def _norms(self) -> tuple[float, float, float]:
        """E, m and p of the rescaled kernel, whose ratios neither overflow nor vanish."""
        parts = np.stack([self.kernel, self.even, self.odd])
        energy, rest_mass, momentum = l2_norms(np.ldexp(parts, -self._exponent))
        return float(energy), float(rest_mass), float(momentum)


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
    >>> parts
    Decomposition of a 2 x 2 kernel: E = 1, M = 0.8, P = 0.6, beta = 0.6
    """
    array = as_kernel(kernel)
    scaled, exponent = rescaled(array)
    even, odd = parities(scaled)
    isotropic = isotropic_part(even)
    parts = np.ldexp([even, odd, isotropic, even - isotropic], exponent)
    return Decomposition(array, *parts)


def measured_betas(kernels: Array | Sequence[Kernel]) -> Array:
    """Return beta = p / E of kernels, (n,), to 12 digits, which hide the rounding of the split."""
    return np.array([round(beta, 12) for beta in betas_of(np.asarray(kernels)).tolist()])


def betas_of(kernels: Array) -> Array:
    """Return beta = p / E of kernels that are not zero, (...)."""
    scaled, _ = rescaled(kernels)
    betas: Array = l2_norms(parities(scaled)[1]) / l2_norms(scaled)
    return betas
