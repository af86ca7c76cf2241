"""Runs the controls of an experiment, and reads their file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import xarray as xr

from mechcore.experiment.cell import Cell
from mechcore.experiment.config import Experiment
from mechcore.experiment.controls import control_cells, controls_settings
from mechcore.io.netcdf import describe, read_dataset
from mechcore.io.provenance import provenance
from mechcore.simulation.checks import (
    check_attributes,
    check_coordinates,
    check_structure,
    expected_attributes,
    expected_coordinates,
    expected_sizes,
)
from mechcore.simulation.dataset import ATTRIBUTES
from mechcore.simulation.run import simulate

CELL_COORDINATES = ("kernel", "activation", "size")
"""Coordinates of the controls along their dimension ``cell``."""


def run_controls(experiment: Experiment) -> xr.Dataset:
    """Run the controls of an experiment."""
    cells = control_cells(experiment)
    attributes = provenance("simulation", controls_settings(experiment))
    return joined_controls(cells, map(simulate, cells)).assign_attrs(attributes)


def read_controls(path: Path, cells: list[Cell]) -> xr.Dataset:
    """Read the controls of an experiment, and of no other."""
    dataset, first = read_dataset(path), cells[0]
    sizes = expected_sizes(first) | {"cell": len(cells)}
    check_structure(path, dataset, _template(first), sizes)
    described = {name: [getattr(cell, name) for cell in cells] for name in CELL_COORDINATES}
    check_coordinates(path, dataset, expected_coordinates(first) | described)
    attributes = expected_attributes(first)
    shared = {name: attributes[name] for name in attributes if name not in CELL_COORDINATES}
    check_attributes(path, dataset, shared)
    return dataset


def joined_controls(cells: Sequence[Cell], runs: Iterable[xr.Dataset]) -> xr.Dataset:
    """Return runs of controls as one dataset along the dimension ``cell``."""
    joined = xr.concat(
        [without_taps(run) for run in runs],
        "cell",
        combine_attrs="drop_conflicts",
        join="override",
    )
    columns = {name: ("cell", [getattr(cell, name) for cell in cells]) for name in CELL_COORDINATES}
    return describe(joined.assign_coords(columns), ATTRIBUTES)


def without_taps(dataset: xr.Dataset) -> xr.Dataset:
    """Return trajectories with only the smallest tap of each kernel: kernels differ in size."""
    smallest = dataset.kernel_taps.min(["kernel_y", "kernel_x"])
    smallest.attrs = {"long_name": "smallest tap of the kernel", "units": "1"}
    return dataset.assign(smallest_tap=smallest).drop_vars("kernel_taps")


def _template(cell: Cell) -> xr.Dataset:
    """One control through one layer, with every variable that the file has."""
    # The burn-in may end after that layer.
    short = {"engine": "reference", "betas": cell.betas[:1], "steps": 1, "t_burn": None}
    return joined_controls([cell], [simulate(cell.model_copy(update=short))])
