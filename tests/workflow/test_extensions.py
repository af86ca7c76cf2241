"""Own kernels, activations and patterns in the workflow: only what uses an entry runs again."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.ideas import IDEAS
from tests.helpers.projects import copy_project, snakemake

CONFIG = """
experiment: own
extensions: ideas.py
kernels: [dct, tent]
activations: [relu, swish]
sizes: [2]
patterns: [delta, {name: ring, radius: 3, region: row}]
betas: [0.0, 0.5]
steps: 8
"""

TARGET = "results/own/metrics.csv"


def run(folder: Path, *words: str) -> str:
    ended = snakemake(folder, *words, config="study/own.yaml")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_project(tmp_path_factory.mktemp("own"))
    (folder / "study").mkdir()
    (folder / "study" / "own.yaml").write_text(CONFIG)
    (folder / "study" / "ideas.py").write_text(IDEAS)
    run(folder, "--", TARGET)
    return folder


EDITS = {
    "nothing that is used": ("np.sin)", "np.cos)", set()),
    "a comment": ("STEEP = 2.0", "STEEP = 2.0  # by eye", set()),
    "an activation": ("STEEP = 2.0", "STEEP = 3.0", {"dct-swish-k2", "tent-swish-k2"}),
    "a family": ("* np.sign(", "* 2 * np.sign(", {"tent-relu-k2", "tent-swish-k2"}),
    "a pattern": (
        "r > radius - width",
        "r > radius - width / 2",
        {"dct-relu-k2", "dct-swish-k2", "tent-relu-k2", "tent-swish-k2"},
    ),
}


@pytest.mark.parametrize(("old", "new", "cells"), EDITS.values(), ids=EDITS)
def test_only_cells_that_use_an_entry_run_again(
    finished: Path, old: str, new: str, cells: set[str]
) -> None:
    path = finished / "study" / "ideas.py"
    try:
        path.write_text(IDEAS.replace(old, new))
        plan = run(finished, "-n", "--quiet", "host", "--", TARGET)
    finally:
        path.write_text(IDEAS)
    again = re.findall(r"output: results/own/trajectories/(.*)\.nc", plan)
    assert set(again) == cells
    assert ("rule collect" in plan) == bool(cells)


def test_why_names_the_entry_that_changed(finished: Path) -> None:
    path = finished / "study" / "ideas.py"
    command = [sys.executable, "-m", "mechcore", "why", "study/own.yaml"]
    try:
        path.write_text(IDEAS.replace("STEEP = 2.0", "STEEP = 3.0"))
        told = subprocess.run(command, cwd=finished, capture_output=True, text=True, check=True)
    finally:
        path.write_text(IDEAS)
    *cells, count = told.stdout.splitlines()
    assert [line.split(" was ")[0] for line in cells] == [
        "dct-swish-k2: activations.swish",
        "tent-swish-k2: activations.swish",
    ]
    assert count == "2 of 4 cells to run"


def test_an_entry_that_cannot_be_used_ends_the_run_before_any_job(finished: Path) -> None:
    path = finished / "study" / "ideas.py"
    try:
        path.write_text(IDEAS.replace("return smooth(k) * np", "return 1 + smooth(k) * np"))
        ended = snakemake(finished, "-n", config="study/own.yaml")
    finally:
        path.write_text(IDEAS)
    assert ended.returncode == 2
    (line,) = [line for line in ended.stderr.splitlines() if "own.yaml" in line]
    assert line == (
        "study/own.yaml: study/ideas.py: kernels.tent: the odd part of size 2 x 2 is not odd, "
        "expected K(-r) = -K(r) (line 3)"
    )
