"""How far an experiment is, and what failed: read from its files and logs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mechcore.errors import INTERRUPTED
from mechcore.experiment.paths import (
    BANK_RUNS,
    BANKS,
    CONTROLS_FILE,
    FILMS,
    TRACKING_FILE,
    TRAJECTORIES,
)
from mechcore.jobs.stages import STAGES

FINISHED = "finished"
"""Folder of the second names that cells keep while their job may still fail."""

LINE_WIDTH = 1000
"""Wider than any row of the table of failures, which then takes only what it needs."""

BESIDE = {FILMS: "film", BANKS: "bank", BANK_RUNS: "run of bank"}
"""What runs beside the cells: folders of results and of logs, and how a job is called."""

State = Literal["done", "waiting", "interrupted", "failed"]
"""A job without a result has failed if its log ends in a message, and waits or runs if not."""


@dataclass(frozen=True)
class CellState:
    """The state of a cell, or of a job beside or after the cells."""

    cell: str
    """Cell id, or the name of the job."""
    state: State
    reason: str
    """Last line of the log of a failed job."""
    log: Path


def cell_states(cells: Iterable[str], results: Path, logs: Path) -> list[CellState]:
    """Read the state of every cell."""
    # A finished cell of a job that failed has only its second name.
    folders = (results / TRAJECTORIES, results / FINISHED)
    return [
        _job_state(
            cell, logs / "simulate" / f"{cell}.log", *(place / f"{cell}.nc" for place in folders)
        )
        for cell in cells
    ]


def stage_failures(results: Path, logs: Path, report: Path | None = None) -> list[CellState]:
    """Return the failed jobs besides the cells: films, banks, and the stages after them."""
    # Only jobs that began have a log; which others are planned does not matter.
    beside = [
        _job_state(f"{name} {log.stem}", log, results / kind / f"{log.stem}.nc")
        for kind, name in BESIDE.items()
        for log in sorted((logs / kind).glob("*.log"))
    ]
    stages = [
        _job_state(name, logs / f"{name}.log", path)
        for name, path in _stage_files(results, report).items()
    ]
    return [state for state in [*beside, *stages] if state.state == "failed"]


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
    elif any(state.state == "interrupted" for state in states):
        console.print("interrupted: the same command goes on", highlight=False)


def was_interrupted(log: str) -> bool:
    """Return whether a command was interrupted, by what it logged."""
    return log.rstrip().rpartition("\n")[2] in (INTERRUPTED, "KeyboardInterrupt")


def _job_state(name: str, log: Path, *results: Path) -> CellState:
    if any(path.is_file() for path in results):
        return CellState(name, "done", "", log)
    text = log.read_text(encoding="utf-8", errors="replace").strip() if log.is_file() else ""
    if not text:
        return CellState(name, "waiting", "", log)
    if was_interrupted(text):
        return CellState(name, "interrupted", "", log)
    return CellState(name, "failed", text.splitlines()[-1], log)


def _stage_files(results: Path, report: Path | None) -> dict[str, Path]:
    """The first file of each stage; the others come with it."""
    first = {name: results / stage.files[0] for name, stage in STAGES.items() if name != "report"}
    files = {"controls": results / CONTROLS_FILE, **first, "track": results / TRACKING_FILE}
    # The page has a place of its own.
    return files if report is None else files | {"report": report}
