"""What a simulation records at every layer, and the distance of two records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from mechcore.io.arrays import Array

QUANTITIES = (
    "mass",
    "mu_x",
    "mu_y",
    "sigma_x",
    "sigma_y",
    "cov_xy",
    "gain",
    "excess_kurtosis_x",
    "excess_kurtosis_y",
    "peak",
)
"""The recorded quantities, in the order of the last axis of `Trajectories.record`."""

CENTROID = [QUANTITIES.index("mu_x"), QUANTITIES.index("mu_y")]

DENSITIES: dict[str, Callable[[Array], Array]] = {
    "absolute": np.abs,
    "square": np.square,
    "signed": np.asarray,
}
"""What counts as mass: |x|, x^2, or x itself, of which the centroid of a linear system is exact."""

REGIONS: dict[str, str] = {
    "image": "the whole state",
    "row": "its central row, the lower one of two; gain and peak are those of the whole state",
}
"""What is measured of a state."""

CANCELLED = 1e-12
"""A signed mass below this share of the sum of sizes is rounding: no centroid is defined by it."""

WIDTH_ROUNDING = 1e-13
"""A width below this share of 1 px plus the distance from the origin is the rounding error of the
centroid: it is recorded as zero, and the kurtosis as not defined. Where a signed mass cancels, the
share is larger by the sum of sizes over the mass."""

AGREEMENT = 1e-10
"""The engines agree to this in every recorded quantity, relative to its scale."""

ILL_CONDITIONED = AGREEMENT / 100
"""A simulation is flagged if one unit in the last place of its kernel moves it by more. The margin:
in 50,000 random runs other rounding moved a run up to 40 times as far as that one sample of it."""


@dataclass(frozen=True)
class Trajectories:
    """The outcome of a batch of simulations of one pattern.

    Parameters
    ----------
    record : (n, T + 1, 10) ndarray
        The `QUANTITIES` of each simulation at each layer; NaN where they are not defined.
    extinct_at : (n,) ndarray
        Layer at which the state became all zero, NaN if it lived.
    diverged_at : (n,) ndarray
        Layer at which the state left the range of floating-point numbers, NaN if it did not.
    snapshots : (n, m, w, w) ndarray
        The state at the chosen layers in a square window, NaN after the end of a simulation.
    """

    record: Array
    extinct_at: Array
    diverged_at: Array
    snapshots: Array

    @classmethod
    def undefined(cls, count: int, steps: int, snapshots: int, window: int) -> Trajectories:
        """Return a batch whose values are all NaN."""
        return cls(
            np.full((count, steps + 1, len(QUANTITIES)), np.nan),
            np.full(count, np.nan),
            np.full(count, np.nan),
            np.full((count, snapshots, window, window), np.nan),
        )

    def select(self, index: NDArray[np.generic]) -> Trajectories:
        """Return some simulations, by positions or by a mask."""
        return Trajectories(*(getattr(self, field.name)[index] for field in fields(self)))


def concatenate(batches: list[Trajectories]) -> Trajectories:
    """Return batches of the same pattern and rule as one."""
    if len(batches) == 1:
        return batches[0]
    parts = ([getattr(batch, field.name) for batch in batches] for field in fields(Trajectories))
    return Trajectories(*map(np.concatenate, parts))


def record_distance(first: Array, second: Array) -> Array:
    """Return the largest deviation between records, relative to the scale of each quantity.

    Parameters
    ----------
    first, second : (..., T + 1, 10) ndarray
        Records of the same simulations.

    Returns
    -------
    (...) ndarray
        The largest deviation over layers and quantities; infinite where only one record is NaN.

    Notes
    -----
    The scale is the value itself for mass, gain and peak; for centroids and widths the width of the
    state, at least 1 px, or the displacement if that is larger; for the covariance the product of
    the two widths, at least 1 px^2; for the kurtosis its size, at least 1.

    Examples
    --------
    >>> record = np.ones((1, 2, 10))
    >>> record_distance(record, record).tolist()
    [0.0]
    """
    return _largest(first, second, _scales(first))


def centroid_distance(first: Array, second: Array) -> Array:
    """Return how far apart the centroids of two records are at most, (n,), px."""
    first, second = (record[..., CENTROID] for record in (first, second))
    return _largest(first, second, np.ones_like(first))


def moment_rounding(records: Array) -> Array:
    """Return what the rounding of centroids does to moments up to each layer, (..., T + 1).

    A centroid is good to some units in the last place, 1e-15 of its size. Its square is missing
    from a variance, which shows in a state that has collapsed to a width far below a pixel.
    """
    share = np.zeros(records.shape[:-1])
    for axis in "xy":
        mean, width = (records[..., QUANTITIES.index(f"{name}_{axis}")] for name in ("mu", "sigma"))
        narrow = width > 0
        share[narrow] += (1e-15 * (1 + np.abs(mean[narrow])) / width[narrow]) ** 2
    return np.maximum.accumulate(share, axis=-1)


def _largest(first: Array, second: Array, scales: Array) -> Array:
    """The largest distance over layers and quantities; infinite where only one is a number."""
    with np.errstate(invalid="ignore"):
        deviation = np.abs(first - second) / scales
    lost = np.isnan(first) != np.isnan(second)
    deviation = np.where(lost, np.inf, np.nan_to_num(deviation, nan=0.0, posinf=np.inf))
    largest: Array = deviation.max(axis=(-2, -1))
    return largest


def _scales(record: Array) -> Array:
    mass, mu_x, mu_y, sigma_x, sigma_y, _, gain, kurtosis_x, kurtosis_y, peak = np.moveaxis(
        np.abs(record), -1, 0
    )
    x = np.fmax(np.fmax(sigma_x, mu_x), 1.0)
    y = np.fmax(np.fmax(sigma_y, mu_y), 1.0)
    # A state that is all zero has sizes 0, in both records or in none.
    mass, gain, peak = (np.where(size == 0, 1.0, size) for size in (mass, gain, peak))
    area = np.fmax(sigma_x, 1.0) * np.fmax(sigma_y, 1.0)
    kurtoses = np.fmax(kurtosis_x, 1.0), np.fmax(kurtosis_y, 1.0)
    return np.stack([mass, x, y, x, y, area, gain, *kurtoses, peak], axis=-1)


def neighbouring_kernels(kernels: Array) -> Array:
    """Move every tap by one unit in the last place, up or down by a fixed draw; zeros stay zero."""
    signs = np.random.default_rng(20251231).choice([-1.0, 1.0], size=kernels.shape[-2:])
    return np.where(kernels == 0, 0.0, np.nextafter(kernels, signs * np.inf))
