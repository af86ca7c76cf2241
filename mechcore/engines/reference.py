"""The reference engine: slow, obvious numpy. It defines correct and never trims."""

from __future__ import annotations

import numpy as np

from mechcore.engines.rule import LayerRule, window_offset
from mechcore.engines.trajectories import (
    CANCELLED,
    DENSITIES,
    QUANTITIES,
    WIDTH_ROUNDING,
    Trajectories,
)
from mechcore.io.arrays import Array
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import BOUNDARIES, crop_start
from mechcore.model.normalisations import NORMALISATIONS, NORMS, peak_norm


def run(kernels: Array, image: Array, rule: LayerRule) -> Trajectories:
    """Run a batch of kernels on one pattern; see `mechcore.engines.run`."""
    # A state that leaves the range of numbers is a result, which the record states.
    with np.errstate(over="ignore", invalid="ignore"):
        outcomes = [_run_one(turns, image, rule) for turns in in_turns(kernels)]
    records, extinct_at, diverged_at, snapshots = zip(*outcomes, strict=True)
    # As numbers, even where every layer is an integer.
    extinct, diverged = (np.array(ends, dtype=np.float64) for ends in (extinct_at, diverged_at))
    return Trajectories(np.array(records), extinct, diverged, np.array(snapshots))


def in_turns(kernels: Array) -> Array:
    """Return kernels as (n, p, kh, kw): those of a batch that do not take turns are p = 1."""
    return kernels[:, np.newaxis] if kernels.ndim == 3 else kernels


def convolve(state: Array, kernel: Array) -> Array:
    """Return the full true convolution, (h + kh - 1, w + kw - 1): the sum of shifted copies.

    Examples
    --------
    >>> convolve(np.ones((1, 2)), np.array([[1.0, 2.0]]))
    array([[1., 3., 2.]])
    """
    height, width = state.shape
    rows, columns = kernel.shape
    result = np.zeros((height + rows - 1, width + columns - 1))
    for i in range(rows):
        for j in range(columns):
            result[i : i + height, j : j + width] += kernel[i, j] * state
    return result


def convolve_within(state: Array, kernel: Array, boundary: str, layer: int) -> Array:
    """Return the convolution on a domain with a boundary; layers count from 1.

    It has the size of the state on a finite domain, that of the full convolution on free space.

    Examples
    --------
    >>> convolve_within(np.array([[1.0, 0, 0]]), np.array([[1.0, 1, 1]]), "wrap", 1)
    array([[1., 1., 1.]])
    """
    rule = BOUNDARIES[boundary]
    if not rule.finite:
        return convolve(state, kernel)
    margins = tuple((size - 1, size - 1) for size in kernel.shape)
    full = convolve(np.pad(state, margins, **rule.pad), kernel)
    top, left = (size - 1 + crop_start(size, layer) for size in kernel.shape)
    return full[top : top + state.shape[0], left : left + state.shape[1]]


def moments(state: Array, y: Array, x: Array, density: str) -> dict[str, float]:
    """Return mass, centroid, widths, covariance and kurtoses of a state.

    ``y`` and ``x`` are the coordinates of rows and columns, px. These are all
    `mechcore.engines.trajectories.QUANTITIES` but gain and peak. Without mass, or if a signed mass
    cancels, only the mass is defined; a width is NaN if a signed variance is negative, and a
    kurtosis if the width is zero.
    """
    # Scaled by the peak first, so that the squares of tiny states do not underflow.
    peak = np.max(np.abs(state))
    weights = DENSITIES[density](state / (peak or 1.0))
    scale = DENSITIES[density](peak)
    total = weights.sum()
    if abs(total) <= CANCELLED * np.abs(weights).sum():
        return {"mass": 0.0}
    share = weights / total
    # 1 but for a signed density, of which cancelling makes rounding larger.
    cancelled = np.abs(share).sum()
    mu_x, mu_y = np.sum(share * x), np.sum(share * y[:, np.newaxis])
    from_x, from_y = x - mu_x, (y - mu_y)[:, np.newaxis]
    variance_x = _without_rounding(np.sum(share * from_x**2), mu_x, cancelled)
    variance_y = _without_rounding(np.sum(share * from_y**2), mu_y, cancelled)
    figures = {
        "mass": total * scale,
        "mu_x": mu_x,
        "mu_y": mu_y,
        "sigma_x": np.sqrt(variance_x),
        "sigma_y": np.sqrt(variance_y),
        "cov_xy": np.sum(share * from_x * from_y),
        "excess_kurtosis_x": _excess(np.sum(share * from_x**4), variance_x),
        "excess_kurtosis_y": _excess(np.sum(share * from_y**4), variance_y),
    }
    return {name: float(value) for name, value in figures.items()}


def _without_rounding(variance: float, mean: float, cancelled: float) -> float:
    rounding = WIDTH_ROUNDING * (1 + abs(mean)) * cancelled
    return 0.0 if abs(variance) <= rounding**2 else variance


def _excess(fourth: float, variance: float) -> float:
    return fourth / variance**2 - 3 if variance > 0 else np.nan


def _run_one(turns: Array, image: Array, rule: LayerRule) -> tuple[Array, float, float, Array]:
    normalisation = NORMALISATIONS[rule.normalise]
    activation = ACTIVATIONS[rule.activation].array
    record = np.full((rule.steps + 1, len(QUANTITIES)), np.nan)
    window = rule.snapshot_window
    snapshots = np.full((len(rule.snapshot_layers), window, window), np.nan)
    state = image
    y, x = (np.arange(size) - (size - 1) / 2 for size in image.shape)
    for t in range(rule.steps + 1):
        if t > 0:
            kernel = turns[(t - 1) % len(turns)]
            state = activation(convolve_within(state, kernel, rule.boundary, t))
            y, x = _moved(y, kernel.shape[0], rule, t), _moved(x, kernel.shape[1], rule, t)
        gain, peak = NORMS[normalisation.norm](state), peak_norm(state)
        if not np.isfinite(np.sum(np.abs(state))):
            return record, np.nan, t, snapshots
        if gain < np.finfo(np.float64).smallest_normal:
            record[t, [QUANTITIES.index(name) for name in ("mass", "gain", "peak")]] = 0.0
            return record, t, np.nan, snapshots
        if normalisation.divides:
            state = state / gain
        measured = slice(None) if rule.region == "image" else central_row(len(y))
        figures = moments(state[measured], y[measured], x, rule.density)
        if not np.isfinite(figures["mass"]):
            return record, np.nan, t, snapshots
        figures |= {"gain": gain, "peak": peak}
        record[t] = [figures.get(name, np.nan) for name in QUANTITIES]
        if t in rule.snapshot_layers:
            snapshots[rule.snapshot_layers.index(t)] = _windowed(state, window)
    return record, np.nan, np.nan, snapshots


def _moved(coordinates: Array, size: int, rule: LayerRule, layer: int) -> Array:
    """Return the coordinates of the pixels of one axis after a layer."""
    start = coordinates[0] - (size - 1) / 2
    if BOUNDARIES[rule.boundary].finite:
        return coordinates - (size - 1) / 2 + crop_start(size, layer)
    grown: Array = start + np.arange(len(coordinates) + size - 1)
    return grown


def central_row(height: int) -> slice:
    """Return the central row of a state, the lower one of two."""
    return slice(height // 2, height // 2 + 1)


def _windowed(state: Array, window: int) -> Array:
    top, left = (window_offset(size, window) for size in state.shape)
    padded = np.pad(state, window)[top + window :, left + window :]
    return padded[:window, :window]
