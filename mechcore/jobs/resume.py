"""Backup links of finished cells: no cell runs twice because the job that it shared has failed.

When a job of many cells fails, Snakemake removes the files of all of them, also of the finished
ones. So each cell has a backup link, which Snakemake does not see, until all are collected.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from mechcore.experiment.cell import Cell
from mechcore.io.atomic import link_or_copy, replace_file
from mechcore.io.netcdf import ROOT, write_contents
from mechcore.simulation.run import simulated

FINISHED_BEFORE = "finished before, by the same code"
"""Logged by a job that only restored a finished file from its backup link."""


def simulate_once(cell: Cell, path: Path, folder: Path) -> bool:
    """Write the trajectories of a cell, with a backup link in a folder; False if it existed."""
    second = folder / path.name
    finished = second.is_file() and _holds(second, cell)
    if not finished:
        write_contents({ROOT: simulated(cell)}, second)
    replace_by_link(second, path)
    return not finished


def _holds(path: Path, cell: Cell) -> bool:
    # Reading loads xarray, which takes a third of a job's start.
    from mechcore.simulation.reading import holds_trajectories

    return holds_trajectories(path, cell)


def replace_by_link(path: Path, other: Path) -> None:
    """Replace a file by a link to another one."""

    def write(draft: Path) -> None:
        draft.unlink()
        link_or_copy(path, draft)

    replace_file(other, write)


def forget_finished(folder: Path, cells: Iterable[str]) -> None:
    """Remove the backup links of cells, and what killed jobs left beside them."""
    # What cannot be removed does no harm.
    for path in (*folder.glob(".*.nc"), *(folder / f"{cell}.nc" for cell in cells)):
        with suppress(OSError):
            path.unlink()
    with suppress(OSError):
        folder.rmdir()
