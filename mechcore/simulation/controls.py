"""The file of the controls: read, and refused if it holds those of another experiment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import xarray as xr

from mechcore.experiment.cell import Cell
from mechcore.experiment.config import Experiment
from mechcore.experiment.controls import control_cells, controls_settings
from mechcore.io.netcdf import describe, read_dataset
from mechcore.io.provenance import provenance
from mechcore.simulation.dataset import ATTRIBUTES
from mechcore.simulation.run import simulate
from mechcore.simulation.schema import (
    attributes_of,
    check_attributes,
    check_coordinates,
    check_structure,
    coordinates_of,
    sizes_of,
)


def read_controls(path: Path, cells: list[Cell]) -> xr.Dataset:
    """Read the controls of an experiment, and of no other."""
    found = read_dataset(path)
    first = cells[0]
    check_structure(path, found, _form_of_controls(first), sizes_of(first) | {"cell": len(cells)})
    described = {name: [getattr(cell, name) for cell in cells] for name in DESCRIPTION}
    check_coordinates(path, found, coordinates_of(first) | described)
    told = {key: one for key, one in attributes_of(first).items() if key not in DESCRIPTION}
    check_attributes(path, found, told)
    return found


def _form_of_controls(cell: Cell) -> xr.Dataset:
    """One control through one layer, with every variable that the file of all has."""
    # The burn-in may lie beyond that layer.
    short = {"engine": "reference", "betas": cell.betas[:1], "steps": 1, "t_burn": None}
    return joined_controls([cell], [simulate(cell.model_copy(update=short))])


DESCRIPTION = ("kernel", "activation", "size")
"""Coordinates of the controls along their dimension ``cell``."""


def run_controls(experiment: Experiment) -> xr.Dataset:
    """Run the controls of an experiment."""
    # The workflow reads the plans above without starting the engine.
    from mechcore.simulation.run import simulate

    cells = control_cells(experiment)
    made = provenance("simulation", controls_settings(experiment))
    return joined_controls(cells, [simulate(cell) for cell in cells]).assign_attrs(made)


def joined_controls(cells: Sequence[Cell], runs: Iterable[xr.Dataset]) -> xr.Dataset:
    """Put controls that ran into one dataset.

    Examples
    --------
    >>> from mechcore.simulation.run import simulate
    >>> cells = [Cell(kernel="dct", activation=name, size=2, betas=[1.0], steps=4)
    ...          for name in ("relu", "modulus")]
    >>> joined_controls(cells, map(simulate, cells)).activation.values.tolist()
    ['relu', 'modulus']
    """
    joined = xr.concat(
        [without_taps(run) for run in runs],
        "cell",
        combine_attrs="drop_conflicts",
        join="override",
    )
    columns = {name: ("cell", [getattr(cell, name) for cell in cells]) for name in DESCRIPTION}
    return describe(joined.assign_coords(columns), ATTRIBUTES)


def without_taps(dataset: xr.Dataset) -> xr.Dataset:
    """Return trajectories with only the smallest tap of each kernel.

    Examples
    --------
    >>> from mechcore.simulation.run import simulate
    >>> cell = Cell(kernel="dct", activation="relu", size=2, betas=[1.0], steps=4)
    >>> round(without_taps(simulate(cell)).smallest_tap.item(), 12)
    -0.5
    """
    smallest = dataset.kernel_taps.min(["kernel_y", "kernel_x"])
    smallest.attrs = {"long_name": "smallest tap of the kernel", "units": "1"}
    return dataset.assign(smallest_tap=smallest).drop_vars("kernel_taps")
