"""The mechanics of kernels, and how states move and widen: what claims need besides speeds."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

import numpy as np
import pandas as pd
import xarray as xr

from mechcore.analysis.displacement import before_the_edge, variance_along
from mechcore.analysis.measures import fitted_velocities, rows_of
from mechcore.model.boundaries import BOUNDARIES
from mechcore.model.decomposition import Decomposition, decompose
from mechcore.model.geometry import light_speed
from mechcore.model.theory import theory

SIMULATION = ("kernel", "activation", "size", "pattern", "angle", "beta")
"""What identifies a simulation in the tables."""

MECHANICS = (
    *(*SIMULATION, "velocity_x", "velocity_y", "drift", "width_along", "width_across"),
    *("contraction_along", "contraction_across", "excess_kurtosis_x", "excess_kurtosis_y"),
)
"""Columns of ``mechanics.csv``, one row a simulation, in the order of ``metrics.csv``."""


def energy_defect(parts: Decomposition) -> float:
    """Return (E^2 - m^2 - p^2) / E^2, zero if energy splits into rest mass and momentum."""
    square = parts.energy**2
    return (square - parts.rest_mass**2 - parts.momentum**2) / square if square else np.nan


def parity_product(parts: Decomposition) -> float:
    """Return the inner product of the even and the odd part over E^2, zero if orthogonal."""
    even = parts.isotropic + parts.anisotropic
    square = parts.energy**2
    return float(np.sum(even * parts.odd)) / square if square else np.nan


PROPERTIES: dict[str, Callable[[Decomposition], float]] = {
    **{
        name: attrgetter(name)
        for name in ("odd_energy_ratio", "celerity", "energy", "rest_mass", "momentum")
    },
    "energy_defect": energy_defect,
    "parity_product": parity_product,
    "momentum_x": lambda parts: float(parts.momentum_vector[0]),
    "momentum_y": lambda parts: float(parts.momentum_vector[1]),
    "momentum_angle": attrgetter("momentum_angle"),
}
"""Parity, energy and momentum of a kernel."""

KERNELS = (
    *("kernel", "size", "angle", "beta", "mixing_ratio"),
    *PROPERTIES,
    *("speed_linear", "diffusion_speed", "light_speed", "beta_star", "smallest_tap"),
)
"""Columns of ``kernels.csv``, one row a kernel. ``speed_linear`` is abs(M1/M0) (px/layer),
``diffusion_speed`` s of the even part along the
angle (px per root of a layer), ``light_speed`` that along the angle (px/layer)."""

CONTROLS = (
    *("kernel", "activation", "size", "density", "pattern", "mixing_ratio", "drift", "off_course"),
    *("velocity_x", "velocity_y", "cancellation", "smallest_tap"),
    *("extinct_at", "ill_conditioned"),
)
"""Columns of ``controls.csv``, one row a control, see `controls_table`."""

SOUND_SHARE = 1e-3
"""Share of a signed mass that taps of both signs must leave: a smaller rest multiplies rounding by
more than a thousand."""

NO_CONTROLS = pd.DataFrame({name: [] for name in CONTROLS})


def mechanics_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Return the rows of ``mechanics.csv`` of one cell: one a simulation, columns `MECHANICS`.

    Velocity of the centroid (px/layer), drift (its largest distance from its position at layer 0,
    px), widths grown since layer 0 along and across the momentum (px), the same relative to beta =
    0, excess kurtosis at the last layer.
    """
    last = dataset.isel(t=last_layers(dataset), drop=True)
    velocity_x, velocity_y = fitted_velocities(before_the_edge(dataset))
    widths = {"along": growth(dataset), "across": growth(dataset, across=True)}
    away = drift(dataset)
    merged = away.to_dataset(name="drift").assign(
        {"velocity_x": (away.dims, velocity_x), "velocity_y": (away.dims, velocity_y)}
        | {f"width_{name}": grown**0.5 for name, grown in widths.items()}
        | {f"contraction_{name}": _relative_to_rest(grown) for name, grown in widths.items()}
        | {name: last[name] for name in ("excess_kurtosis_x", "excess_kurtosis_y")}
    )
    table = rows_of(merged, "pattern", "angle", "beta")
    cell = {name: dataset.attrs[name] for name in ("kernel", "activation")}
    return table.assign(**cell, size=int(dataset.attrs["size"]))[list(MECHANICS)]


