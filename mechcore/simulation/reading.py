"""Reads the trajectories of a cell, and refuses those of another one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import xarray as xr

from mechcore.errors import MechcoreError, shown
from mechcore.experiment.cell import Cell
from mechcore.io.code_state import UNKNOWN
from mechcore.io.fingerprint import code_fingerprint
from mechcore.io.netcdf import read_attributes, read_dataset
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


def reasons_to_run(path: Path, cell: Cell) -> list[str]:
    """Return why the trajectories of a cell are not those of this configuration and code."""
    if not path.is_file():
        return ["not computed yet"]
    try:
        attributes = read_attributes(path)
    except MechcoreError:
        return ["its file is damaged"]
    before, now = _flat(_stated_settings(attributes)), _flat(cell.to_mapping())
    reasons = [
        f"{key} was {shown(before.get(key))}, is {shown(now.get(key))}"
        for key in {**before, **now}
        if before.get(key) != now.get(key)
    ]
    if attributes.get("core_hash") != code_fingerprint("simulation"):
        reasons.append(
            f"the code has changed since commit {attributes.get('code_commit', UNKNOWN)}"
        )
    return reasons


def _flat(settings: Mapping[str, object]) -> dict[str, object]:
    """Settings of a cell, with each of its own entries as one."""
    sources = settings.get("extensions")
    own = {
        entry: fingerprint
        for source in (sources if isinstance(sources, list) else [])
        for entry, fingerprint in source["entries"].items()
    }
    return {key: value for key, value in settings.items() if key != "extensions"} | own


def _stated_settings(attributes: Mapping[str, object]) -> dict[str, object]:
    """The settings that a file states; none if it is not the file of a cell."""
    try:
        settings = json.loads(str(attributes.get("cell", "{}")))
    except ValueError:
        return {}
    return settings if isinstance(settings, dict) else {}
