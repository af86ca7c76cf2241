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
from mechcore.verdicts import CLAIMS_FILE, CONTROLS_FILE

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
        _state(cell, _result(results / "trajectories", cell), logs / "simulate" / f"{cell}.log")
        for cell in cells
    ]


STAGES = {
    "controls": CONTROLS_FILE,
    "collect": "metrics.csv",
    "deviations": "deviations.csv",
    "regress": "regressions.csv",
    "judge": CLAIMS_FILE,
    "summarise": "sweep.json",
    "track": "tracking.json",
}
"""What follows the cells, and the file that each leaves among the results; the report has a place
of its own."""


BESIDE = {"films": "film", "filters": "bank", "filter_runs": "run of bank"}
"""What runs beside the cells: folders of results and of logs, and how a job is called."""


def stage_failures(results: Path, logs: Path, report: Path | None = None) -> list[CellState]:
    """Return what failed besides the cells: films, banks, and the stages after them.

    Parameters
    ----------
    results : Path
        Folder of the results of the experiment.
    logs : Path
        Folder of its logs.
    report : Path, optional
        The page of the report.

    Returns
    -------
    list of CellState
        Films and banks, then the stages in their order.
    """
    made = {name: results / file for name, file in STAGES.items()}
    if report is not None:
        made["report"] = report
    states = [_state(name, path, logs / f"{name}.log") for name, path in made.items()]
    beside = [state for kind in BESIDE for state in _beside(kind, results, logs)]
    return [state for state in [*beside, *states] if state.state == "failed"]


def print_states(
    states: list[CellState], stages: list[CellState], console: Console | None = None
) -> None:
    """Print the count of finished cells and a table of what failed.

    Parameters
    ----------
    states : list of CellState
        What `cell_states` returned.
    stages : list of CellState
        What `stage_failures` returned.
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


def _beside(kind: str, results: Path, logs: Path) -> list[CellState]:
    """The jobs of a kind that were begun: which are planned does not matter where none was."""
    return [
        _state(f"{BESIDE[kind]} {log.stem}", results / kind / f"{log.stem}.nc", log)
        for log in sorted((logs / kind).glob("*.log"))
    ]


def _result(folder: Path, cell: str) -> Path:
    """The file of a cell, or the name that it keeps when the job of many cells failed."""
    path = folder / f"{cell}.nc"
    return path if path.is_file() else second_name(path)


def _state(cell: str, result: Path, log: Path) -> CellState:
    if result.is_file():
        return CellState(cell, "done", "", log)
    if not log.is_file():
        return CellState(cell, "waiting", "", log)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    if not lines or lines[-1] == INTERRUPTED:
        return CellState(cell, "waiting", "", log)
    return CellState(cell, "failed", lines[-1], log)
