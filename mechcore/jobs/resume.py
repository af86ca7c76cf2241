"""Cells that are finished while their job, or the workflow, is not: no fault makes them run twice.

When a job of many cells ends early, Snakemake removes the files of all, also of the finished ones.
So each cell has a second name, which Snakemake does not know, until all are collected.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from mechcore.experiment.cell import Cell
from mechcore.io.atomic import link_or_copy, replace_file
from mechcore.simulation.reading import holds_trajectories

FOLDER = "finished"
"""Beside that of the trajectories. It can be deleted at any time."""

FINISHED_BEFORE = "finished before, by the same code"
"""What the log of a cell says then, whose job took no time."""


def second_name(path: Path) -> Path:
    """Return the other name of the trajectories of a cell.

    Examples
    --------
    >>> second_name(Path("/results/default/trajectories/dct-relu-k3.nc")).as_posix()
    '/results/default/finished/dct-relu-k3.nc'
    """
    return path.resolve().parents[1] / FOLDER / path.name


def take_finished(cell: Cell, path: Path) -> bool:
    """Give a cell its file back, if it was finished before."""
    other = second_name(path)
    if not holds_trajectories(other, cell):
        return False
    replace_by_link(other, path)
    return True


def replace_by_link(path: Path, other: Path) -> None:
    """Give a file a second name, in place of what has it."""

    def write(draft: Path) -> None:
        draft.unlink()
        link_or_copy(path, draft)

    replace_file(other, write)


def forget_finished(trajectories: Path, cells: Iterable[str]) -> None:
    """Remove the second names of cells once all are collected."""
    names = {f"{cell}.nc" for cell in cells}
    others = second_name(trajectories / "any.nc").parent
    for path in (*trajectories.glob(".*.nc"), *others.glob("*.nc")):
        # A draft is called .abcdefgh.cell.nc.
        name = path.name.split(".", 2)[2] if path.name.startswith(".") else path.name
        # What cannot be removed does no harm.
        with suppress(OSError):
            if name in names:
                path.unlink()
    with suppress(OSError):
        others.rmdir()
