"""Ctrl-C to the workflow: jobs that were interrupted are no failures, and it says how to go on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import psutil

from tests.faults import tiny

SECONDS = 120.0

LONG = {"engine": "reference", "steps": 400, "betas": {"count": 41}}
"""A cell takes minutes, so that the interrupt finds it running, and ends it, on any machine."""


def simulates(process: psutil.Process) -> bool:
    """Whether a process runs a cell, and has done so for long enough to have started Python."""
    try:
        return "simulate" in process.cmdline() and process.cpu_times().user > 2
    except psutil.Error:
        return False


def test_an_interrupted_run_reports_no_failure_and_how_to_go_on(tmp_path: Path) -> None:
    # A shell that starts the tests in the background lets them, and their children, ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = tiny.project(tmp_path / "project", **LONG)
    with tiny.start(folder, subprocess.PIPE) as run:
        deadline = time.monotonic() + SECONDS
        while not any(map(simulates, psutil.Process(run.pid).children(recursive=True))):
            assert time.monotonic() < deadline
            assert run.poll() is None
            time.sleep(0.05)
        # A terminal sends it to all processes.
        os.killpg(run.pid, signal.SIGINT)
        output, messages = run.communicate(timeout=SECONDS)
    assert run.returncode == 1
    assert "failed: " not in messages
    assert "Traceback" not in messages
    assert "of 2 cells done, 0 failed" in output
    assert output.rstrip().endswith("interrupted: the same command goes on")
