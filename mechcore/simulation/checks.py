"""Checks that a file has the variables, types, coordinates and attributes that its reader expects.

A hash only proves that a file is as it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from mechcore.engines.rule import LayerRule
from mechcore.engines.trajectories import Trajectories
from mechcore.errors import MechcoreError, shown
from mechcore.experiment.cell import Cell, first_fitted_layer
from mechcore.io.arrays import Array
from mechcore.io.netcdf import KERNEL_AXES, TEXT_KINDS
from mechcore.model.decomposition import measured_betas
from mechcore.model.geometry import centred_coordinates
from mechcore.model.kernels import kernel
from mechcore.simulation.dataset import cell_labels, trajectories_contents

COORDINATE_TOLERANCE = 1e-10
"""Betas are measured on kernels and kept to 12 digits, the last of which depend on the machine. All
other coordinates are written as they were configured."""


def check_structure(
    path: Path, dataset: xr.Dataset, expected: xr.Dataset, sizes: Mapping[str, int]
) -> None:
    """Refuse a file with other variables, or of other types or sizes, than a reader expects."""
    names, others = set(map(str, expected.variables)), set(map(str, dataset.variables))
    for problem, some in (("no variable", names - others), ("unknown variable", others - names)):
        if some:
            raise MechcoreError(f"{path}: {problem} {', '.join(map(_shown_name, sorted(some)))}")
    for name in sorted(names):
        pair = dataset[name], expected[name]
        # An empty array is written as numbers, whatever its type was.
        empty = not all(variable.size for variable in pair)
        first, second = (_form(variable, empty=empty) for variable in pair)
        if first != second:
            raise MechcoreError(f"{path}: {name} is {first}, expected {second}")
    for dimension, size in dataset.sizes.items():
        if size != sizes[str(dimension)]:
            raise MechcoreError(
                f"{path}: {size} values along {dimension}, expected {sizes[str(dimension)]}"
            )


def check_coordinates(path: Path, dataset: xr.Dataset, expected: Mapping[str, ArrayLike]) -> None:
    """Refuse a file whose coordinates have other values."""
    for name, values in expected.items():
        planned = np.asarray(values)
        if not _equal(dataset[name].values, planned):
            ends = [str(planned.ravel()[index]) for index in (0, -1)]
            raise MechcoreError(f"{path}: other values of {name}, expected {' to '.join(ends)}")


def check_trajectories(path: Path, dataset: xr.Dataset, cell: Cell) -> None:
    """Refuse trajectories that have not the structure and the coordinates of those of a cell."""
    template = _template(bool(cell.snapshots.layers), tuple(cell.axes.items()))
    check_structure(path, dataset, template, expected_sizes(cell))
    check_coordinates(path, dataset, expected_coordinates(cell))


def expected_sizes(cell: Cell) -> dict[str, int]:
    """Return the lengths of the dimensions of the trajectories of a cell."""
    window = cell.snapshots.window
    return {
        "pattern": len(cell.patterns),
        "angle": len(cell.angles),
        "beta": len(cell.betas),
        "t": cell.steps + 1,
        "kernel_y": cell.size,
        "kernel_x": cell.size,
        "snapshot_t": len(cell.snapshots.layers),
        "y": window,
        "x": window,
    }


def expected_coordinates(cell: Cell) -> dict[str, ArrayLike]:
    """Return the coordinates of the trajectories of a cell."""
    coordinates: dict[str, ArrayLike] = {
        "pattern": [pattern.label for pattern in cell.patterns],
        "region": cell.regions,
        "angle": cell.angles,
        "beta": cell.betas,
        "measured_beta": _betas(
            cell.kernel, cell.size, tuple(cell.betas), cell.angles[0], cell.mixing, cell.seed
        ),
        "t": np.arange(cell.steps + 1),
        **dict.fromkeys(KERNEL_AXES, centred_coordinates(cell.size)),
        **cell_labels(cell),
    }
    if cell.snapshots.layers:
        coordinates["snapshot_t"] = sorted(cell.snapshots.layers)
    return coordinates


def expected_attributes(cell: Cell) -> dict[str, object]:
    """Return the attributes of the trajectories of a cell that measurements read."""
    names = ("kernel", "activation", "size", "normalise", "boundary", "density")
    attributes = {name: getattr(cell, name) for name in (*names, "placement", "engine")}
    return attributes | {"t_burn": first_fitted_layer(cell.steps, cell.t_burn)}


def check_attributes(path: Path, dataset: xr.Dataset, expected: Mapping[str, object]) -> None:
    """Refuse a file that was made with other settings."""
    other = differing_attributes(dataset.attrs, expected)
    if other:
        raise MechcoreError(f"{path}: made with other settings ({', '.join(other)})")


def differing_attributes(
    attributes: Mapping[str, object], expected: Mapping[str, object]
) -> list[str]:
    """Return the names of attributes with other values."""
    # As texts: damage can give an attribute any type, and arrays are not equal to anything.
    return [name for name, value in expected.items() if str(attributes.get(name)) != str(value)]


@cache
def _template(snapshots: bool, axes: tuple[tuple[str, str | int], ...]) -> xr.Dataset:
    """Trajectories of one simulation of one layer, with every variable that a cell has."""
    outcome = Trajectories.undefined(1, 1, int(snapshots), 1)
    grid = (getattr(outcome, field.name)[np.newaxis, np.newaxis] for field in fields(outcome))
    return trajectories_contents(
        Trajectories(*grid),
        sensitivity=np.zeros((1, 1, 1, 2)),
        kernels=np.ones((1, 1, 1, 1)),
        beta_stars=np.zeros((1, 1)),
        rule=LayerRule(steps=1, snapshot_layers=(1,) * snapshots),
        coordinates={"pattern": np.array([""]), "angle": np.zeros(1), "beta": np.zeros(1)},
        window_starts=np.zeros((1, int(snapshots), 2)),
        edge_at=np.zeros(1),
        regions=np.array([""], dtype=object),
        attributes={},
        labels={"cell": "", "kernel": "", "activation": "", "size": 0, **dict(axes)},
        betas=np.zeros(1),
    ).dataset()


@cache
def _betas(
    family: str, size: int, betas: tuple[float, ...], angle: float, mixing: str, seed: int
) -> Array:
    """The betas of kernels at the first angle, once for all activations."""
    return measured_betas([kernel(family, size, beta, angle, mixing, seed=seed) for beta in betas])


def _form(variable: xr.DataArray, *, empty: bool) -> str:
    """Dimensions and type of a variable, for a comparison and for a person."""
    kind = "text" if variable.dtype.kind in TEXT_KINDS else str(variable.dtype)
    return f"{'empty' if empty else kind} along ({', '.join(map(str, variable.dims))})"


def _shown_name(name: str) -> str:
    """A name from a file, harmless on a terminal."""
    return name if name.isidentifier() else shown(name)


def _equal(values: NDArray[np.generic], expected: NDArray[np.generic]) -> bool:
    if values.shape != expected.shape:
        return False
    if expected.dtype.kind in TEXT_KINDS:
        return bool(np.all(values.astype(str) == expected.astype(str)))
    distance = np.abs(values.astype(np.float64) - expected.astype(np.float64))
    return bool(np.all(distance <= COORDINATE_TOLERANCE))
