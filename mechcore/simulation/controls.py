"""Runs the controls of an experiment, and reads their file."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from mechcore.experiment.cell import Cell
from mechcore.experiment.config import Experiment
from mechcore.experiment.controls import control_cells, controls_settings
from mechcore.io.arrays import Array
from mechcore.io.netcdf import KERNEL_AXES, Contents, Variable, description, read_dataset
from mechcore.io.provenance import provenance
from mechcore.model.decomposition import first_moments, parities
from mechcore.model.theory import velocities
from mechcore.simulation.dataset import ATTRIBUTES
from mechcore.simulation.run import simulated

if TYPE_CHECKING:
    import xarray as xr

COORDINATES = ("kernel", "activation", "size", "density", "pattern", "mixing_ratio")
"""Coordinates along the dimension ``control``."""

IN_PLACE_OF_TAPS = {
    "smallest_tap": ("smallest tap of the kernel", "1"),
    "velocity_x": ("first moment of the kernel over the sum of its taps, along x, px", "1"),
    "velocity_y": ("first moment of the kernel over the sum of its taps, along y, px", "1"),
    "cancellation": ("size of the sum of the taps over the sum of their sizes", "1"),
}


OF_CONTROLS = IN_PLACE_OF_TAPS | {"mixing_ratio": ATTRIBUTES["beta"]}


def run_controls(experiment: Experiment) -> Contents:
    """Run the controls of an experiment; return what their file holds."""
    cells = control_cells(experiment)
    joined = joined_controls(cells, map(simulated, cells))
    joined.attributes["title"] = f"Controls of {experiment.experiment}"
    joined.attributes |= provenance("simulation", controls_settings(experiment))
    return joined


def read_controls(path: Path, cells: list[Cell]) -> xr.Dataset:
    """Read the controls of an experiment, and of no other."""
    from mechcore.simulation.checks import (
        check_attributes,
        check_coordinates,
        check_structure,
        expected_attributes,
    )

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


def joined_controls(cells: Sequence[Cell], runs: Iterable[Contents]) -> Contents:
    """Return the simulations of cells along the dimension ``control``, and what they share."""
    first, *others = map(_listed, runs)
    variables = {
        name: (dims, np.concatenate([run.variables[name].values for run in (first, *others)]))
        for name, (dims, _, _) in first.variables.items()
    }
    columns = control_coordinates(cells)
    variables |= {name: (("control",), np.array(values)) for name, values in columns.items()}
    variables["t"] = (("t",), np.arange(cells[0].steps + 1))
    described = {
        name: Variable(dims, values, description(name, ATTRIBUTES | OF_CONTROLS))
        for name, (dims, values) in variables.items()
    }
    shared = {
        name: value
        for name, value in first.attributes.items()
        if all(run.attributes.get(name) == value for run in others)
    }
    return Contents(described, ["t", *COORDINATES], shared)


def without_taps(dataset: xr.Dataset) -> xr.Dataset:
    """Return trajectories with a few numbers in place of taps: kernels differ in size."""
    names = dataset.kernel_taps.dims[:-2]
    numbers = _in_place_of(dataset.kernel_taps.values)
    return dataset.drop_vars(["kernel_taps", *KERNEL_AXES]).assign(
        {name: (names, values) for name, values in numbers.items()}
    )


def _in_place_of(taps: Array) -> dict[str, Array]:
    """The numbers `IN_PLACE_OF_TAPS` of kernels, (..., k, k)."""
    axes = (-2, -1)
    velocity = velocities(taps, first_moments(taps, parities(taps)[1]))
    return {
        "smallest_tap": taps.min(axis=axes),
        "velocity_x": velocity[..., 0],
        "velocity_y": velocity[..., 1],
        "cancellation": np.abs(taps.sum(axis=axes)) / np.abs(taps).sum(axis=axes),
    }


def _listed(run: Contents) -> Contents:
    """The simulations of a cell one after the other, along ``control``."""
    known = {name: part for name, part in run.variables.items() if name not in run.coordinates}
    dims, taps, _ = known.pop("kernel_taps")
    numbers = _in_place_of(np.asarray(taps, np.float64)).items()
    known |= {name: Variable(dims[:-2], values, {}) for name, values in numbers}
    sizes = {name: run.variables[name].values.size for name in ("pattern", "angle", "beta")}
    listed = {name: _along_control(variable, sizes) for name, variable in known.items()}
    return Contents(listed, (), run.attributes)


def _along_control(variable: Variable, sizes: dict[str, int]) -> Variable:
    """A variable with one dimension in place of several, also of those on which it is constant."""
    dims, values, _ = variable
    rest = [name for name in dims if name not in sizes]
    others = values.shape[len(dims) - len(rest) :]
    own = [size if name in dims else 1 for name, size in sizes.items()]
    repeated = np.broadcast_to(values.reshape(*own, *others), (*sizes.values(), *others))
    return Variable(("control", *rest), repeated.reshape(-1, *others), {})


def _template(cell: Cell) -> xr.Dataset:
    """One control through one layer, with every variable that the file has."""
    # The burn-in may end after that layer.
    short = {"engine": "reference", "betas": cell.betas[:1], "steps": 1, "t_burn": None}
    cell = cell.model_copy(update=short)
    return joined_controls([cell], [simulated(cell)]).dataset()
