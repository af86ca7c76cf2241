"""A finished experiment with all its files, made by the commands that the workflow calls."""

from __future__ import annotations

import shutil
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest

from mechcore.cli import main
from mechcore.experiment.banks import filter_run, planned_banks
from mechcore.experiment.config import load_experiment
from mechcore.experiment.films import film_cells
from mechcore.experiment.grid import expand
from mechcore.jobs.stages import STAGES, record_file
from tests.helpers.projects import PROJECT

CONFIG = """\
experiment: tiny
kernels: [dct]
activations: [relu]
sizes: [2]
patterns: [delta, patterns/corner.npy]
betas: [0.0, 0.5, 1.0]
steps: 8
engine: reference
filter_banks: [weights/digits.safetensors]
slices_per_layer: 1
"""
"""The smallest with a part of every kind: a pattern from a file, and a weight file."""

RESULTS, PAGE = Path("results/tiny"), Path("reports/tiny/index.html")


def mechcore(*words: object) -> None:
    """Run a command in this process; a mistake fails the test."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert ended.value.code == 0


def make(folder: Path) -> None:
    """Make the experiment in a folder of its own, as a user's project would hold it."""
    for name in ("patterns", "weights", "config"):
        (folder / name).mkdir(parents=True)
    np.save(folder / "patterns/corner.npy", np.tri(3))
    shutil.copy(PROJECT / "resources/banks/digits.safetensors", folder / "weights")
    (folder / "config/tiny.yaml").write_text(CONFIG, encoding="utf-8")
    with chdir(folder):
        _run(Path("config/tiny.yaml"))


def _run(config: Path) -> None:
    experiment = load_experiment(config)
    for kind, cells in (("trajectories", expand(experiment)), ("films", film_cells(experiment))):
        for name, cell in cells.items():
            output = RESULTS / kind / f"{name}.nc"
            mechcore("simulate", "--cell", cell.to_json(), "--output", output)
    mechcore("controls", "--experiment", config, "--output", RESULTS / "controls.nc")
    for name, bank in planned_banks(experiment).items():
        settings = filter_run(experiment, bank).to_json()
        mechcore("filters", bank.weights, "--output", RESULTS / "filters" / f"{name}.nc")
        output = RESULTS / "filter_runs" / f"{name}.nc"
        mechcore("simulate-filters", bank.weights, "--settings", settings, "--output", output)
    for command in STAGES:
        _run_stage(command, config)


def _run_stage(command: str, config: Path) -> None:
    trajectories = ("--experiment", config, "--trajectories", RESULTS / "trajectories")
    results = ("--experiment", config, "--results", RESULTS)
    tables = {name: RESULTS / f"{name}.csv" for name in ("metrics", "mechanics", "kernels")}
    read = [word for name in ("metrics", "kernels") for word in (f"--{name}", tables[name])]
    words: dict[str, tuple[object, ...]] = {
        "collect": (
            *(*trajectories, "--output", tables["metrics"]),
            *("--mechanics", tables["mechanics"], "--kernels", tables["kernels"]),
        ),
        "deviations": (*trajectories, "--output", RESULTS / "deviations.csv"),
        "regress": (
            *(*read, "--output", RESULTS / "regressions.csv"),
            *("--models", RESULTS / "models.csv", "--pooled", RESULTS / "pooled.csv"),
        ),
        "judge": (*results, "--output", RESULTS / "claims.json"),
        "verify": (*results, "--output", RESULTS / "certificate.json"),
        "summarise": (
            *(*results, "--output", RESULTS / "sweep.json", "--cells", RESULTS / "cells.csv"),
        ),
        "report": (*results, "--output", PAGE),
    }
    folder = PAGE.parent if command == "report" else RESULTS
    mechcore(command, *words[command], "--record", record_file(folder, command))
