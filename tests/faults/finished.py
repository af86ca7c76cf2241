"""A finished experiment with all its files, made by the commands that the workflow calls."""

from __future__ import annotations

import shutil
from contextlib import chdir
from pathlib import Path

import numpy as np
import pytest

from mechcore.cli import main
from mechcore.experiment.config import load_experiment
from tests.helpers.experiments import compute
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


TABLES = {name: RESULTS / f"{name}.csv" for name in ("metrics", "mechanics", "kernels")}

COMMANDS: dict[str, tuple[object, ...]] = {
    "collect": (
        *(
            "--trajectories",
            RESULTS / "trajectories",
            "--output",
            TABLES["metrics"],
            "--mechanics",
            TABLES["mechanics"],
        ),
        *("--kernels", TABLES["kernels"]),
    ),
    "regress": (
        *("--metrics", TABLES["metrics"], "--kernels", TABLES["kernels"]),
        *("--output", RESULTS / "regressions.csv", "--models", RESULTS / "models.csv"),
        *("--pooled", RESULTS / "pooled.csv"),
    ),
    "judge": ("--results", RESULTS, "--output", RESULTS / "claims.json"),
    "summarise": (
        *("--results", RESULTS, "--output", RESULTS / "sweep.json"),
        *("--cells", RESULTS / "cells.csv"),
    ),
    "verify": ("--results", RESULTS, "--output", RESULTS / "certificate.json"),
    "report": ("--results", RESULTS, "--output", PAGE),
}
"""What makes the tables and the page, in order."""


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
    config = Path("config/tiny.yaml")
    with chdir(folder):
        compute(RESULTS, load_experiment(config))
        for command, words in COMMANDS.items():
            experiment = () if command == "regress" else ("--experiment", config)
            mechcore(command, *experiment, *words)
