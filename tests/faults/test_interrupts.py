"""Ctrl-C to the workflow: jobs that were interrupted are no failures, and it says how to go on."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from tests.faults import tiny

SECONDS = 120.0


def test_an_interrupted_run_tells_of_no_failure_and_how_to_go_on(tmp_path: Path) -> None:
    folder = tiny.project(tmp_path / "project")
    words = tiny.command("--", tiny.METRICS)
    with subprocess.Popen(
        words, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as run:  # fmt: skip
        deadline = time.monotonic() + SECONDS
        while not list(folder.glob("logs/tiny/simulate/*.log")) and time.monotonic() < deadline:
            time.sleep(0.05)
        # A terminal sends it to all processes.
        os.killpg(run.pid, signal.SIGINT)
        output, told = run.communicate(timeout=SECONDS)
    assert run.returncode == 1
    assert told.rstrip().endswith("interrupted: the same command goes on")
    for noise in ("failed: ", "Traceback", "did not complete"):
        assert noise not in told
    assert "of 2 cells done, 0 failed" in output
