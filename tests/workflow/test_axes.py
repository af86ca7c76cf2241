"""A grid whose settings vary, from its configuration to its page and its runs in MLflow."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest

from tests.helpers.projects import copy_project, snakemake

CONFIG = """
experiment: own
kernels: [dct]
activations: [relu]
sizes: [2]
betas: {count: 3}
steps: 5
boundary: [free, wrap]
normalise: [l2, peak]
track: {per_simulation: true}
"""

CELLS = {
    f"dct-relu-k2-{boundary}-{norm}" for boundary in ("free", "wrap") for norm in ("l2", "peak")
}


def workflow(folder: Path, *words: str) -> str:
    ended = snakemake(folder, *words, config="own.yaml")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


def mechcore(folder: Path, *words: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "mechcore", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = copy_project(tmp_path_factory.mktemp("axes"))
    (folder / "own.yaml").write_text(CONFIG)
    workflow(folder)
    return folder


def test_each_combination_is_a_cell_and_nothing_runs_twice(finished: Path) -> None:
    assert {path.stem for path in finished.glob("results/own/trajectories/*.nc")} == CELLS
    assert "0 of 4 cells to run" in mechcore(finished, "why", "own.yaml")
    assert "Nothing to be done" in workflow(finished, "-n")


def test_another_value_runs_its_own_cells(finished: Path) -> None:
    # Of the plan, the commands.
    words = ("-n", "-p", "--quiet", "host", "--config", "boundary=[free, wrap, zero]")
    plan = workflow(finished, *words)
    outputs = {*re.findall(r"--output results/own/trajectories/(\S+)\.nc", plan)}
    assert outputs == {"dct-relu-k2-zero-l2", "dct-relu-k2-zero-peak"}


def test_the_page_is_about_the_first_values_and_says_so(finished: Path) -> None:
    page = (finished / "reports" / "own" / "index.html").read_text()
    assert "one of 4 combinations: boundary free, normalise l2." in page
    assert "The others have boundary wrap or normalise peak" in page
    headline = (finished / "reports" / "own" / "figures" / "headline-dct.csv").read_text()
    assert {*re.findall("dct-[^,]*", headline)} == {"dct-relu-k2-free-l2"}
    # The map of the grid, and the lines that were fitted.
    appendix = (finished / "reports" / "own" / "appendix.html").read_text()
    assert all(f'data-cell="{cell}"' in appendix for cell in CELLS)
    assert "--boundary wrap" in appendix


def test_the_whole_grid_is_verified_and_packed(finished: Path) -> None:
    words = ("--experiment", "own.yaml", "--results", "results/own")
    told = mechcore(finished, "verify", *words, "--cells", "2", "--simulations", "1")
    assert told.splitlines()[-1] == "verified"
    assert "4 of 4 cells done" in mechcore(finished, "status", *words, "--logs", "logs/own")
    told = mechcore(finished, "pack", *words, "--report", "reports/own/index.html", "-o", "own.zip")
    assert told.startswith("own.zip: ")


def test_runs_of_mlflow_are_told_apart_by_their_parameters(finished: Path) -> None:
    client = mlflow.MlflowClient(f"sqlite:///{finished / 'mlflow.db'}")
    for name, kind, count in (("own", "cell", 4), ("own simulations", "simulation", 12)):
        experiment = client.get_experiment_by_name(name)
        runs = client.search_runs([experiment.experiment_id], f"tags.`mechcore.kind` = '{kind}'")
        pairs = {(run.data.params["boundary"], run.data.params["normalise"]) for run in runs}
        assert (len(runs), len(pairs)) == (count, 4)
