"""The lines about jobs, from events as Snakemake logs them; tests/workflow sees real runs."""

from __future__ import annotations

import logging
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from mechcore.errors import INTERRUPTED
from mechcore.jobs.progress import show_progress

CELLS, WAITING = 4, {"dct-relu-k2": 20.0, "dct-relu-k3": 22.0}


@pytest.fixture
def terminal() -> StringIO:
    return StringIO()


@pytest.fixture
def logger(terminal: StringIO) -> logging.Logger:
    logger = logging.Logger("snakemake")
    logger.addHandler(logging.StreamHandler(terminal))
    # Snakemake reads the Snakefile more than once.
    for _ in range(2):
        show_progress(logger, CELLS, lambda: WAITING)
    return logger


def log(logger: logging.Logger, event: LogEvent, message: str = "", **values: Any) -> None:
    logger.info(message, extra={"event": event, **values})


def start(logger: logging.Logger, number: int, rule: str, **wildcards: str) -> None:
    folder = "trajectories" if rule.endswith("simulate") else rule
    output = [f"results/a/{folder}/{wildcards.get('cell')}.nc"]
    values = {"rule_name": rule, "wildcards": wildcards, "output": output}
    log(logger, LogEvent.JOB_INFO, jobid=number, **values)


def fail(logger: logging.Logger, path: Path, **values: Any) -> None:
    values = {"indent": False, "rule_name": "simulate", "log": [str(path)], **values}
    log(logger, LogEvent.JOB_ERROR, **values)


def test_cells_are_counted_and_other_jobs_are_named(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    log(logger, LogEvent.RUN_INFO, stats={"simulate": 2, "collect": 1, "total": 3})
    # As Snakemake calls it where a module has a prefix.
    start(logger, 1, "other_simulate", experiment="a", cell="dct-relu-k2")
    start(logger, 2, "film", experiment="a", cell="dct-relu-k3")
    start(logger, 3, "collect", experiment="a")
    for number in (2, 1, 3):
        log(logger, LogEvent.JOB_FINISHED, job_id=number)
    assert capsys.readouterr().err.splitlines() == [
        "4 cells, 2 done before, 2 to run, estimated 42 CPU-seconds",
        "film dct-relu-k3 done",
        "3 of 4 cells done: dct-relu-k2",
        "collect done",
    ]


def test_a_failed_job_shows_its_log_and_what_a_cluster_says(
    logger: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "job.log"
    path.write_text("out of luck\nsrun: error: n1: task 0: Killed\n")
    fail(logger, path, rule_msg="SLURM status is: 'TIMEOUT'")
    log(logger, LogEvent.GROUP_ERROR, aux_logs=[path], job_error_info=[{}, {}, {}])
    lines = [line for line in capsys.readouterr().err.splitlines() if line]
    assert lines[:3] == [f"simulate failed: {path}", "SLURM status is: 'TIMEOUT'", "out of luck"]
    assert lines[-2:] == [f"a job of 3 cells failed: {path}", "srun: error: n1: task 0: Killed"]


@pytest.mark.parametrize("last", [INTERRUPTED, "Traceback:\nKeyboardInterrupt"])
def test_an_interrupted_job_and_a_cell_of_a_failed_job_are_no_failures(
    logger: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str], last: str
) -> None:
    path = tmp_path / "cell.log"
    path.write_text(f"{last}\n")
    fail(logger, path)
    path.write_text("half of it\n")
    fail(logger, path, indent=True)
    assert capsys.readouterr().err == ""


def test_the_terminal_shows_the_rest_once(logger: logging.Logger, terminal: StringIO) -> None:
    for _ in range(2):
        logger.info("looking for jobs")
    log(logger, LogEvent.JOB_FINISHED, "Finished", job_id=7)
    log(logger, LogEvent.ERROR, "RuleException in a file", exception="RuleException")
    log(logger, LogEvent.ERROR, "no such rule", exception="MissingRuleException")
    assert terminal.getvalue().splitlines() == ["looking for jobs", "no such rule"]


def test_a_log_file_keeps_everything(tmp_path: Path) -> None:
    logger, path = logging.Logger("snakemake"), tmp_path / "snakemake.log"
    with closing(logging.FileHandler(path)) as handler:
        logger.addHandler(handler)
        show_progress(logger, CELLS, lambda: WAITING)
        for _ in range(2):
            log(logger, LogEvent.PROGRESS, "1 of 2 steps")
    assert path.read_text().splitlines() == ["1 of 2 steps"] * 2
