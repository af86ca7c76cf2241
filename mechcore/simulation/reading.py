"""Reads the trajectories of a cell, and of no other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.io.netcdf import read_dataset
from mechcore.simulation.schema import attributes_of, check_trajectories, other_attributes


def read_trajectories(path: Path, cell: Cell) -> xr.Dataset:
    """Read the trajectories of a cell, and of no other."""
    dataset = read_dataset(path)
    check_settings(path, dataset.attrs, cell)
    check_trajectories(path, dataset, cell)
    return dataset


def check_settings(path: Path, attributes: Mapping[str, object], cell: Cell) -> None:
    """Refuse the file of another cell, or of the same with other settings."""
    planned, found = cell.to_mapping(), _settings(attributes)
    other = [key for key in {**planned, **found} if planned.get(key) != found.get(key)]
    # What measurements go by stands there a second time.
    other += other_attributes(attributes, attributes_of(cell))
    if other:
        told = ", ".join(dict.fromkeys(other))
        raise MechcoreError(
            f"{path}: made with other settings ({told}), expected those of {cell.id} in this "
            "configuration"
        )


def _settings(attributes: Mapping[str, object]) -> dict[str, object]:
    """What a file says that it was made with; nothing if it is no file of a cell."""
    try:
        found = json.loads(str(attributes.get("cell", "{}")))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
