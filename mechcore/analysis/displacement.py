"""How far states move and how wide they are along the momentum of their kernel, and theory."""

from __future__ import annotations

import numpy as np
import xarray as xr

from mechcore.io.arrays import Array
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import BOUNDARIES
from mechcore.model.decomposition import first_moments, parities
from mechcore.model.geometry import reach_along, unit_vector
from mechcore.model.normalisations import rescaled
from mechcore.model.theory import has_no_negative_tap, velocities


def displacement_along(dataset: xr.Dataset) -> xr.DataArray:
    """Return the displacement since layer 0 of each centroid along its kernel's momentum, px."""
    axis = _momentum_directions(dataset)
    drift_x, drift_y = displacement(dataset, "mu_x"), displacement(dataset, "mu_y")
    along = axis[..., :1] * drift_x + axis[..., 1:] * drift_y
    return xr.DataArray(along, dataset.mu_x.coords, dataset.mu_x.dims)


def variance_along(dataset: xr.Dataset) -> xr.DataArray:
    """Return the variance of each state along the momentum of its kernel, px^2."""
    axis = _momentum_directions(dataset)
    x, y = axis[..., :1], axis[..., 1:]
    variance: Array = (
        (x * dataset.sigma_x.values) ** 2
        + 2 * x * y * dataset.cov_xy.values
        + (y * dataset.sigma_y.values) ** 2
    )
    # The terms cancel for a state that is a line across the motion.
    return xr.DataArray(variance.clip(min=0.0), dataset.mu_x.coords, dataset.mu_x.dims)


def _momentum_directions(dataset: xr.Dataset) -> Array:
    """Unit vectors, (..., 2), of momenta; without one that of the nominal angle, else +x."""
    momenta = _momenta(dataset)
    lengths = np.hypot(momenta[..., 0], momenta[..., 1])[..., np.newaxis]
    nominal = _nominal_directions(dataset)
    return np.where(lengths > 0, momenta / np.where(lengths > 0, lengths, 1.0), nominal)


def _momenta(dataset: xr.Dataset) -> Array:
    taps = _taps(dataset)
    return first_moments(taps, parities(taps)[1])


def _taps(dataset: xr.Dataset) -> Array:
    """The kernels but for factors, on which neither directions nor velocities depend."""
    return rescaled(dataset.kernel_taps.values)[0]


def _nominal_directions(dataset: xr.Dataset) -> Array:
    lead = dataset.kernel_taps.dims[:-2]
    if "angle" not in lead:
        return unit_vector(0.0)
    vectors = np.array([unit_vector(angle) for angle in dataset.angle.values])
    return vectors.reshape(*(-1 if name == "angle" else 1 for name in lead), 2)


def light_speeds(dataset: xr.Dataset) -> Array:
    """Return the fastest that a layer can move anything along each momentum, px/layer."""
    height, width = dataset.kernel_taps.shape[-2:]
    fastest = reach_along(_momentum_directions(dataset), (height, width))
    return np.broadcast_to(fastest, dataset.mu_x.shape[:-1])


def before_the_edge(dataset: xr.Dataset) -> xr.Dataset:
    """Blank centroids and widths at the layers at which mass may have crossed the edge of a torus.

    A centroid is a plain mean over the domain: it jumps when mass re-enters on the other side.
    """
    if not BOUNDARIES[dataset.attrs["boundary"]].closed:
        return dataset
    inside = dataset.t < dataset.edge_at.fillna(np.inf)
    names = ["mu_x", "mu_y", "sigma_x", "sigma_y", "cov_xy"]
    kept = {name: dataset[name].where(inside).transpose(*dataset[name].dims) for name in names}
    return dataset.assign(kept)


def displacement(dataset: xr.Dataset, name: str) -> Array:
    """Return how far a coordinate of each centroid is from where it was at layer 0, px."""
    values: Array = dataset[name].values
    return values - values[..., :1]


def predicted_speeds(dataset: xr.Dataset) -> Array:
    """Return the exact speeds along the momentum, px/layer; NaN where the theory does not hold."""
    taps, attributes = _taps(dataset), dataset.attrs
    plain = {"density": "absolute", "schedule": "constant"}
    may_be_exact = (
        ACTIVATIONS[attributes["activation"]].identity_on_positive
        and not BOUNDARIES[attributes["boundary"]].finite
        and all(attributes[name] == value for name, value in plain.items())
    )
    motion = velocities(taps, _momenta(dataset))
    along = np.sum(motion * _momentum_directions(dataset), axis=-1)
    speeds = np.where(has_no_negative_tap(taps) & may_be_exact, along, np.nan)
    every = xr.DataArray(
        np.broadcast_to(speeds, dataset.mu_x.shape[:-1]), dims=dataset.mu_x.dims[:-1]
    )
    exact: Array = every.where(dataset.region == "image").transpose(*every.dims).values
    return exact
