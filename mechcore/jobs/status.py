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
from mechcore.jobs.resume import second_name

LINE_WIDTH = 1000
"""Wider than any row of the table of failures, which then takes only what it needs."""


@dataclass(frozen=True)
class CellState:
    """What the files say of one cell."""

    cell: str
    """Cell id, or the name of a later stage."""
    state: str
    """``failed`` if its log ends in a message but there is no result; a job that still runs, or
    that was interrupted, is waiting."""
    reason: str
    """Last line of the log of a failed cell."""
    log: Path
    """Its log file."""


def cell_states(cells: Iterable[str], results: Path, logs: Path) -> list[CellState]:
    """Read the state of every cell."""
    return [
        job_state(cell, _result(results / "trajectories", cell), logs / "simulate" / f"{cell}.log")
        for cell in cells
    ]


def job_state(cell: str, result: Path, log: Path) -> CellState:
    """Read the state of a job from its result and its log.

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
    """Print the count of finished cells and a table of what failed."""
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
