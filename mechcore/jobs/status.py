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
    CERTIFICATE_FILE,
    CLAIMS_FILE,
    CONTROLS_FILE,
    FILMS,
    METRICS_FILE,
    NETWORKS,
    REPRODUCTION_FILE,
    TRACKING_FILE,
    TRAINING_FILE,
    TRAININGS,
    TRAJECTORIES,
)

FINISHED = "finished"
"""Folder of the backup links of cells, kept while their job may still fail."""

LINE_WIDTH = 1000
"""Wider than any row of the table of failures, which then takes only what it needs."""

BESIDE = {
    FILMS: "film",
    BANKS: "bank",
    BANK_RUNS: "run of bank",
    NETWORKS: "network",
    TRAININGS: "training",
}
"""What runs beside the cells: folders of results and of logs, and how a job is called."""

STAGES = {
    "controls": CONTROLS_FILE,
    "reproduce": REPRODUCTION_FILE,
    "collect": METRICS_FILE,
    "collect_training": TRAINING_FILE,
    "judge": CLAIMS_FILE,
    "verify": CERTIFICATE_FILE,
    "track": TRACKING_FILE,
}
"""The first file of each stage among the results; the others come with it."""

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
    # A finished cell of a job that failed has only its backup link.
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
    files = {name: results / file for name, file in STAGES.items()}
    # The page has a place of its own.
    files |= {"report": report} if report else {}
    stages = [_job_state(name, logs / f"{name}.log", path) for name, path in files.items()]
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


def log_text(path: Path) -> str:
    """Return what a log says; nothing if there is no such log."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def was_interrupted(log: str) -> bool:
    """Return whether a command was interrupted, by what it logged."""
    return log.rstrip().rpartition("\n")[2] in (INTERRUPTED, "KeyboardInterrupt")


def _job_state(name: str, log: Path, *results: Path) -> CellState:
    if any(path.is_file() for path in results):
        return CellState(name, "done", "", log)
    text = log_text(log).strip()
    if not text:
        return CellState(name, "waiting", "", log)
    if was_interrupted(text):
        return CellState(name, "interrupted", "", log)
    return CellState(name, "failed", text.splitlines()[-1], log)
