"""Runs the controls of an experiment, and reads their file."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from mechcore.experiment.cell import Cell
from mechcore.experiment.config import Experiment
from mechcore.experiment.controls import control_cells, controls_settings
from mechcore.io.netcdf import CELL, KERNEL_AXES, describe, read_dataset
from mechcore.io.provenance import provenance
from mechcore.model.decomposition import first_moments, parities
from mechcore.model.theory import velocities
from mechcore.simulation.checks import (
    check_attributes,
    check_coordinates,
    check_structure,
    expected_attributes,
)
from mechcore.simulation.dataset import ATTRIBUTES
from mechcore.simulation.run import simulate

COORDINATES = ("kernel", "activation", "size", "density", "pattern", "mixing_ratio")
"""Coordinates along the dimension ``control``."""

IN_PLACE_OF_TAPS = {
    "smallest_tap": ("smallest tap of the kernel", "1"),
    "velocity_x": ("first moment of the kernel over the sum of its taps, along x, px", "1"),
    "velocity_y": ("first moment of the kernel over the sum of its taps, along y, px", "1"),
    "cancellation": ("size of the sum of the taps over the sum of their sizes", "1"),
}


OF_CONTROLS = IN_PLACE_OF_TAPS | {"mixing_ratio": ATTRIBUTES["beta"]}


def run_controls(experiment: Experiment) -> xr.Dataset:
    """Run the controls of an experiment."""
    cells = control_cells(experiment)
    attributes = {"title": f"Controls of {experiment.experiment}"}
    attributes |= provenance("simulation", controls_settings(experiment))
    return joined_controls(cells, map(simulate, cells)).assign_attrs(attributes)


def read_controls(path: Path, cells: list[Cell]) -> xr.Dataset:
    """Read the controls of an experiment, and of no other."""
    dataset, first = read_dataset(path), cells[0]
    sizes = {"control": sum(cell.simulations for cell in cells), "t": first.steps + 1}
    check_structure(path, dataset, _template(first), sizes)
    layers: ArrayLike = np.arange(first.steps + 1)
    check_coordinates(path, dataset, control_coordinates(cells) | {"t": layers})
    attributes = expected_attributes(first)
    shared = {name: attributes[name] for name in attributes if name not in COORDINATES}
    check_attributes(path, dataset, shared)
    return dataset


def control_coordinates(cells: Sequence[Cell]) -> dict[str, ArrayLike]:
    """Return what tells the simulations of cells apart, in their order: see `COORDINATES`."""
    rows = [
        (cell.kernel, cell.activation, cell.size, cell.density, pattern.label, ratio)
        for cell in cells
        for pattern, ratio in itertools.product(cell.patterns, cell.betas)
    ]
    return dict(zip(COORDINATES, map(list, zip(*rows, strict=True)), strict=True))


def joined_controls(cells: Sequence[Cell], runs: Iterable[xr.Dataset]) -> xr.Dataset:
    """Return the simulations of cells as one dataset along the dimension ``control``."""
    joined = xr.concat([_listed(run) for run in runs], "control", combine_attrs="drop_conflicts")
    columns = {name: ("control", values) for name, values in control_coordinates(cells).items()}
    return describe(joined.assign_coords(columns), ATTRIBUTES | OF_CONTROLS)


def without_taps(dataset: xr.Dataset) -> xr.Dataset:
    """Return trajectories with a few numbers in place of taps: kernels differ in size."""
    names, axes = dataset.kernel_taps.dims[:-2], (-2, -1)
    taps = dataset.kernel_taps.values
    velocity = velocities(taps, first_moments(taps, parities(taps)[1]))
    numbers = {
        "smallest_tap": taps.min(axis=axes),
        "velocity_x": velocity[..., 0],
        "velocity_y": velocity[..., 1],
        "cancellation": np.abs(taps.sum(axis=axes)) / np.abs(taps).sum(axis=axes),
    }
    return dataset.drop_vars(["kernel_taps", *KERNEL_AXES]).assign(
        {name: (names, values) for name, values in numbers.items()}
    )


def _listed(run: xr.Dataset) -> xr.Dataset:
    """The simulations of a cell one after the other, along ``control``."""
    plain = without_taps(run).isel(angle=0, drop=True)
    plain = plain.drop_vars(
        ["pattern", "region", "beta", "measured_beta", CELL, "kernel", "activation", "size"]
    )
    stacked = plain.stack(control=("pattern", "beta"), create_index=False)
    return stacked.transpose("control", "t")


def _template(cell: Cell) -> xr.Dataset:
    """One control through one layer, with every variable that the file has."""
    # The burn-in may end after that layer.
    short = {"engine": "reference", "betas": cell.betas[:1], "steps": 1, "t_burn": None}
    cell = cell.model_copy(update=short)
    return joined_controls([cell], [simulate(cell)])
