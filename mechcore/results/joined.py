"""The trajectories of all cells as one dataset."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import xarray as xr

from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.io.netcdf import CELL, open_cell
from mechcore.simulation.reading import check_settings

GRID = ("kernel", "activation", "size")
"""Dimensions that tell cells apart, before the settings that are axes of their grid."""

NOT_A_NUMBER = {"ill_conditioned": False}
"""What stands for a simulation that there is none of; NaN in all other variables."""


def joined_trajectories(folder: Path, cells: Mapping[str, Cell]) -> xr.Dataset:
    """Return the trajectories of cells with the dimensions `GRID, pattern, angle, beta, t`.

    Settings in which the cells differ are dimensions, too; after fewer layers follow NaN.
    With dask they are read when they are used, without it at once.
    """
    if not cells:
        raise MechcoreError(f"{folder}: no trajectories yet, expected those of at least one cell")
    runs = [_opened(folder / f"{name}.nc", cell) for name, cell in cells.items()]
    joined = xr.concat(
        runs,
        CELL,
        data_vars="minimal",
        coords="minimal",
        compat="override",
        join="outer",
        fill_value=NOT_A_NUMBER,
        combine_attrs="drop_conflicts",
    )
    axes = [*GRID, *next(iter(cells.values())).axes]
    labels = {name: [getattr(cell, name) for cell in cells.values()] for name in axes}
    on_grid = (
        joined.drop_vars(CELL)
        .assign_coords({name: (CELL, values) for name, values in labels.items()})
        .set_index(cell=axes)
        .unstack(CELL, fill_value=NOT_A_NUMBER)
    )
    # Unstacking sorts labels by the alphabet.
    planned = {name: list(dict.fromkeys(values)) for name, values in labels.items()}
    return on_grid.sel(planned).transpose(*axes, "pattern", "angle", "beta", "t", ...)


def _opened(path: Path, cell: Cell) -> xr.Dataset:
    """The trajectories of a cell along `CELL`, without what the grid says."""
    opened = open_cell(path, chunks={} if find_spec("dask") else None)
    check_settings(path, opened.attrs, cell)
    return opened.drop_vars([*GRID, *cell.axes])
