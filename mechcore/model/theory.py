"""The exact theory of kernels without negative taps: the oracle of all simulations."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechcore.errors import choose
from mechcore.io.arrays import Array
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.decomposition import Decomposition, decompose
from mechcore.model.geometry import centred_coordinates, light_speed
from mechcore.model.kernels import as_kernel
from mechcore.model.normalisations import l2_norms, rescaled

TAP_ROUNDING = 1e-15
"""A tap below zero by less than this share of the largest is zero but for rounding."""

SUM_ROUNDING = 1e-12
"""A sum below this share of the sum of magnitudes is zero but for rounding, as a momentum is (see
`mechcore.model.decomposition.MOMENTUM_ROUNDING`); a quotient by it would be noise."""


@dataclass(frozen=True)
class Theory:
    """What theory predicts of a kernel under repeated convolution and activation.

    Parameters
    ----------
    exact : bool
        Whether every tap is >= 0 and the activation is the identity on x >= 0. Then, on free space,
        `velocity` and `covariance_rate` hold to rounding; otherwise they describe the kernel
        without its activation.
    velocity : (2,) ndarray
        M1 / M0 as (x, y), px/layer; NaN for a kernel of zero sum.
    covariance_rate : (2, 2) ndarray
        Growth of the covariance of the mass, px^2/layer, axes (x, y).
    diffusion_speed : float
        s = sqrt(V_e): width of the even part along the velocity, px per root of a layer. NaN where
        the even part has zero sum or a negative second moment.
    light_speed : float
        How fast the support can grow along the momentum, px/layer: (k - 1)/2 along an axis, more
        along a diagonal (see `mechcore.model.geometry.light_speed`). Along the longer side for a
        kernel without momentum.
    beta_star : float
        The largest beta for which no tap is negative when the even and the odd part of this kernel
        are mixed; NaN if there is none.
    """

    exact: bool
    velocity: Array
    covariance_rate: Array
    diffusion_speed: float
    light_speed: float
    beta_star: float

    def __repr__(self) -> str:
        numbers = {"v": self.speed, "s": self.diffusion_speed, "beta*": self.beta_star}
        shown = ", ".join(f"{name} = {value:.4g}" for name, value in numbers.items())
        return f"Theory of a kernel, {'exact' if self.exact else 'not exact'}: {shown}"

    @property
    def speed(self) -> float:
        """Length of the velocity, px/layer."""
        return float(np.hypot(*self.velocity))

    @property
    def contraction(self) -> float:
        """Width along the motion, relative to the even part alone, sqrt(1 - v^2/s^2)."""
        share = 1.0 - (self.speed / self.diffusion_speed) ** 2
        return math.sqrt(share) if share >= 0 else math.nan

    def centroid(self, layers: object) -> Array:
        """Return the displacement of the centroid after some layers, (n, 2): t M1/M0, px."""
        displacement: Array = np.multiply.outer(np.asarray(layers, dtype=np.float64), self.velocity)
        return displacement

    def covariance_growth(self, layers: object) -> Array:
        """Return the growth of the covariance after some layers, (n, 2, 2): px^2."""
        growth: Array = np.multiply.outer(
            np.asarray(layers, dtype=np.float64), self.covariance_rate
        )
        return growth


def theory(kernel: object, activation: str = "relu") -> Theory:
    """Return the exact theory of a kernel.

    Parameters
    ----------
    kernel : (kh, kw) array_like
        Any kernel.
    activation : str, optional
        Key of `mechcore.model.activations.ACTIVATIONS`.

    Returns
    -------
    Theory
        Velocity, covariance rate, light speed, diffusion speed, beta* and whether they are exact.

    Raises
    ------
    InvalidValue
        If the kernel or the activation is not usable.

    Notes
    -----
    A state that is non-negative stays so under taps that are non-negative, and an activation that
    is the identity there does nothing. The state is then the distribution of a sum of independent
    steps, each distributed like the kernel: means and covariances add. The odd part has no second
    moment, so the covariance of a step is V_e - v v^T.

    Examples
    --------
    >>> from mechcore import kernel
    >>> prediction = theory(kernel("dct", 3, beta=0.4))
    >>> prediction.exact, round(prediction.speed, 6), round(prediction.diffusion_speed, 6)
    (True, 0.356348, 0.816497)
    """
    behaviour = choose(ACTIVATIONS, "activation", activation)
    # Nothing here depends on a factor of the kernel.
    parts = decompose(rescaled(as_kernel(kernel))[0])
    spread = even_spread(parts.even)
    velocity = velocities(parts.kernel, parts.momentum_vector)
    return Theory(
        exact=behaviour.identity_on_positive and bool(has_no_negative_tap(parts.kernel)),
        velocity=velocity,
        covariance_rate=spread - np.outer(velocity, velocity),
        diffusion_speed=_width_along(spread, parts.momentum_vector),
        light_speed=_light_speed_along(parts),
        beta_star=float(beta_star(parts.even, parts.odd)),
    )


def velocities(kernels: Array, momenta: Array) -> Array:
    """Return what a linear layer does to a centroid: M1 / M0 as (x, y), (..., 2), px/layer.

    It is NaN where the sum of the taps is only rounding. ``momenta`` are the first moments of the
    kernels, see `mechcore.model.decomposition.first_moments`.
    """
    return momenta / _total(kernels)[..., np.newaxis]


def has_no_negative_tap(kernels: Array) -> NDArray[np.bool_]:
    """Return whether no tap of each kernel is negative but for rounding.

    The exact theory then holds under activations that are the identity on x >= 0.
    """
    lowest, highest = kernels.min(axis=(-2, -1)), kernels.max(axis=(-2, -1))
    negative_free: NDArray[np.bool_] = lowest >= -TAP_ROUNDING * highest
    return negative_free


def beta_star(even: Array, odd: Array) -> Array:
    """Return the largest beta at which a mixture of two parities has no negative tap.

    beta* = c / sqrt(1 + c^2) with c = min E^(r) / -O^(r) over O(r) < 0, for parts of unit norm; NaN
    if the even part itself has a negative tap, or either part is zero. Norms of the arguments do
    not matter.

    Examples
    --------
    >>> round(float(beta_star(np.ones((2, 2)), np.array([[-1.0, 1], [-1, 1]]))), 6)
    0.707107
    """
    exists = (even.min(axis=(-2, -1)) >= 0) & (even.max(axis=(-2, -1)) > 0) & odd.any(axis=(-2, -1))
    # A tap may be so small that its quotient overflows: it limits nothing.
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        ratios = np.where(odd < 0, even / -odd, np.inf).min(axis=(-2, -1))
        celerity = np.where(exists, ratios * (l2_norms(odd) / l2_norms(even)), np.nan)
        # Python's hypot has the same last digit on every machine; numpy's has not.
        betas: Array = celerity / np.vectorize(math.hypot, otypes=[float])(1.0, celerity)
    return betas


def even_spread(even: Array) -> Array:
    """Return the second moments V_e of even kernels, (..., 2, 2), axes (x, y), px^2.

    They are NaN where the sum of the taps is only rounding.
    """
    height, width = even.shape[-2:]
    x, y = centred_coordinates(width), centred_coordinates(height)
    xx = np.einsum("...yx,x,x->...", even, x, x)
    yy = np.einsum("...yx,y,y->...", even, y, y)
    xy = np.einsum("...yx,y,x->...", even, y, x)
    moments = np.stack([np.stack([xx, xy], axis=-1), np.stack([xy, yy], axis=-1)], axis=-2)
    return moments / _total(even)[..., np.newaxis, np.newaxis]


def _total(kernels: Array) -> Array:
    """Sums of taps, NaN where they are only rounding."""
    total = kernels.sum(axis=(-2, -1))
    rounding = SUM_ROUNDING * np.abs(kernels).sum(axis=(-2, -1))
    return np.where(np.abs(total) <= rounding, np.nan, total)


def _light_speed_along(parts: Decomposition) -> float:
    height, width = parts.kernel.shape
    if np.isnan(parts.momentum_angle):
        return light_speed(max(height, width), 0.0)
    return light_speed((height, width), parts.momentum_angle)


def _width_along(spread: Array, direction: Array) -> float:
    length = np.hypot(*direction)
    # Without a direction the x axis stands for any: the even families are the same on both axes.
    unit = direction / length if length else np.array([1.0, 0.0])
    variance = float(unit @ spread @ unit)
    return math.sqrt(variance) if variance >= 0 else math.nan
