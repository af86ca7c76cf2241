"""The file of the controls: read, and refused if it holds those of another experiment."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from mechcore.cells import Cell
from mechcore.companions import DESCRIPTION, joined_controls
from mechcore.simulation import simulate
from mechcore.storage import read_dataset
from mechcore.structure import (
    attributes_of,
    check_attributes,
    check_coordinates,
    check_structure,
    coordinates_of,
    sizes_of,
)


def read_controls(path: Path, cells: list[Cell]) -> xr.Dataset:
    """Read the controls of an experiment, and of no other.

    Parameters
    ----------
    path : Path
        The file.
    cells : list of Cell
        The controls.

    Returns
    -------
    xarray.Dataset
        As `mechcore.companions.run_controls` returned it.

    Raises
    ------
    MechcoreError
        If the file is missing or damaged, or holds something else.
    """
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