def kernels_table(dataset: xr.Dataset) -> pd.DataFrame:
    """Return the rows of ``kernels.csv`` of one cell: one a kernel, columns `KERNELS`."""
    rows = rows_of(dataset[["beta_star"]], "angle", "beta")
    size = int(dataset.attrs["size"])
    taps = dataset.kernel_taps.transpose("angle", "beta", ...).values.reshape(-1, size, size)
    parts, exact = [decompose(kernel) for kernel in taps], [theory(kernel) for kernel in taps]
    properties = pd.DataFrame(
        {name: [value(part) for part in parts] for name, value in PROPERTIES.items()}
    )
    return pd.concat([rows, properties], axis=1).assign(
        kernel=dataset.attrs["kernel"],
        size=size,
        speed_linear=[prediction.speed for prediction in exact],
        diffusion_speed=_at_rest(rows.angle, [known.diffusion_speed for known in exact]),
        light_speed=[light_speed(size, float(angle)) for angle in rows.angle],
        smallest_tap=taps.min(axis=(-2, -1)),
    )[list(KERNELS)]


def _at_rest(angles: pd.Series, speeds: list[float]) -> pd.Series:
    """Repeat the value at the lowest beta: even parts differ by a factor, largest there."""
    return pd.Series(speeds).groupby(angles).transform("first")


def characteristic_speeds(kernels: pd.DataFrame) -> pd.DataFrame:
    """Return light_cone and diffusion_speed (px/layer), means over the angles, by kernel, size."""
    names = {"light_speed": "light_cone", "diffusion_speed": "diffusion_speed"}
    groups = kernels.groupby(["kernel", "size"])[list(names)]
    return groups.mean(skipna=False).rename(columns=names)


def controls_table(controls: xr.Dataset) -> pd.DataFrame:
    """Return how the controls moved (px): one row a control, columns `CONTROLS`.

    ``drift`` is the largest distance of the centroid from its start, ``off_course`` that from where
    a linear layer would take it: by the velocity M1/M0 in each layer.
    """
    measured = controls.assign(drift=drift(controls), off_course=_off_course(controls))
    table = measured.drop_dims("t").to_dataframe()
    return table[list(CONTROLS)].reset_index(drop=True)


def _off_course(controls: xr.Dataset) -> xr.DataArray:
    """Distances from the course of a linear system while its mass is sound; NaN if it never is."""
    away = [
        controls[f"mu_{axis}"] - controls[f"mu_{axis}"].isel(t=0) - controls.t * velocity
        for axis, velocity in (("x", controls.velocity_x), ("y", controls.velocity_y))
    ]
    sound = (controls.t > 0) & (controls.cancellation**controls.t >= SOUND_SHARE)
    distance: xr.DataArray = (away[0] ** 2 + away[1] ** 2) ** 0.5
    farthest = distance.where(sound, 0.0).max("t", skipna=False)
    return farthest.where(controls.cancellation >= SOUND_SHARE)


def last_layers(dataset: xr.Dataset) -> xr.DataArray:
    """Return the last layer that counts for each pattern: on a torus that before the edge."""
    end = dataset.sizes["t"] - 1
    closed = BOUNDARIES[dataset.attrs["boundary"]].closed
    inside = (dataset.edge_at - 1).where(closed)
    last: xr.DataArray = inside.fillna(end).clip(0, end).astype(int)
    return last


def drift(dataset: xr.Dataset) -> xr.DataArray:
    """Return the largest distance of each centroid from its position at layer 0, px."""
    dataset = before_the_edge(dataset)
    away = [dataset[name] - dataset[name].isel(t=0) for name in ("mu_x", "mu_y")]
    distance: xr.DataArray = (away[0] ** 2 + away[1] ** 2) ** 0.5
    # In corners, the grid of an even kernel is half a pixel aside after odd layers.
    step = 2 if dataset.attrs["placement"] == "corners" else 1
    return distance.isel(t=slice(step, None, step)).max("t")


def growth(dataset: xr.Dataset, *, across: bool = False) -> xr.DataArray:
    """Return how much the variance has grown since layer 0, along or across the motion, px^2."""
    variance = variance_along(dataset)
    if across:
        variance = dataset.sigma_x**2 + dataset.sigma_y**2 - variance
    start, end = (variance.isel(t=layer, drop=True) for layer in (0, last_layers(dataset)))
    return (end - start).clip(min=0.0)


def _relative_to_rest(grown: xr.DataArray) -> xr.DataArray:
    if 0.0 not in grown.beta.values:
        return xr.full_like(grown, np.nan)
    rest = grown.sel(beta=0.0)
    return (grown / rest.where(rest > 0)) ** 0.5
