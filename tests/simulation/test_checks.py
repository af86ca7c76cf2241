"""A file of trajectories whose hash is right, and whose content is not that of its cell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import xarray as xr

from mechcore.experiment.cell import Cell
from mechcore.io.netcdf import write_dataset
from mechcore.simulation.reading import read_trajectories
from mechcore.simulation.run import simulate
from tests.helpers.refusals import refused

CELL = Cell(
    kernel="dct", activation="relu", size=2, angles=[0, 90], betas=[0, 0.5, 1], steps=6,
    snapshots={"layers": [0, 6], "window": 9},
)  # fmt: skip

ALONG = "along (pattern, angle, beta, t)"

CHANGES: dict[str, tuple[Callable[[xr.Dataset], xr.Dataset], str]] = {
    "type": (
        lambda run: run.assign(mu_x=run.mu_x.astype("f4")),
        f"mu_x is float32 {ALONG}, expected float64 {ALONG}",
    ),
    "order": (
        lambda run: run.assign(mu_x=run.mu_x.transpose("t", ...)),
        f"mu_x is float64 along (t, pattern, angle, beta), expected float64 {ALONG}",
    ),
    "length": (lambda run: run.isel(t=slice(6)), "6 values along t, expected 7"),
    "coordinates": (
        lambda run: run.assign_coords(angle=run.angle + 1),
        "other values of angle, expected 0.0 to 90.0",
    ),
    "layers of snapshots": (
        lambda run: run.assign_coords(snapshot_t=[0, 5]),
        "other values of snapshot_t, expected 0 to 6",
    ),
    "missing variable": (lambda run: run.drop_vars("gain"), "no variable gain"),
    "unknown variable": (lambda run: run.assign(a=run.mu_x), "unknown variable a"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_file_with_another_structure_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    change, reason = CHANGES[name]
    path = tmp_path / "cell.nc"
    write_dataset(change(simulate(CELL)), path)
    with refused(f"{path}: {reason}"):
        read_trajectories(path, CELL)
