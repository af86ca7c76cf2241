"""Curves of speed over the odd share: straight lines, and curves with a light speed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize.elementwise import find_minimum

from mechcore.analysis.lines import FEWEST_POINTS, fit_lines
from mechcore.analysis.regressions import PREDICTORS

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

BENDS = np.concatenate([[0.0], np.geomspace(1e-6, 1e6, 73)])
"""Where the minimum over the bend is first looked for: six a decade resolve the valley, and a bend
below the first changes the largest speed by less than a millionth, so it is none."""

UNRESOLVED = 1e-9
"""A change of the bend that turns a curve by less is lost in fits to data of 12 digits."""

NEAR_ZERO = 1e-4
"""Below it the series of tanh is exact to 1e-16, and the closed form loses 12 digits and more."""


@dataclass(frozen=True)
class Batch:
    """The samples that are fitted at once, rows of the same width; places without a point are zero.

    Parameters
    ----------
    odd_energy_ratio, beta, celerity : (m, n) ndarray
        Predictors, by rising beta.
    speed : (m, n) ndarray
        Mean speeds, px/layer.
    known : (m, n) ndarray of bool
        Where there is a point.
    rounding : (m,) ndarray
        The difference of speeds that says nothing, px/layer.
    """

    odd_energy_ratio: Array
    beta: Array
    celerity: Array
    speed: Array
    known: Mask
    rounding: Array


@dataclass(frozen=True)
class Curves:
    """A model fitted to each sample.

    Parameters
    ----------
    fitted : (m, n) ndarray
        Speed at all points, also at those that were not used, px/layer.
    level, level_se : (m,) ndarray
        Slope of a line, slope at zero celerity of a curve, and its standard error, px/layer.
    light_speed, light_speed_se : (m,) ndarray
        Limit of a curve and its standard error, px/layer. Infinite where a straight line fits
        best; NaN for lines, and for states at rest.
    """

    fitted: Array
    level: Array
    level_se: Array
    light_speed: Array
    light_speed_se: Array


class Model(Protocol):
    """A curve with two parameters."""

    def fit(self, batch: Batch, used: Mask) -> Curves:
        """Fit it to the points of each sample that are used."""


@dataclass(frozen=True)
class Line:
    """Speed = intercept + level * predictor.

    Parameters
    ----------
    predictor : str
        One of `mechcore.analysis.regressions.PREDICTORS`.
    """

    predictor: str

    def fit(self, batch: Batch, used: Mask) -> Curves:
        """Fit by least squares.

        Parameters
        ----------
        batch : Batch
            The samples.
        used : (m, n) ndarray of bool
            The points to fit to.

        Returns
        -------
        Curves
            The lines.
        """
        x: Array = getattr(batch, self.predictor)
        line = fit_lines(x, np.where(used, batch.speed, np.nan))
        fitted = line.intercept[:, np.newaxis] + line.slope[:, np.newaxis] * x
        none = np.full(len(x), np.nan)
        return Curves(fitted, line.slope, line.slope_se, none, none)


@dataclass(frozen=True)
class Limited:
    """Speed = a phi g((a phi / c)^2), phi the celerity: linear at first, then bent by a limit c.

    Parameters
    ----------
    shape : callable
        g, with g(0) = 1.
    shape_rate : callable
        Its derivative.

    Notes
    -----
    With the bend w = (a phi_1 / c)^2, phi_1 the largest celerity, speed is
    a phi g(w (phi / phi_1)^2): linear in a, and regular at w = 0, the straight line that has no
    finite c. So a follows by least squares from w (variable projection, Golub and Pereyra 1973),
    and w >= 0 is looked for in one dimension: first on a grid, which no start value can mislead,
    then by `scipy.optimize.elementwise.find_minimum`.
    """

    shape: Callable[[Array], Array]
    shape_rate: Callable[[Array], Array]

    def fit(self, batch: Batch, used: Mask) -> Curves:
        """Fit by least squares.

        Parameters
        ----------
        batch : Batch
            The samples.
        used : (m, n) ndarray of bool
            The points to fit to.

        Returns
        -------
        Curves
            The curves.
        """
        largest = np.max(np.where(used, batch.celerity, 0.0), axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            place = batch.celerity / largest[:, np.newaxis]
            bend = self._best_bend(place, batch.speed, used)
            return self._curves(self._projection(bend, place, batch.speed, used), largest, batch)

    def _best_bend(self, place: Array, speed: Array, used: Mask) -> Array:
        square = place**2

        def misfit(bend: Array, row: NDArray[np.int_]) -> Array:
            basis = place[row] * self.shape(bend[:, np.newaxis] * square[row])
            scale = best_scale(basis, speed[row], used[row])
            residual = speed[row] - scale[:, np.newaxis] * basis
            return dot(residual, residual, used[row])

        rows = np.arange(len(place))
        misfits = np.array([misfit(np.full(len(place), bend), rows) for bend in BENDS])
        # A sample without points has no misfit; its curve becomes NaN by its number of points.
        best = np.argmin(np.nan_to_num(misfits, nan=np.inf), axis=0)
        inner = np.clip(best, 1, len(BENDS) - 2)
        found = find_minimum(
            misfit, (BENDS[inner - 1], BENDS[inner], BENDS[inner + 1]), args=(rows,)
        )
        # Where the grid is lowest at an end there is no valley, and the end is the answer.
        return np.where((best == inner) & found.success, found.x, BENDS[best])

    def _projection(self, bend: Array, place: Array, speed: Array, used: Mask) -> Projection:
        argument = bend[:, np.newaxis] * place**2
        basis, rate = place * self.shape(argument), place**3 * self.shape_rate(argument)
        return Projection(bend, best_scale(basis, speed, used), basis, rate, speed, used)

    def _curves(self, found: Projection, largest: Array, batch: Batch) -> Curves:
        enough = found.used.sum(axis=1) >= FEWEST_POINTS
        fastest = np.max(np.where(found.used, np.abs(batch.speed), 0.0), axis=1)
        moving = enough & (fastest > batch.rounding)
        # A curve that is flat at all celerities shows its limit alone, not how it rises.
        rises = enough & (found.bend < BENDS[-2]) & (found.resolution > UNRESOLVED)
        bent = moving & (found.bend > 0)
        level = np.where(rises, found.scale / largest, np.nan)
        level_se = np.where(rises, found.scale_se / largest, np.nan)
        light_speed = np.where(moving, np.abs(found.scale) / np.sqrt(found.bend), np.nan)
        light_speed_se = np.where(bent & rises, found.limit_se, np.nan)
        fitted = np.where(enough[:, np.newaxis], found.fitted, np.nan)
        return Curves(fitted, level, level_se, light_speed, light_speed_se)


@dataclass(frozen=True)
class Projection:
    """The best curves of a given bend: speed = scale * basis, and how sure both parameters are.

    Parameters
    ----------
    bend : (m,) ndarray
        (a phi_1 / c)^2.
    scale : (m,) ndarray
        a phi_1, px/layer.
    basis, rate : (m, n) ndarray
        Shape of the curve at all points, and its derivative by the bend.
    speed : (m, n) ndarray
        What is fitted, px/layer.
    used : (m, n) ndarray of bool
        The points that are fitted.
    """

    bend: Array
    scale: Array
    basis: Array
    rate: Array
    speed: Array
    used: Mask

    @property
    def fitted(self) -> Array:
        """Speed at all points, px/layer."""
        return self.scale[:, np.newaxis] * self.basis

    @property
    def square_sum(self) -> Array:
        """Sum of the squared residuals, (px/layer)^2."""
        residual = self.speed - self.fitted
        return dot(residual, residual, self.used)

    @property
    def _tilt(self) -> Array:
        """How much of a change by the bend a change of the scale undoes."""
        return dot(self.basis, self.rate, self.used) / dot(self.basis, self.basis, self.used)

    @property
    def _turn(self) -> Array:
        """Norm of the change by the bend that no change of the scale undoes."""
        rest = self.rate - self._tilt[:, np.newaxis] * self.basis
        return np.sqrt(dot(rest, rest, self.used))

    @property
    def resolution(self) -> Array:
        """Relative change of the curve's shape as the bend doubles, if below one rises by one."""
        size = np.sqrt(dot(self.basis, self.basis, self.used))
        resolution: Array = np.maximum(self.bend, 1.0) * self._turn / size
        return resolution

    @property
    def _variance(self) -> Array:
        variance: Array = self.square_sum / (self.used.sum(axis=1) - 2)
        return variance

    @property
    def scale_se(self) -> Array:
        """Standard error of the scale, px/layer, the bend being fitted as well."""
        own = 1 / dot(self.basis, self.basis, self.used)
        return np.sqrt(self._variance * (own + (self._tilt / self._turn) ** 2))

    @property
    def limit_se(self) -> Array:
        """Standard error of |scale| / sqrt(bend), px/layer, by the delta method."""
        # In the coordinates (scale + tilt * scale * bend, bend) the errors are independent.
        own = 1 / dot(self.basis, self.basis, self.used) / self.bend
        slope = -(self._tilt + 1 / (2 * self.bend)) / np.sqrt(self.bend)
        return np.sqrt(self._variance * (own + (slope / self._turn) ** 2))


