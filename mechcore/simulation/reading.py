"""Reads the trajectories of a cell, and refuses those of another one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.io.netcdf import read_dataset
from mechcore.simulation.checks import (
    check_trajectories,
    differing_attributes,
    expected_attributes,
)
from mechcore.simulation.dataset import cell_attributes


def read_trajectories(path: Path, cell: Cell) -> xr.Dataset:
    """Read the trajectories of a cell, and of no other."""
    dataset = read_dataset(path)
    check_settings(path, dataset.attrs, cell)
    check_trajectories(path, dataset, cell)
    return dataset


def check_settings(path: Path, attributes: Mapping[str, object], cell: Cell) -> None:
    """Refuse the file of another cell, or of the same cell with other settings."""
    planned, stated = cell.to_mapping(), _stated_settings(attributes)
    other = [key for key in {**planned, **stated} if planned.get(key) != stated.get(key)]
    # Measurements read attributes of their own.
    other += differing_attributes(attributes, expected_attributes(cell))
    if other:
        names = ", ".join(dict.fromkeys(other))
        raise MechcoreError(
            f"{path}: made with other settings ({names}), expected those of {cell.id} in this "
            "configuration"
        )


def holds_trajectories(path: Path, cell: Cell) -> bool:
    """Return whether a file holds undamaged trajectories of a cell, made by this code."""
    try:
        attributes = read_dataset(path).attrs
    except MechcoreError:
        return False
    planned = cell_attributes(cell)
    return all(attributes.get(name) == planned[name] for name in ("cell_id", "cell", "core_hash"))


def _stated_settings(attributes: Mapping[str, object]) -> dict[str, object]:
    """The settings that a file states; none if it is not the file of a cell."""
    try:
        settings = json.loads(str(attributes.get("cell", "{}")))
    except ValueError:
        return {}
    return settings if isinstance(settings, dict) else {}
