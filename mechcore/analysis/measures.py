"""Observables of a simulation: speed, direction, diffusion, and the speed of the exact theory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from mechcore.analysis.asymptotics import asymptotic_speeds
from mechcore.analysis.displacement import (
    before_the_edge,
    displacement,
    displacement_along,
    predicted_speeds,
    variance_along,
)
from mechcore.analysis.lines import FEWEST_POINTS, Lines, fit_lines
from mechcore.errors import InvalidValue, MechcoreError
from mechcore.io.arrays import Array
from mechcore.io.netcdf import describe

METRICS = (
    *("cell", "kernel", "activation", "size", "pattern", "angle", "beta", "odd_energy_ratio"),
    *("speed", "speed_se", "asymptotic_speed", "asymptotic_low", "asymptotic_high"),
    *("direction", "sigma_final", "diffusion_exponent", "diffusion_coefficient"),
    *("extinct_at", "speed_theory", "beta_star", "ill_conditioned", "centroid_sensitivity"),
    "mixing_ratio",
)
"""Columns of ``metrics.csv``, before those of `end_column`."""

END_SPEED = "end_speed_"
"""How columns of mean speeds begin, from layer 0 to a horizon, px/layer."""

AT_REST = 1e-9
"""A slower velocity (px/layer) has no direction: over 1000 layers it is a millionth of a pixel."""

NO_GROWTH = 1e-9
"""A growth of the variance below this share of it (and of 1 px^2) is rounding, not diffusion."""


OBSERVABLES: dict[str, tuple[str, str]] = {
    "speed": ("slope of the displacement along the momentum from t_burn on, px/layer", "1"),
    "speed_se": ("standard error of the speed, px/layer", "1"),
    "asymptotic_speed": ("speed in the limit of many layers, px/layer", "1"),
    "asymptotic_low": ("lower bound of the asymptotic speed, px/layer", "1"),
    "asymptotic_high": ("upper bound of the asymptotic speed, px/layer", "1"),
    "direction": ("direction of the fitted velocity, from +x (right) to +y (down)", "degree"),
    "velocity_x": ("fitted velocity, to the right, px/layer", "1"),
    "velocity_y": ("fitted velocity, downwards, px/layer", "1"),
    "sigma_final": ("width along the momentum at the last layer, px", "1"),
    "diffusion_exponent": ("a of the growth c t^a of the width", "1"),
    "diffusion_coefficient": ("c of the growth c t^a of the width, px", "1"),
    "speed_theory": ("speed of the exact theory, px/layer", "1"),
}
"""Long name and unit of all that is measured."""


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
            the standard error of that line. A kernel without momentum is measured along its nominal
            angle.
        asymptotic_speed, asymptotic_low, asymptotic_high : px/layer
            The speed that it tends to, with an interval: see
            `mechcore.analysis.asymptotics.asymptotic_speeds`.
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
    velocity_x, velocity_y = fitted_velocities(dataset)
    late, t = _fitted_layers(dataset)
    motion = fit_lines(t, displacement_along(dataset).values[..., late])
    variance = variance_along(dataset).values
    diffusion = _diffusion(t, variance[..., late], variance[..., :1])
    observables = {
        "speed": motion.slope,
        "speed_se": motion.slope_se,
        "direction": directions(velocity_x, velocity_y),
        "velocity_x": velocity_x,
        "velocity_y": velocity_y,
        "sigma_final": np.sqrt(variance[..., -1]),
        "diffusion_exponent": diffusion.slope,
        "diffusion_coefficient": np.exp(diffusion.intercept),
        "speed_theory": predicted_speeds(dataset),
    }
    lead = dataset.mu_x.dims[:-1]
    limits = asymptotic_speeds(dataset)
    measured = limits.assign({name: (lead, values) for name, values in observables.items()})
    return describe(measured, OBSERVABLES)


def fitted_velocities(dataset: xr.Dataset) -> tuple[Array, Array]:
    """Return the slopes of the coordinates of centroids, px/layer, for t >= t_burn.

    Trajectories on a torus are cut first, see `before_the_edge`.
    """
    late, t = _fitted_layers(dataset)
    x, y = (displacement(dataset, name)[..., late] for name in ("mu_x", "mu_y"))
    return fit_lines(t, x).slope, fit_lines(t, y).slope


def _fitted_layers(dataset: xr.Dataset) -> tuple[NDArray[np.bool_], Array]:
    """Which layers are fitted, and their numbers."""
    first = int(dataset.attrs["t_burn"])
    late: NDArray[np.bool_] = dataset.t.values >= first
    if late.sum() < FEWEST_POINTS:
        known = f"{late.sum()} layers from t_burn = {first} on"
        raise MechcoreError(f"steps: {known} give no speed, expected at least {FEWEST_POINTS}")
    return late, dataset.t.values[late].astype(np.float64)


def end_column(layers: float) -> str:
    """Return the column of the mean speed from layer 0 to another, or to the limit of all layers.

    >>> end_column(10), end_column(math.inf)
    ('end_speed_10', 'asymptotic_speed')
    """
    return f"{END_SPEED}{layers}" if math.isfinite(layers) else "asymptotic_speed"


def end_columns(table: Iterable[object]) -> list[str]:
    """Return the columns of a table that are mean speeds to a layer."""
    return [name for name in map(str, table) if name.startswith(END_SPEED)]


def metrics_table(dataset: xr.Dataset, ends: Sequence[int] = ()) -> pd.DataFrame:
    """Return the rows of ``metrics.csv`` of one cell: one a simulation.

    Columns are `METRICS`, and the mean speed from layer 0 to each of ``ends``.
    """
    names = ["extinct_at", "odd_energy_ratio", "beta_star", "ill_conditioned"]
    recorded = dataset[[*names, "centroid_sensitivity"]]
    moved = displacement_along(before_the_edge(dataset))
    end_speeds = {
        end_column(layers): (moved.isel(t=layers) / layers).drop_vars("t") for layers in ends
    }
    merged = measure(dataset).merge(recorded).assign(end_speeds)
    table = rows_of(merged, "pattern", "angle", "beta")
    return table.assign(
        cell=dataset.attrs["cell_id"],
        kernel=dataset.attrs["kernel"],
        activation=dataset.attrs["activation"],
        size=int(dataset.attrs["size"]),
        extinct_at=table["extinct_at"].astype("Int64"),
    )[[*METRICS, *end_speeds]]


def rows_of(dataset: xr.Dataset, *dims: str) -> pd.DataFrame:
    """Return a dataset as rows; in tables, beta is what was measured."""
    rows = dataset.to_dataframe(dim_order=dims).reset_index()
    return rows.rename(columns={"beta": "mixing_ratio", "measured_beta": "beta"})


def _diffusion(t: Array, variance: Array, start: Array) -> Lines:
    growth = variance - start
    with np.errstate(invalid="ignore", divide="ignore"):
        grown = (growth > NO_GROWTH * (1 + start)) & (t > 0)
        return fit_lines(np.log(t), np.log(np.where(grown, growth, np.nan)) / 2)


def directions(x: Array, y: Array) -> Array:
    """Return the directions of velocities, in degrees; NaN at rest."""
    # Rounded before the modulo, so that -1e-17 is 0 and not 360 degrees.
    angles = np.round(np.degrees(np.arctan2(y, x)), 9) % 360.0
    return np.where(np.hypot(x, y) > AT_REST, angles, np.nan)
