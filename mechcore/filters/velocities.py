"""How trained kernels moved, beside what their moments predict."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import xarray as xr

from mechcore.analysis.measures import directions, measure
from mechcore.filters.bank_file import SLICE_COORDINATES, BankAnalysis
from mechcore.io.arrays import Array
from mechcore.io.netcdf import ROOT

# Columns of the kernels, of `mechcore.analysis.measures.measure`, and of the trajectories.
PREDICTED = ("energy", "beta", "momentum_angle", "velocity_x", "velocity_y", "no_negative_tap")
RENAMED = {"velocity_x": "predicted_x", "velocity_y": "predicted_y"}

MEASURED = ("speed", "velocity_x", "velocity_y", "direction", "speed_theory")
OUTCOME = ("extinct_at", "ill_conditioned")

COLUMNS = (
    *("number", *SLICE_COORDINATES, *(RENAMED.get(name, name) for name in PREDICTED)),
    *("height", "width", "activation", "pattern", *MEASURED, *OUTCOME),
)


def filter_velocities(
    analysis: BankAnalysis, files: Iterable[dict[str, xr.Dataset]]
) -> pd.DataFrame:
    """Measure how the kernels of a bank moved, beside what their moments predict.

    ``files`` are the groups of files of runs. A row a simulation, columns `COLUMNS`: number (of the
    layer, from 1), layer (its name), place and figures of the kernel, with the velocity that its
    moments predict; velocities (px/layer) and direction (degrees) as measured, and speed_theory
    where the exact theory holds.
    """
    tables = [
        _velocities(analysis.slices[name], run)
        for groups in files
        for name, run in groups.items()
        if name != ROOT
    ]
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(tables, ignore_index=True)
    spacing = analysis.layers[["spacing_x", "spacing_y"]].to_numpy()[table.layer]
    table = _in_pixels(table, *spacing.T)
    names = analysis.layers.name.to_numpy()
    return table.assign(number=table.layer + 1, layer=names[table.layer])[list(COLUMNS)]


def _in_pixels(table: pd.DataFrame, right: Array, down: Array) -> pd.DataFrame:
    """Velocities of kernels that ran without the pixels between their taps."""
    angle = np.radians(table.momentum_angle.fillna(0.0))
    along = np.where(
        right == down, right, 1 / np.hypot(np.cos(angle) / right, np.sin(angle) / down)
    )
    x, y = table.velocity_x.to_numpy() * right, table.velocity_y.to_numpy() * down
    return table.assign(
        velocity_x=x,
        velocity_y=y,
        speed=table.speed * along,
        speed_theory=table.speed_theory * along,
        direction=np.where(right == down, table.direction, directions(x, y)),
    )


def _velocities(slices: xr.Dataset, run: xr.Dataset) -> pd.DataFrame:
    """The rows of one shape."""
    height, width = run.kernel_taps.shape[-2:]
    kernels = _predicted(slices, run).assign(height=height, width=width)
    parts = [_measured(run, str(activation)) for activation in run.activation.values]
    rows = pd.concat(parts, ignore_index=True)
    repeated = kernels.iloc[rows["slice"].to_numpy()].reset_index(drop=True)
    return pd.concat([repeated, rows.drop(columns="slice")], axis=1)


def _measured(run: xr.Dataset, activation: str) -> pd.DataFrame:
    part = run.sel(activation=activation).drop_vars(["activation", *SLICE_COORDINATES])
    measures = measure(part.assign_attrs(activation=activation))[list(MEASURED)]
    table = measures.assign({name: part[name] for name in OUTCOME})
    rows = table.to_dataframe(dim_order=["pattern", "slice"]).reset_index()
    rows.insert(0, "activation", activation)
    return rows


def _predicted(slices: xr.Dataset, run: xr.Dataset) -> pd.DataFrame:
    """The columns of the kernels that ran, in their order."""
    kernels, ran = (
        pd.MultiIndex.from_arrays(
            [dataset[name].values for name in SLICE_COORDINATES], names=SLICE_COORDINATES
        )
        for dataset in (slices, run)
    )
    table = pd.DataFrame({name: slices[name].values for name in PREDICTED}, index=kernels)
    return table.loc[ran].rename(columns=RENAMED).reset_index()
