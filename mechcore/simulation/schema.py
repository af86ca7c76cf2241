"""What a netCDF file must hold beside its numbers: variables, dimensions, types and coordinates.

A hash says that a file is as it was written, not that it is what a reader expects.
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
from mechcore.model.decomposition import measured_betas
from mechcore.model.kernels import kernel
from mechcore.simulation.dataset import trajectories_dataset

SAME_COORDINATE = 1e-10
"""Betas are measured on kernels and kept to 12 digits: the last of them are rounding of the machine
that made the file. All other coordinates are written as they were configured."""

TEXTS = "OUT"
"""Kinds of arrays of texts: which of them a file gives depends on the version of a library."""


def check_structure(
    path: Path, found: xr.Dataset, expected: xr.Dataset, sizes: Mapping[str, int]
) -> None:
    """Refuse a file whose variables are not those that the project writes.

    Examples
    --------
    >>> expected = xr.Dataset({"mass": ("t", np.ones(1))})
    >>> check_structure(Path("a.nc"), xr.Dataset({"mass": ("t", np.ones(3))}), expected, {"t": 3})
    >>> check_structure(Path("a.nc"), xr.Dataset(), expected, {"t": 3})
    Traceback (most recent call last):
    mechcore.errors.MechcoreError: a.nc: no variable mass
    """
    names, others = ({str(name) for name in one.variables} for one in (expected, found))
    for what, some in (("no variable", names - others), ("unknown variable", others - names)):
        if some:
            raise MechcoreError(f"{path}: {what} {', '.join(map(shown_name, sorted(some)))}")
    for name in sorted(names):
        pair = found[name], expected[name]
        # An array without a value is written as numbers, whatever it would hold.
        empty = not all(one.size for one in pair)
        first, second = (_form(one, empty=empty) for one in pair)
        if first != second:
            raise MechcoreError(f"{path}: {name} is {first}, expected {second}")
    for dimension, size in found.sizes.items():
        if size != sizes[str(dimension)]:
            raise MechcoreError(
                f"{path}: {size} values along {dimension}, expected {sizes[str(dimension)]}"
            )


def shown_name(name: str) -> str:
    """Return a name from a file, as a text that is harmless on a terminal.

    Examples
    --------
    >>> shown_name("mass"), shown_name("a b")
    ('mass', "'a b'")
    """
    return name if name.isidentifier() else shown(name)


def check_coordinates(path: Path, found: xr.Dataset, expected: Mapping[str, ArrayLike]) -> None:
    """Refuse a file whose coordinates have other values.

    Examples
    --------
    >>> check_coordinates(Path("a.nc"), xr.Dataset({"t": ("t", [0, 2])}), {"t": [0, 1]})
    Traceback (most recent call last):
    mechcore.errors.MechcoreError: a.nc: other values of t, expected 0 to 1
    """
    for name, values in expected.items():
        planned = np.asarray(values)
        if not _equal(found[name].values, planned):
            told = [str(planned.ravel()[place]) for place in (0, -1)]
            raise MechcoreError(f"{path}: other values of {name}, expected {' to '.join(told)}")


def check_trajectories(path: Path, found: xr.Dataset, cell: Cell) -> None:
    """Refuse trajectories that are not of the form of those of a cell.

    Examples
    --------
    >>> cell = Cell(kernel="dct", activation="relu", size=2, betas=[0.0, 1.0], steps=4)
    >>> check_trajectories(Path("a.nc"), xr.Dataset(), cell)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    mechcore.errors.MechcoreError: a.nc: no variable angle, beta, beta_star, ...
    """
    check_structure(path, found, _form_of_cells(bool(cell.snapshots.layers)), sizes_of(cell))
    check_coordinates(path, found, coordinates_of(cell))


def sizes_of(cell: Cell) -> dict[str, int]:
    """Return the lengths of the dimensions of the trajectories of a cell.

    Examples
    --------
    >>> sizes_of(Cell(kernel="dct", activation="relu", size=2, betas=[0.0], steps=4))["t"]
    5
    """
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


def coordinates_of(cell: Cell) -> dict[str, ArrayLike]:
    """Return the coordinates of the trajectories of a cell.

    Examples
    --------
    >>> cell = Cell(kernel="dct", activation="relu", size=2, betas=[0.5], steps=3)
    >>> coordinates_of(cell)["t"]
    array([0, 1, 2, 3])
    """
    found: dict[str, ArrayLike] = {
        "pattern": [pattern.label for pattern in cell.patterns],
        "angle": cell.angles,
        "beta": _betas(
            cell.kernel, cell.size, tuple(cell.betas), cell.angles[0], cell.mixing, cell.seed
        ),
        "mixing_ratio": cell.betas,
        "t": np.arange(cell.steps + 1),
    }
    if cell.snapshots.layers:
        found["snapshot_t"] = sorted(cell.snapshots.layers)
    return found


def attributes_of(cell: Cell) -> dict[str, object]:
    """Return the attributes of the trajectories of a cell that measurements go by.

    Examples
    --------
    >>> attributes_of(Cell(kernel="dct", activation="relu", size=2, betas=[0.5]))["t_burn"]
    16
    """
    names = ("kernel", "activation", "size", "normalise", "boundary", "density", "engine")
    told = {name: getattr(cell, name) for name in names}
    return told | {"t_burn": first_fitted_layer(cell.steps, cell.t_burn)}


def check_attributes(path: Path, found: xr.Dataset, expected: Mapping[str, object]) -> None:
    """Refuse a file that was made with other settings.

    Examples
    --------
    >>> check_attributes(Path("a.nc"), xr.Dataset(attrs={"size": 3}), {"size": 2})
    Traceback (most recent call last):
    mechcore.errors.MechcoreError: a.nc: made with other settings (size)
    """
    other = other_attributes(found.attrs, expected)
    if other:
        raise MechcoreError(f"{path}: made with other settings ({', '.join(other)})")


def other_attributes(found: Mapping[str, object], expected: Mapping[str, object]) -> list[str]:
    """Return which attributes have other values.

    Examples
    --------
    >>> other_attributes({"size": np.int64(3)}, {"size": 3, "t_burn": 4})
    ['t_burn']
    """
    # As texts: damage can give an attribute any type, and arrays are not equal to anything.
    return [name for name, value in expected.items() if str(found.get(name)) != str(value)]


@cache
def _form_of_cells(snapshots: bool) -> xr.Dataset:
    """Trajectories of one simulation of one layer, with every variable that a cell has."""
    outcome = Trajectories.undefined(1, 1, int(snapshots), 1)
    grid = (getattr(outcome, field.name)[np.newaxis, np.newaxis] for field in fields(outcome))
    found = trajectories_dataset(
        Trajectories(*grid),
        np.zeros((1, 1, 1)),
        np.ones((1, 1, 1, 1)),
        np.zeros((1, 1)),
        LayerRule(steps=1, snapshot_layers=(1,) * snapshots),
        {"pattern": np.array(["one"]), "angle": np.zeros(1), "beta": np.zeros(1)},
        np.zeros((1, int(snapshots), 2)),
        np.zeros(1),
    )
    return found.assign_coords(mixing_ratio=("beta", np.zeros(1)))


@cache
def _betas(
    family: str, size: int, betas: tuple[float, ...], angle: float, mixing: str, seed: int
) -> NDArray[np.float64]:
    """The betas of kernels at the first angle, once for all activations."""
    return measured_betas([kernel(family, size, one, angle, mixing, seed=seed) for one in betas])


def _form(variable: xr.DataArray, *, empty: bool) -> str:
    """Dimensions and type of a variable, for a comparison and for a person."""
    kind = "text" if variable.dtype.kind in TEXTS else str(variable.dtype)
    return f"{'empty' if empty else kind} along ({', '.join(map(str, variable.dims))})"


def _equal(found: NDArray[np.generic], expected: NDArray[np.generic]) -> bool:
    if found.shape != expected.shape:
        return False
    if expected.dtype.kind in TEXTS:
        return bool(np.all(found.astype(str) == expected.astype(str)))
    first, second = (one.astype(np.float64) for one in (found, expected))
    return bool(np.all(np.abs(first - second) <= SAME_COORDINATE))
