"""The speed that a simulation tends to, from how its speed still changes when layers double."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import xarray as xr

from mechcore.analysis.displacement import displacement_along, light_speeds, predicted_speeds
from mechcore.io.arrays import Array

FEWEST_LAYERS = 16
"""Below, the first of the four windows has one layer or none."""

DOUBLINGS = 3
"""Changes from one window to the next that show how fast a speed converges."""

SPREAD = 4.0
"""Half the interval over the largest of these changes. Set on the families dct, gaussian and
binomial (five sizes, four activations, two patterns, 41 mixing ratios): it covers 97% of the
simulations whose speed at 1024 layers differs from that at 64. A test counts others."""

SPEED_ROUNDING = 1e-9
"""px/layer. Positions are good to 1e-10 of a width of some px, see `engines.trajectories`."""


def asymptotic_speeds(dataset: xr.Dataset) -> xr.Dataset:
    """Estimate the speed along the kernel's momentum after endless layers, with an interval.

    Parameters
    ----------
    dataset : xarray.Dataset
        Trajectories as `mechcore.propagate` returns them. Those on a torus are cut first, see
        `mechcore.analysis.displacement.before_the_edge`.

    Returns
    -------
    xarray.Dataset
        ``asymptotic_speed, asymptotic_low, asymptotic_high``, px/layer, with the dimensions of the
        trajectories without ``t``. Where the exact theory holds the speed is its own, known to
        rounding. NaN below `FEWEST_LAYERS` layers, or where a trajectory ends.

    Notes
    -----
    The estimate is the speed between T/2 and T, at most the light speed, which no state exceeds for
    ever; nothing is extrapolated. With the same speed at T/2, T/4 and T/8 there are
    three changes under doubling; the interval reaches `SPREAD` times the largest to both sides. A
    change falls off as a power of T where a front is pulled or a pattern diffuses, so all later
    ones together are a few times the last; the largest counts, as one may be small by chance.

    Examples
    --------
    >>> import mechcore
    >>> run = mechcore.propagate(mechcore.kernel("dct", 3, beta=0.8), steps=64)
    >>> estimate = asymptotic_speeds(run)
    >>> [round(float(estimate[name]), 2) for name in estimate]
    [0.91, 0.86, 0.95]
    """
    moved = displacement_along(dataset).values
    windows = _window_speeds(moved)
    speed = windows[0]
    change = np.max(np.abs(np.diff(windows, axis=0)), axis=0)
    half = SPREAD * change + SPEED_ROUNDING
    exact = predicted_speeds(dataset)
    known = np.isfinite(exact)
    speed, half = np.where(known, exact, speed), np.where(known, SPEED_ROUNDING, half)
    # The window of a pattern that is still contracting may be faster than any limit.
    fastest = light_speeds(dataset)
    limited = np.clip(speed, -fastest, fastest)
    lead = [name for name in dataset.mu_x.dims if name != "t"]
    values = {
        "asymptotic_speed": limited,
        "asymptotic_low": np.minimum(speed - half, limited),
        "asymptotic_high": np.maximum(speed + half, limited),
    }
    coordinates = {name: dataset[name] for name in lead}
    return xr.Dataset({name: (lead, array) for name, array in values.items()}, coordinates)


def _window_speeds(moved: Array) -> Array:
    """Mean speeds over the second half of T, T/2, T/4 and T/8 layers, (4, ...)."""
    steps = moved.shape[-1] - 1
    if steps < FEWEST_LAYERS:
        return np.full((DOUBLINGS + 1, *moved.shape[:-1]), np.nan)
    # Even layers: after odd ones the grid of an even kernel may be half a pixel aside.
    ends = [2 * (steps // 2 ** (power + 1)) for power in range(DOUBLINGS + 2)]
    return np.array(
        [(moved[..., end] - moved[..., start]) / (end - start) for end, start in pairwise(ends)]
    )