def best_scale(basis: Array, speed: Array, used: Mask) -> Array:
    """Return the factor by which a curve comes nearest to speeds.

    Parameters
    ----------
    basis, speed : (m, n) ndarray
        The curve and the speeds (px/layer).
    used : (m, n) ndarray of bool
        What counts.

    Returns
    -------
    (m,) ndarray
        Least-squares factors, px/layer.
    """
    return dot(basis, speed, used) / dot(basis, basis, used)


def dot(first: Array, second: Array, used: Mask) -> Array:
    """Return the inner product over the points that are used.

    Parameters
    ----------
    first, second : (m, n) ndarray
        Rows.
    used : (m, n) ndarray of bool
        What counts.

    Returns
    -------
    (m,) ndarray
        Sums of products.
    """
    product: Array = np.sum(np.where(used, first * second, 0.0), axis=1)
    return product


def tanh_shape(square: Array) -> Array:
    """Return tanh(z) / z as a function of z^2.

    Parameters
    ----------
    square : ndarray
        z^2.

    Returns
    -------
    ndarray
        1 at zero.
    """
    z = np.sqrt(np.maximum(square, NEAR_ZERO))
    series = 1 - square / 3 + 2 * square**2 / 15 - 17 * square**3 / 315
    return np.where(square < NEAR_ZERO, series, np.tanh(z) / z)


def tanh_rate(square: Array) -> Array:
    """Return the derivative of `tanh_shape`.

    Parameters
    ----------
    square : ndarray
        z^2.

    Returns
    -------
    ndarray
        -1/3 at zero.
    """
    z = np.sqrt(np.maximum(square, NEAR_ZERO))
    series = -1 / 3 + 4 * square / 15 - 17 * square**2 / 105
    return np.where(square < NEAR_ZERO, series, (1 - np.tanh(z) ** 2 - np.tanh(z) / z) / (2 * z**2))


MODELS: dict[str, Model] = {
    **{f"linear in {name}": Line(name) for name in PREDICTORS},
    "saturating": Limited(tanh_shape, tanh_rate),
    "Lorentz": Limited(
        lambda square: (1 + square) ** -0.5, lambda square: -((1 + square) ** -1.5) / 2
    ),
}
"""Curves of two parameters each: AIC compares them without favour. ``saturating`` is
v = c tanh(a phi / c), ``Lorentz`` v = a phi / sqrt(1 + (a phi / c)^2), phi the celerity. As beta is
phi / sqrt(1 + phi^2), a Lorentz curve with c = a is a speed in proportion to beta."""
