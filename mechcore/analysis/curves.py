"""Curves of speed over the odd share: straight lines, and curves that bend towards a limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.optimize.elementwise import find_minimum

from mechcore.analysis.lines import FEWEST_POINTS, fit_lines
from mechcore.analysis.regressions import PREDICTORS
from mechcore.io.arrays import Array

Mask = NDArray[np.bool_]
Shape = Callable[[Array], Array]

BENDS = np.concatenate([[0.0], np.geomspace(1e-6, 1e6, 73)])
"""Where the minimum over the bend is first looked for: six a decade resolve the valley, and a bend
below the first changes the largest speed by less than a millionth, so it is none."""

UNRESOLVED = 1e-9
"""A change of the bend that turns a curve by less is lost in fits to data of 12 digits."""

NEAR_ZERO = 1e-4
"""Below it the series of tanh is exact to 1e-16, and the closed form loses 12 digits and more."""


@dataclass(frozen=True)
class PaddedSamples:
    """Samples that are fitted at once: rows of equal length, zero where there is no point."""

    predictors: Mapping[str, Array]
    """(m, n), by rising beta, of each of `mechcore.analysis.regressions.PREDICTORS`."""
    speed: Array
    """(m, n) mean speeds, px/layer."""
    known: Mask
    """(m, n), where there is a point."""
    rounding: Array
    """(m,): differences of speeds below this are rounding, px/layer."""


@dataclass(frozen=True)
class CurveFit:
    """A curve of two parameters fitted to each sample."""

    fitted: Array
    """(m, n) speeds at all points, also at those that were not used, px/layer."""
    level: Array
    level_se: Array
    """(m,) slope of a line, or of a curve at zero celerity, and its standard error, px/layer."""
    light_speed: Array
    light_speed_se: Array
    """(m,) limit of a curve and its standard error, px/layer. Infinite where a straight line fits
    best; NaN for lines, and for states at rest."""


def fit_straight(samples: PaddedSamples, used: Mask, *, predictor: str) -> CurveFit:
    """Fit speed = intercept + level * predictor by least squares to the points that are used."""
    x = samples.predictors[predictor]
    line = fit_lines(x, np.where(used, samples.speed, np.nan))
    fitted = line.intercept[:, np.newaxis] + line.slope[:, np.newaxis] * x
    none = np.full(len(x), np.nan)
    return CurveFit(fitted, line.slope, line.slope_se, none, none)


def fit_limited(samples: PaddedSamples, used: Mask, *, shape: Shape, rate: Shape) -> CurveFit:
    """Fit speed = a phi g((a phi / c)^2), phi the celerity: first linear, then bent by a limit c.

    ``used`` are the points to fit to, ``shape`` is g, with g(0) = 1, and ``rate`` its derivative.

    Notes
    -----
    With the bend w = (a phi_1 / c)^2, phi_1 the largest celerity, speed is
    a phi g(w (phi / phi_1)^2): linear in a, and regular at w = 0, the straight line that has no
    finite c. So a follows by least squares from w (variable projection, Golub and Pereyra 1973),
    and the best w >= 0 is sought in one dimension: first on a grid, which no start value can
    mislead, then by `scipy.optimize.elementwise.find_minimum`.
    """
    celerity, speed = samples.predictors["celerity"], samples.speed
    largest = np.max(np.where(used, celerity, 0.0), axis=1)
    enough = used.sum(axis=1) >= FEWEST_POINTS
    moving = enough & (np.max(np.where(used, np.abs(speed), 0.0), axis=1) > samples.rounding)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = celerity / largest[:, np.newaxis]
        bend = _best_bend(shape, x, speed, used)
        argument = bend[:, np.newaxis] * x**2
        basis, change = x * shape(argument), x**3 * rate(argument)
        scale = _best_scale(basis, speed, used)
        fitted = scale[:, np.newaxis] * basis
        variance = dot(speed - fitted, speed - fitted, used) / (used.sum(axis=1) - 2)
        resolution, scale_se, limit_se = _uncertainty(bend, basis, change, variance, used)
        # A curve that is flat at all celerities shows its limit alone, not how it rises.
        rises = enough & (bend < BENDS[-2]) & (resolution > UNRESOLVED)
        return CurveFit(
            fitted=np.where(enough[:, np.newaxis], fitted, np.nan),
            level=np.where(rises, scale / largest, np.nan),
            level_se=np.where(rises, scale_se / largest, np.nan),
            light_speed=np.where(moving, np.abs(scale) / np.sqrt(bend), np.nan),
            light_speed_se=np.where(moving & (bend > 0) & rises, limit_se, np.nan),
        )


def _best_bend(shape: Shape, x: Array, speed: Array, used: Mask) -> Array:
    square = x**2

    def misfit(bend: Array, row: NDArray[np.int_]) -> Array:
        basis = x[row] * shape(bend[:, np.newaxis] * square[row])
        scale = _best_scale(basis, speed[row], used[row])
        residual = speed[row] - scale[:, np.newaxis] * basis
        return dot(residual, residual, used[row])

    rows = np.arange(len(x))
    misfits = np.array([misfit(np.full(len(x), bend), rows) for bend in BENDS])
    # A sample without points has no misfit; its curve becomes NaN by its number of points.
    best = np.argmin(np.nan_to_num(misfits, nan=np.inf), axis=0)
    inner = np.clip(best, 1, len(BENDS) - 2)
    bracket = BENDS[inner - 1], BENDS[inner], BENDS[inner + 1]
    minimum = find_minimum(misfit, bracket, args=(rows,))
    # Where the grid is lowest at an end there is no valley, and the end is the answer.
    return np.where((best == inner) & minimum.success, minimum.x, BENDS[best])


def _best_scale(basis: Array, speed: Array, used: Mask) -> Array:
    """Return the factor by which a curve comes closest to speeds."""
    return dot(basis, speed, used) / dot(basis, basis, used)


def _uncertainty(
    bend: Array, basis: Array, change: Array, variance: Array, used: Mask
) -> tuple[Array, Array, Array]:
    """Return how well data resolve the bend, and the errors of scale and scale / sqrt(bend).

    ``change`` is the derivative of the basis by the bend. The resolution is the relative change of
    the curve's shape as the bend doubles, or if it is below one rises by one.
    """
    norm_square = dot(basis, basis, used)
    # How much of a change by the bend a change of the scale undoes, and the norm of the rest.
    tilt = dot(basis, change, used) / norm_square
    rest = change - tilt[:, np.newaxis] * basis
    turn = np.sqrt(dot(rest, rest, used))
    resolution = np.maximum(bend, 1.0) * turn / np.sqrt(norm_square)
    scale_se = np.sqrt(variance * (1 / norm_square + (tilt / turn) ** 2))
    # The delta method; in (scale + tilt * scale * bend, bend) the errors are independent.
    slope = -(tilt + 1 / (2 * bend)) / np.sqrt(bend)
    limit_se = np.sqrt(variance * (1 / norm_square / bend + (slope / turn) ** 2))
    return resolution, scale_se, limit_se


def dot(first: Array, second: Array, used: Mask) -> Array:
    """Return the inner products of rows over the points that are used."""
    product: Array = np.sum(np.where(used, first * second, 0.0), axis=1)
    return product


def tanh_shape(square: Array) -> Array:
    """Return tanh(z) / z as a function of z^2, 1 at zero."""
    z = np.sqrt(np.maximum(square, NEAR_ZERO))
    series = 1 - square / 3 + 2 * square**2 / 15 - 17 * square**3 / 315
    return np.where(square < NEAR_ZERO, series, np.tanh(z) / z)


def tanh_rate(square: Array) -> Array:
    """Return the derivative of `tanh_shape`, -1/3 at zero."""
    z = np.sqrt(np.maximum(square, NEAR_ZERO))
    series = -1 / 3 + 4 * square / 15 - 17 * square**2 / 105
    return np.where(square < NEAR_ZERO, series, (1 - np.tanh(z) ** 2 - np.tanh(z) / z) / (2 * z**2))


Fit = Callable[[PaddedSamples, Mask], CurveFit]

MODELS: dict[str, Fit] = {
    **{f"linear in {name}": partial(fit_straight, predictor=name) for name in PREDICTORS},
    "saturating": partial(fit_limited, shape=tanh_shape, rate=tanh_rate),
    "Lorentz": partial(
        fit_limited,
        shape=lambda square: (1 + square) ** -0.5,
        rate=lambda square: -((1 + square) ** -1.5) / 2,
    ),
}
"""Curves of two parameters each: AIC compares them without favour. ``saturating`` is
v = c tanh(a phi / c), ``Lorentz`` v = a phi / sqrt(1 + (a phi / c)^2), phi the celerity. As beta is
phi / sqrt(1 + phi^2), a Lorentz curve with c = a is a speed in proportion to beta."""
