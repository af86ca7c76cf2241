"""`mechcore track` as a person runs it: the receipt, another store, sweeps out of a store."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.helpers import stores, trackers
from tests.helpers.trackers import Trackers


def test_the_receipt_names_the_run_of_every_cell_and_bank_and_of_the_sweep(tracked: Path) -> None:
    receipt = json.loads((tracked / "r.json").read_text())
    with stores.opened(tracked) as client:
        runs = {run.info.run_name: run.info.run_id for run in stores.runs_of(client, "tiny")}
        experiment = stores.experiment_id(client, "tiny")
    assert set(runs) == {
        *("dct-relu-k2", "dct-modulus-k2", "filters/digits", "filters/digits-untrained"),
        f"sweep {receipt['sweep']}",
    }
    assert receipt["runs"] == runs
    assert receipt["experiments"] == {"tiny": experiment}
    assert (receipt["logged"], receipt["unchanged"], receipt["failed"]) == (5, 0, 0)
    assert receipt["uri"] == f"sqlite:///{tracked / 'mlflow.db'}"


def test_the_command_itself_makes_the_same_store(
    tracked: Path, empty_store: Path, tmp_path: Path
) -> None:
    """Not a fork of ours: with processes that draw, and all its imports."""
    for name in ("results", "config.yaml", "report.html"):
        (tmp_path / name).symlink_to(tracked / name)
    shutil.copy(empty_store, tmp_path)
    words = [sys.executable, "-m", "mechcore", *trackers.TRACK]
    ended = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert stores.in_folder(tmp_path) == stores.in_folder(tracked)


def test_a_finished_grid_is_sent_to_another_store_later(
    commands: Trackers, tracked: Path, empty_store: Path, tmp_path: Path
) -> None:
    before = (tracked / "mlflow.db").read_bytes()
    shutil.copy(empty_store, tmp_path)
    words = ["--output", str(tmp_path / "r.json"), "--to", f"sqlite:///{tmp_path / 'mlflow.db'}"]
    commands.tracked(tracked, *words)
    assert stores.in_folder(tmp_path) == stores.in_folder(tracked)
    assert (tracked / "mlflow.db").read_bytes() == before


def test_sweeps_of_a_store_are_compared_by_identifiers(commands: Trackers, changed: Path) -> None:
    with stores.opened(changed) as client:
        runs = stores.runs_of(client, "tiny")
    # Last month's is still there: its cells are superseded, the run of the sweep is not.
    sweeps = [run for run in runs if run.data.tags["mechcore.kind"] == "sweep"]
    sweeps.sort(key=lambda run: run.info.start_time)
    old, new = (run.data.tags["mechcore.sweep_id"] for run in sweeps)
    ended = commands.run(changed, "diff", old[:6], new.upper())
    assert ended.code == 0, ended.stderr
    assert all(f"sweep {name} of tiny, 2 cells" in ended.stdout for name in (old, new))
    assert re.search(r"steps\s+8\s+9", ended.stdout)
    ended = commands.run(changed, "diff", "0000", "results")
    assert (ended.code, len(ended.stderr.splitlines())) == (2, 1)
    assert "found none" in ended.stderr


def test_looking_for_a_sweep_creates_no_store(commands: Trackers, tmp_path: Path) -> None:
    ended = commands.run(tmp_path, "diff", "0123", "4567")
    assert (ended.code, len(ended.stderr.splitlines())) == (2, 1)
    assert "no such file" in ended.stderr
    assert list(tmp_path.iterdir()) == []
