"""From the moments of all units of a layer to numbers for each channel."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mechcore.networks.composition import Composition
from mechcore.networks.evidence import Paths
from mechcore.networks.grid import Grid
from mechcore.networks.operators import Call, Tensor
from mechcore.networks.taps import TAPS
from mechcore.networks.windows import Array

CANCELLED_SHARE = 0.05
"""Evidence whose sum is smaller than this share of the positive contributions has no centroid: it
would lie up to 20 times as far away as the pixels it comes from."""

CANCELLED_MASS = 0.1
"""The same for kernels: a share of the standard deviation of their mass if the signs of
weights were independent."""


@dataclass(frozen=True, eq=False)
class UnitMoments:
    """The evidence of all units of a layer for one image.

    Displacements are of the centre of evidence from the unit, in px; information moves the
    opposite way. Arrays are (..., channel, y, x), or (..., channel) of a layer without an image.
    """

    signed: Array
    """Moments of the signed evidence, (6, ...), not divided by the first."""
    paths: Array
    """Moments of the positive paths, (6, ...); 0 where there are none."""
    strength: Array
    """Sum of positive contributions."""
    source: Array
    """Mean position (x, y) of the units that positive contributions come from."""
    position: Array
    """Position (x, y) of each unit."""

    @property
    def cancelled(self) -> Array:
        """Whether the signed evidence of a unit cancels."""
        return np.asarray(np.abs(self.signed[0]) < CANCELLED_SHARE * self.strength)


def unit_moments_of(signed: Array, paths: Paths, grid: Grid) -> UnitMoments:
    """Return the moments of a layer's units."""
    assert paths.strength is not None
    assert paths.source is not None
    position = grid.coordinates(signed.shape[1:])
    return UnitMoments(signed, paths.moments, paths.strength, paths.source, position)


def channel_measures(units: UnitMoments) -> dict[str, Array]:
    """Return means over the units of each channel, weighted by their evidence.

    Notes
    -----
    With evidence M0, M1, M2, the displacement of a unit at u is M1 / M0 - u, and its covariance
    M2 / M0 - (M1 / M0)(M1 / M0)^T. Their weight in the mean over units is |M0|, that of positive
    paths the sum of positive contributions. Channels without evidence are NaN.
    """
    mass = np.where(units.cancelled, 0.0, units.signed[0])
    signed = _divided(units.signed, mass)
    return {
        "signed_displacement": _mean(signed[1:3] - units.position, np.abs(mass)),
        "signed_covariance": _mean(_covariance(signed), np.abs(mass)),
        "cancelled": _share(units.cancelled),
        **_path_measures(units),
    }


def _path_measures(units: UnitMoments) -> dict[str, Array]:
    covariance = _mean(_covariance(units.paths), units.strength)
    return {
        "path_displacement": _mean(units.paths[1:3] - units.position, units.strength),
        "path_covariance": covariance,
        "path_step": _mean(units.source - units.position, units.strength),
        # Of one pixel it is 0, but for rounding.
        "radius": np.sqrt(np.maximum(covariance[:, 0, 0] + covariance[:, 1, 1], 0)),
    }


def field(units: UnitMoments) -> dict[str, Array]:
    """Return maps over the units of a layer, means over channels weighted by their evidence."""
    weights = units.strength[np.newaxis]

    def over_channels(values: Array) -> Array:
        total = (values * weights).sum(axis=-3)
        evidence = weights.sum(axis=-3)
        missing = np.full_like(total, np.nan)
        return np.asarray(np.divide(total, evidence, out=missing, where=evidence > 0))

    covariance = _covariance(units.paths).reshape(4, *units.strength.shape)
    return {
        "field": over_channels(units.paths[1:3] - units.position),
        "field_spread": over_channels(covariance).reshape(2, 2, *units.strength.shape[1:]),
    }


def kernel_measures(call: Call, signed: Composition, energy: Composition) -> dict[str, Array]:
    """Return what the kernels alone say of each channel, for equal images in all input channels."""
    mass, squares = signed.moments.sum(axis=2), energy.moments.sum(axis=2)
    known = np.where(np.abs(mass[0]) < CANCELLED_MASS * np.sqrt(squares[0]), 0.0, mass[0])
    energy_moments = _divided(squares, squares[0])
    return {
        "kernel_mass": mass[0],
        "kernel_displacement": _with_gaps(_divided(mass, known)[1:3], known).T,
        "energy_displacement": _with_gaps(energy_moments[1:3], squares[0]).T,
        "energy_covariance": _by_channel(_with_gaps(_covariance(energy_moments), squares[0])),
        **_own_momenta(call),
    }


def _own_momenta(call: Call) -> dict[str, Array]:
    """What the kernels of one layer say by themselves: of their energy, positive taps and sum."""
    taps = TAPS[call.step.kind]
    above = [call.inputs[0], Tensor(np.maximum(call.weights, 0.0)), *call.inputs[2:]]
    plain, energy, positive = (
        moments.sum(axis=3).reshape(6, -1)
        for moments in (taps(call, 1), taps(call, 2), taps(replace(call, inputs=above), 1))
    )
    size = np.sqrt(energy[0])
    return {
        "own_momentum": _with_gaps(_divided(energy, energy[0])[1:3], energy[0]).T,
        "own_positive_momentum": _with_gaps(_divided(positive, positive[0])[1:3], positive[0]).T,
        "own_first_moment": _with_gaps(_divided(plain, size)[1:3], size).T,
    }


def _divided(moments: Array, mass: Array) -> Array:
    zeros = np.zeros_like(moments)
    return np.asarray(np.divide(moments, mass, out=zeros, where=mass != 0))


def _covariance(means: Array) -> Array:
    """(2, 2, ...) from normalised moments."""
    _, x, y, xx, yy, xy = means
    return np.array([[xx - x * x, xy - x * y], [xy - x * y, yy - y * y]])


def _mean(values: Array, weights: Array) -> Array:
    """Weighted means over the units of each channel, (channel, ...)."""
    channels = weights.shape[0]
    flat = values.reshape(*values.shape[: values.ndim - weights.ndim], channels, -1)
    shares = weights.reshape(channels, -1)
    total = (flat * shares).sum(axis=-1)
    return _by_channel(_with_gaps(_divided(total, shares.sum(axis=-1)), shares.sum(axis=-1)))


def _share(flags: Array) -> Array:
    return np.asarray(flags.reshape(len(flags), -1).mean(axis=1))


def _with_gaps(values: Array, weights: Array) -> Array:
    return np.where(weights != 0, values, np.nan)


def _by_channel(values: Array) -> Array:
    return np.moveaxis(values, -1, 0)
