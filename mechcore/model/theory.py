"""The exact theory for kernels without negative taps: the project's own oracle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechcore.errors import choose
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.decomposition import Decomposition, decompose
from mechcore.model.geometry import centred_coordinates
from mechcore.model.kernels import Kernel
from mechcore.model.normalisations import l2_norm

TAP_ROUNDING = 1e-15
"""A tap below zero by less than this share of the largest is zero but for rounding."""

SUM_ROUNDING = 1e-12
"""A sum below this share of the sum of magnitudes is zero but for rounding, as a momentum is (see
`mechcore.model.decomposition.MOMENTUM_ROUNDING`); a quotient by it would be noise."""


@dataclass(frozen=True)
class Theory:
    """What is known in advance of a kernel under repeated convolution and activation.

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
        (k - 1)/2 px/layer, k the longer side: how fast the support can grow along an axis.
    beta_star : float
        The largest beta for which no tap is negative when the even and the odd part of this kernel
        are mixed; NaN if there is none.
    """

    exact: bool
    velocity: NDArray[np.float64]
    covariance_rate: NDArray[np.float64]
    diffusion_speed: float
    light_speed: float
    beta_star: float

    @property
    def speed(self) -> float:
        """Length of the velocity, px/layer."""
        return float(np.hypot(*self.velocity))

    @property
    def contraction(self) -> float:
        """sqrt(1 - v^2/s^2): the width along the motion, relative to the even part alone."""
        share = 1.0 - (self.speed / self.diffusion_speed) ** 2
        return math.sqrt(share) if share >= 0 else math.nan

    def centroid(self, layers: object) -> NDArray[np.float64]:
        """Return the displacement of the centroid after some layers.

        Parameters
        ----------
        layers : (n,) array_like
            Layer numbers t.

        Returns
        -------
        (n, 2) ndarray
            t M1/M0 as (x, y), px.
        """
        displacement: NDArray[np.float64] = np.multiply.outer(
            np.asarray(layers, dtype=np.float64), self.velocity
        )
        return displacement

    def covariance_growth(self, layers: object) -> NDArray[np.float64]:
        """Return how much the covariance has grown after some layers.

        Parameters
        ----------
        layers : (n,) array_like
            Layer numbers t.

        Returns
        -------
        (n, 2, 2) ndarray
            t (V_e - v v^T), px^2, axes (x, y).
        """
        growth: NDArray[np.float64] = np.multiply.outer(
            np.asarray(layers, dtype=np.float64), self.covariance_rate
        )
        return growth


def theory(kernel: object, activation: str = "relu") -> Theory:
    """Return what the exact theory says of a kernel.

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
    parts = decompose(kernel)
    height, width = parts.kernel.shape
    spread = _even_spread(parts)
    velocity = _velocity(parts)
    return Theory(
        exact=behaviour.identity_on_positive and _has_no_negative_tap(parts.kernel),
        velocity=velocity,
        covariance_rate=spread - np.outer(velocity, velocity),
        diffusion_speed=_width_along(spread, parts.momentum_vector),
        light_speed=(max(height, width) - 1) / 2,
        beta_star=beta_star(parts.even, parts.odd),
    )


def beta_star(even: Kernel, odd: Kernel) -> float:
    """Return the largest beta at which a mixture of two parities has no negative tap.

    Parameters
    ----------
    even, odd : (kh, kw) ndarray
        An even and an odd kernel of any norm; the norms do not matter.

    Returns
    -------
    float
        beta* = c / sqrt(1 + c^2) with c = min E^(r) / -O^(r) over O(r) < 0, for parts of unit norm;
        NaN if the even part itself has a negative tap, or either part is zero.

    Examples
    --------
    >>> import numpy as np
    >>> round(beta_star(np.ones((2, 2)), np.array([[-1.0, 1], [-1, 1]])), 6)
    0.707107
    """
    if even.min() < 0 or not np.any(even) or not np.any(odd):
        return math.nan
    negative = odd < 0
    # A tap may be so small that its quotient overflows: it limits nothing.
    with np.errstate(over="ignore"):
        ratio = np.min(even[negative] / -odd[negative])
    celerity = float(ratio * (l2_norm(odd) / l2_norm(even)))
    return celerity / math.hypot(1.0, celerity)


def _has_no_negative_tap(kernel: Kernel) -> bool:
    return bool(kernel.min() >= -TAP_ROUNDING * kernel.max())


def _velocity(parts: Decomposition) -> NDArray[np.float64]:
    if abs(parts.total) <= SUM_ROUNDING * np.sum(np.abs(parts.kernel)):
        return np.full(2, math.nan)
    return parts.momentum_vector / parts.total


def _even_spread(parts: Decomposition) -> NDArray[np.float64]:
    """Second moments of the even part, axes (x, y), px^2."""
    height, width = parts.even.shape
    x = centred_coordinates(width)
    y = centred_coordinates(height)
    total = parts.even.sum()
    if abs(total) <= SUM_ROUNDING * np.sum(np.abs(parts.even)) or total == 0:
        return np.full((2, 2), math.nan)
    xx = np.einsum("yx,x,x->", parts.even, x, x)
    yy = np.einsum("yx,y,y->", parts.even, y, y)
    xy = np.einsum("yx,y,x->", parts.even, y, x)
    spread: NDArray[np.float64] = np.array([[xx, xy], [xy, yy]]) / total
    return spread


def _width_along(spread: NDArray[np.float64], direction: NDArray[np.float64]) -> float:
    length = np.hypot(*direction)
    # Without a direction the x axis stands for any: the even families are the same on both axes.
    unit = direction / length if length else np.array([1.0, 0.0])
    variance = float(unit @ spread @ unit)
    return math.sqrt(variance) if variance >= 0 else math.nan
