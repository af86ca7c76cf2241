"""Observables of a simulation: speed, direction, diffusion, and the speed of the exact theory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from mechcore.analysis.lines import FEWEST_POINTS, Lines, fit_lines
from mechcore.errors import InvalidValue, MechcoreError
from mechcore.io.arrays import Array
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import BOUNDARIES
from mechcore.model.decomposition import first_moments, parities
from mechcore.model.geometry import unit_vector
from mechcore.model.normalisations import rescaled
from mechcore.model.theory import has_no_negative_tap, velocities

METRICS = (
    *("cell", "kernel", "activation", "size", "pattern", "angle", "beta", "odd_energy_ratio"),
    *("speed", "speed_se", "direction", "sigma_final"),
    *("diffusion_exponent", "diffusion_coefficient"),
    *("extinct_at", "speed_theory", "beta_star", "ill_conditioned"),
)
"""Columns of ``metrics.csv``."""

AT_REST = 1e-9
"""A slower velocity (px/layer) has no direction: over 1000 layers it is a millionth of a pixel."""

NO_GROWTH = 1e-9
"""A growth of the variance below this share of it (and of 1 px^2) is rounding, not diffusion."""


def measure(dataset: xr.Dataset) -> xr.Dataset:
    """Measure trajectories.

    Parameters
    ----------
    dataset : xarray.Dataset
        Trajectories as `mechcore.propagate` and `mechcore.simulation.run.simulate` return them. On
        a torus (boundary ``wrap``) only layers count at which nothing can have crossed the edge.

    Returns
    -------
    xarray.Dataset
        With the dimensions of the trajectories without ``t``:

        speed, speed_se : px/layer
            Least-squares slope of the displacement along the kernel's momentum for t >= t_burn, and
            its standard error. A kernel without momentum is measured along its nominal angle.
        direction : degrees
            Direction of the fitted velocity; NaN at rest.
        velocity_x, velocity_y : px/layer
            Its components.
        sigma_final : px
            Width along the momentum at the last layer.
        diffusion_exponent, diffusion_coefficient
            a and c of ``sqrt(sigma^2(t) - sigma^2(0)) = c t^a`` along the momentum, t >= t_burn.
        speed_theory : px/layer
            M1/M0 along the momentum where the exact theory holds, else NaN.

    Raises
    ------
    MechcoreError
        If it is no dataset, or has too few layers for a speed.

    Examples
    --------
    >>> import mechcore
    >>> run = mechcore.propagate(mechcore.kernel("dct", 2, beta=1.0), engine="reference")
    >>> round(float(measure(run).speed), 9)
    0.5
    """
    if not isinstance(dataset, xr.Dataset):
        raise InvalidValue(
            "dataset",
            dataset,
            "trajectories, as mechcore.propagate returns them",
            description=f"an object of type {type(dataset).__name__}",
        )
    dataset = before_the_edge(dataset)
    first = int(dataset.attrs["t_burn"])
    late = dataset.t.values >= first
    if late.sum() < FEWEST_POINTS:
        known = f"{late.sum()} layers from t_burn = {first} on"
        raise MechcoreError(f"steps: {known} give no speed, expected at least {FEWEST_POINTS}")
    t = dataset.t.values[late].astype(np.float64)
    drifts = [_displacement(dataset, name) for name in ("mu_x", "mu_y")]
    velocity_x, velocity_y = (fit_lines(t, drift[..., late]).slope for drift in drifts)
    motion = fit_lines(t, displacement_along(dataset).values[..., late])
    variance = variance_along(dataset).values
    diffusion = _diffusion(t, variance[..., late], variance[..., :1])
    observables = {
        "speed": motion.slope,
        "speed_se": motion.slope_se,
        "direction": _directions(velocity_x, velocity_y),
        "velocity_x": velocity_x,
        "velocity_y": velocity_y,
        "sigma_final": np.sqrt(variance[..., -1]),
        "diffusion_exponent": diffusion.slope,
        "diffusion_coefficient": np.exp(diffusion.intercept),
        "speed_theory": predicted_speeds(dataset),
    }
    lead = dataset.mu_x.dims[:-1]
    coordinates = {name: dataset[name] for name in lead}
    return xr.Dataset({name: (lead, values) for name, values in observables.items()}, coordinates)


def metrics_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Return the rows of ``metrics.csv`` of one cell: one a simulation, columns `METRICS`."""
    recorded = dataset[["extinct_at", "odd_energy_ratio", "beta_star", "ill_conditioned"]]
    merged = measure(dataset).merge(recorded.drop_vars("mixing_ratio"))
    table = merged.to_dataframe(dim_order=["pattern", "angle", "beta"]).reset_index()
    return table.assign(
        cell=dataset.attrs["cell_id"],
        kernel=dataset.attrs["kernel"],
        activation=dataset.attrs["activation"],
        size=int(dataset.attrs["size"]),
        extinct_at=table["extinct_at"].astype("Int64"),
    )[list(METRICS)]


def displacement_along(dataset: xr.Dataset) -> xr.DataArray:
    """Return the displacement since layer 0 of each centroid along its kernel's momentum, px."""
    axis = _momentum_directions(dataset)
    drift_x, drift_y = _displacement(dataset, "mu_x"), _displacement(dataset, "mu_y")
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


def _displacement(dataset: xr.Dataset, name: str) -> Array:
    values: Array = dataset[name].values
    return values - values[..., :1]


def _diffusion(t: Array, variance: Array, start: Array) -> Lines:
    growth = variance - start
    with np.errstate(invalid="ignore", divide="ignore"):
        grown = (growth > NO_GROWTH * (1 + start)) & (t > 0)
        return fit_lines(np.log(t), np.log(np.where(grown, growth, np.nan)) / 2)


def _directions(x: Array, y: Array) -> Array:
    # Rounded before the modulo, so that -1e-17 is 0 and not 360 degrees.
    angles = np.round(np.degrees(np.arctan2(y, x)), 9) % 360.0
    return np.where(np.hypot(x, y) > AT_REST, angles, np.nan)


def predicted_speeds(dataset: xr.Dataset) -> Array:
    """Return the exact speeds along the momentum, px/layer; NaN where the theory does not hold."""
    taps, attributes = _taps(dataset), dataset.attrs
    plain = {"density": "absolute", "region": "image", "schedule": "constant"}
    may_be_exact = (
        ACTIVATIONS[attributes["activation"]].identity_on_positive
        and not BOUNDARIES[attributes["boundary"]].finite
        and all(attributes[name] == value for name, value in plain.items())
    )
    motion = velocities(taps, _momenta(dataset))
    along = np.sum(motion * _momentum_directions(dataset), axis=-1)
    speeds = np.where(has_no_negative_tap(taps) & may_be_exact, along, np.nan)
    return np.broadcast_to(speeds, dataset.mu_x.shape[:-1])
