"""How well the momenta of kernels predict the displacements of a network, layer by layer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from mechcore.io.arrays import Array

MEASURES = {
    "step": ("own_momentum", "path_step"),
    "cumulated": ("energy_displacement", "path_displacement"),
    "step_positive": ("own_positive_momentum", "path_step"),
    "step_first": ("own_first_moment", "path_step"),
}
"""What is predicted, and from what; variables of `mechcore.network`. The displacement by one layer
comes from its own kernels: the centroid of their energy, that of their positive taps, or their
first moment. The displacement by all layers up to one comes from the energy of all kernels."""

NO_MOMENTUM = 1e-9
"""px. Kernels of one tap have no momentum; what rounding leaves of it is smaller."""


class Line(NamedTuple):
    """A line through the channels of a layer, for each image."""

    slope: Array
    """px of displacement per px of momentum."""
    r2: Array
    """Share of the variance of the displacement that the line explains."""


def predict(kernels: xr.Dataset, measured: xr.Dataset) -> xr.Dataset:
    """Return the lines of all layers, ``slope`` and ``r2``, each (measure, layer, image).

    ``kernels`` has the momenta, ``measured`` the displacements; both are what `mechcore.network`
    returns, of the same network or of a copy with other weights.
    """
    lines = [layer_lines(kernels, measured, *pair) for pair in MEASURES.values()]
    dims = ("measure", "layer", "image")
    return xr.Dataset(
        {name: (dims, np.stack([getattr(line, name) for line in lines])) for name in Line._fields},
        {"measure": np.array([*MEASURES], dtype=object)},
    )


def layer_lines(kernels: xr.Dataset, measured: xr.Dataset, predictor: str, response: str) -> Line:
    """Return the lines of all layers from one variable to another, each (layer, image)."""
    numbers = kernels.layer_number.values
    momentum = kernels[predictor].transpose("channel_index", "axis").values
    displacement = measured[response].transpose("image", "channel_index", "axis").values
    lines = [
        line_through_channels(momentum[numbers == n], displacement[:, numbers == n])
        for n in range(kernels.sizes["layer"])
    ]
    return Line(*map(np.stack, zip(*lines, strict=True)))


def line_through_channels(momentum: Array, displacement: Array) -> Line:
    """Return the least-squares line through the channels and axes of a layer, for each image.

    Parameters
    ----------
    momentum : (channel, axis) ndarray
    displacement : (image, channel, axis) ndarray
        NaN where a channel has no evidence in an image; it is left out of that line.

    Notes
    -----
    Both axes share a slope. Each has its own intercept: padding and even sizes displace all
    channels alike, and say nothing of their kernels.

    Examples
    --------
    >>> momentum = np.array([[0.0, 0.5], [1.0, -0.5], [0.5, 0.0]])
    >>> line_through_channels(momentum, 0.5 * momentum[np.newaxis] + 3.0)
    Line(slope=array([0.5]), r2=array([1.]))
    """
    known = np.asarray(np.isfinite(displacement + momentum).all(axis=-1))
    x = _centred(np.broadcast_to(momentum, displacement.shape), known)
    y = _centred(displacement, known)
    xx, yy, xy = ((first * second).sum(axis=(1, 2)) for first, second in ((x, x), (y, y), (x, y)))
    some = xx > known.sum(axis=1) * NO_MOMENTUM**2
    moved = some & (yy > 0)
    slope = np.divide(xy, xx, out=np.full_like(xx, np.nan), where=some)
    r2 = np.divide(xy**2, xx * yy, out=np.full_like(xx, np.nan), where=moved)
    return Line(slope, r2)


def _centred(values: Array, known: NDArray[np.bool_]) -> Array:
    """Deviations of the known channels from their mean, on each axis; zero for the others."""
    weights = known[..., np.newaxis]
    kept = np.where(weights, values, 0.0)
    number = np.maximum(weights.sum(axis=1, keepdims=True), 1)
    return np.where(weights, kept - kept.sum(axis=1, keepdims=True) / number, 0.0)
