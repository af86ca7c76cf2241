"""How far an experiment is, read from its files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mechcore.errors import INTERRUPTED
from mechcore.finished import second_name

LINE_WIDTH = 1000
"""Wider than any row of the table of failures, which then takes only what it needs."""


@dataclass(frozen=True)
class CellState:
    """What the files say of one cell.

    Parameters
    ----------
    cell : str
        Cell id, or the name of a later stage.
    state : {"done", "failed", "waiting"}
        ``failed`` if its log ends in a message but there is no result; a job that still runs, or
        that was interrupted, is waiting.
    reason : str
        Last line of the log of a failed cell.
    log : Path
        Its log file.
    """

    cell: str
    state: str
    reason: str
    log: Path


def cell_states(cells: Iterable[str], results: Path, logs: Path) -> list[CellState]:
    """Read the state of every cell.

    Parameters
    ----------
    cells : iterable of str
        Cell ids.
    results : Path
        Folder of the results of the experiment.
    logs : Path
        Folder of its logs.

    Returns
    -------
    list of CellState
        In the order of the cells.
    """
    return [
        job_state(cell, _result(results / "trajectories", cell), logs / "simulate" / f"{cell}.log")
        for cell in cells
    ]


def job_state(cell: str, result: Path, log: Path) -> CellState:
    """Read the state of a job from its result and its log.

    Parameters
    ----------
    cell : str
        Cell id, or the name of a later stage.
    result : Path
        The file that it leaves.
    log : Path
        Its log file.

    Returns
    -------
    CellState
        Done if there is a result, whatever its log says.

    Examples
    --------
    >>> job_state("collect", Path("nowhere.csv"), Path("nowhere.log")).state
    'waiting'
    """
    if result.is_file():
        return CellState(cell, "done", "", log)
    if not log.is_file():
        return CellState(cell, "waiting", "", log)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    if not lines or was_interrupted(lines[-1]):
        return CellState(cell, "waiting", "", log)
    return CellState(cell, "failed", lines[-1], log)


def print_states(
    states: list[CellState], stages: list[CellState], console: Console | None = None
) -> None:
    """Print the count of finished cells and a table of what failed.

    Parameters
    ----------
    states : list of CellState
        What `cell_states` returned.
    stages : list of CellState
        What `mechcore.failures.stage_failures` returned.
    console : rich.console.Console, optional
        Where to print; standard output by default.
    """
    # A path that is cut cannot be opened: rather a line longer than the terminal.
    console = console or Console(width=LINE_WIDTH)
    failed = [state for state in states if state.state == "failed"]
    done = sum(state.state == "done" for state in states)
    console.print(f"{done} of {len(states)} cells done, {len(failed)} failed", highlight=False)
    if failed or stages:
        table = Table("cell", "reason", "log", box=SIMPLE_HEAD)
        for state in [*failed, *stages]:
            table.add_row(state.cell, escape(state.reason), str(state.log))
        console.print(table)


def was_interrupted(log: str) -> bool:
    r"""Return whether a command was interrupted, by what it logged.

    Parameters
    ----------
    log : str
        Its log, or the last line of it.

    Returns
    -------
    bool
        Whether it ends in `INTERRUPTED`, or in what Python says of one that was not yet imported.

    Examples
    --------
    >>> was_interrupted("Traceback:\nKeyboardInterrupt\n"), was_interrupted("")
    (True, False)
    """
    return log.rstrip().rpartition("\n")[2] in (INTERRUPTED, "KeyboardInterrupt")


def _result(folder: Path, cell: str) -> Path:
    """The file of a cell, or the name that it keeps when the job of many cells failed."""
    path = folder / f"{cell}.nc"
    return path if path.is_file() else second_name(path)
