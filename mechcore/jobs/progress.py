"""Lines about jobs, from the events that Snakemake logs: counts of cells, and logs of failures."""

from __future__ import annotations

import logging
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.common import LogEvent

from mechcore.experiment.paths import TRAJECTORIES
from mechcore.jobs import signals
from mechcore.jobs.forecast import cpu_time
from mechcore.jobs.status import log_text, was_interrupted

LITTLE_SPACE = 2**20
"""Bytes: files that did not fit are removed before anyone looks, so that some space is free."""

SIGNAL_SECONDS = 1.0
"""How much later than its jobs a workflow may notice a signal that was sent to all of them."""

OF_ITEMS = ("cell", "bank", "activation")
"""Wildcards of the jobs beside the cells."""

HIDDEN = (LogEvent.JOB_STARTED, LogEvent.JOB_FINISHED, LogEvent.PROGRESS)
"""Events of which `Progress` says more."""


def show_progress(
    logger: logging.Logger, cells: int, waiting: Callable[[], Mapping[str, float]]
) -> None:
    """Print a line for each finished job, and the log of each failed one.

    ``waiting`` returns the seconds that each cell to run is estimated to take, once that is known.
    """
    # Snakemake reads the Snakefile more than once in some modes; it has one logger.
    if any(isinstance(handler, Progress) for handler in logger.handlers):
        return
    for handler in logger.handlers:
        if _is_terminal(handler):
            handler.addFilter(Brief())
    logger.addHandler(Progress(cells, waiting))


def _is_terminal(handler: logging.Handler) -> bool:
    # Its log file keeps everything.
    return isinstance(handler, logging.StreamHandler) and not isinstance(
        handler, logging.FileHandler
    )


def is_trajectory(path: str) -> bool:
    """Return whether a file is that of a cell."""
    return Path(path).parent.name == TRAJECTORIES


class Brief(logging.Filter):
    """Hides what `Progress` prints, and every message that was printed before."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the terminal shows a message."""
        event = getattr(record, "event", None)
        if event is None:
            text = record.getMessage()
            repeated = text in self._shown
            self._shown.add(text)
            return not repeated
        # A rule that failed: the log of its job says why.
        failed_rule = getattr(record, "exception", None) == "RuleException"
        return event not in HIDDEN and not failed_rule


class Progress(logging.Handler):
    """Counts the cells that are done, and shows the log of a job that failed."""

    def __init__(self, cells: int, waiting: Callable[[], Mapping[str, float]]) -> None:
        super().__init__()
        self._cells, self._done, self._waiting = cells, 0, waiting
        self._jobs: dict[int, tuple[str, dict[str, str], bool]] = {}
        self._actions: dict[LogEvent, Callable[[Any], None]] = {
            LogEvent.RUN_INFO: self._plan,
            LogEvent.JOB_INFO: self._remember,
            LogEvent.JOB_FINISHED: self._finish,
            LogEvent.JOB_ERROR: self._fail,
            LogEvent.GROUP_ERROR: self._fail_together,
        }

    def emit(self, record: logging.LogRecord) -> None:
        """Print what an event means."""
        action = self._actions.get(getattr(record, "event", None))  # type: ignore[arg-type]
        if action:
            action(record)

    def _plan(self, _: Any) -> None:
        waiting = self._waiting()
        self._done = self._cells - len(waiting)
        time = f", estimated {cpu_time(sum(waiting.values()))}" if waiting else ""
        _print(f"{self._cells} cells, {self._done} done before, {len(waiting)} to run{time}")

    def _remember(self, record: Any) -> None:
        # Rules of a module may have other names.
        is_cell = any(is_trajectory(path) for path in record.output)
        self._jobs[record.jobid] = record.rule_name, dict(record.wildcards or {}), is_cell

    def _finish(self, record: Any) -> None:
        name, wildcards, is_cell = self._jobs.get(record.job_id, ("all", {}, False))
        if is_cell:
            self._done += 1
            _print(f"{self._done} of {self._cells} cells done: {wildcards['cell']}")
        elif name != "all":
            # There are several films and banks.
            item = "".join(f" {wildcards[key]}" for key in OF_ITEMS if key in wildcards)
            _print(f"{name}{item} done")

    def _fail(self, record: Any) -> None:
        if record.indent:
            # One of many cells of a job: it may be finished, or not have begun.
            return
        logs = {path: log_text(path) for path in map(Path, record.log)}
        if any(map(was_interrupted, logs.values())):
            return
        # What killed a job without a word may reach this process later.
        if signals.ended.wait(0 if any(logs.values()) else SIGNAL_SECONDS):
            _print(f"{record.rule_name} stopped: {' '.join(record.log)}")
            return
        _print(f"{record.rule_name} failed: {' '.join(record.log)}")
        # The cluster's reason for ending a job, such as TIMEOUT, which is not in the log.
        if getattr(record, "rule_msg", None):
            _print(str(record.rule_msg))
        for path, text in logs.items():
            if text:
                _print(text)
            # Without space the log is empty: it is on the same disk.
            if path.parent.is_dir() and shutil.disk_usage(path.parent).free < LITTLE_SPACE:
                _print(f"{path.parent}: no space left on this disk, or next to none")

    def _fail_together(self, record: Any) -> None:
        logs = [Path(path) for path in record.aux_logs]
        names = " ".join(map(str, logs))
        _print(f"a job of {len(record.job_error_info)} cells failed: {names}")
        # Snakemake drops what a cluster says of the end of such a job; its output has it.
        for path in logs:
            for line in re.findall(r"^\w+: error: .*", log_text(path), re.MULTILINE):
                _print(line)


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
