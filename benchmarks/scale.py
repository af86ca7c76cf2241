"""``python -m benchmarks.scale [--largest 10000]``: planning and packing of many cells.

No configuration has more than 35,805 cells, so kernels of up to
4096 px, which the engine refuses, are allowed by a patch of the limit.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import yaml

from benchmarks.timing import spent
from mechcore.experiment.config import load_experiment
from mechcore.experiment.grid import expand
from mechcore.jobs.cost import estimated_cost
from mechcore.jobs.forecast import forecast
from mechcore.jobs.packing import CLASSES
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.kernels import FAMILIES

PROJECT = Path(__file__).parents[1]
SIZES = (100, 1_000, 10_000, 100_000)
SIZES_OF_JOBS = dict.fromkeys(CLASSES, 10)
PACKED = ("--config", "pack=true", "--group-components", "cells-10s=40")
PATCH = "import mechcore.model.kernels\nmechcore.model.kernels.LARGEST_SIZE = 4096\n"
"""As ``sitecustomize`` in every process of a trial."""


def main() -> None:
    """Print time and memory of each step against the number of cells."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--largest", type=int, default=10_000, help="cells of the largest trial")
    parser.add_argument("--folder", type=Path, help="of a single trial, whose process is patched")
    asked = parser.parse_args()
    if asked.folder:
        for name, cost in trial(asked.folder, asked.largest).items():
            print(f"{asked.largest:7d} cells  {name:24s} {cost}", flush=True)
        return
    for count in (size for size in SIZES if size <= asked.largest):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "sitecustomize.py").write_text(PATCH)
            words = ["-m", "benchmarks.scale", "--largest", str(count), "--folder", folder]
            subprocess.run([sys.executable, *words], env=patched(Path(folder)), check=True)


def trial(folder: Path, count: int) -> dict[str, str]:
    """Return what each step takes for about as many cells, in an empty folder."""
    settings = grid(count)
    _copy_project(folder, settings)
    cells = expand(load_experiment(settings))
    start = time.perf_counter()
    forecast({name: estimated_cost(cell) for name, cell in cells.items()}, SIZES_OF_JOBS)
    packing = time.perf_counter() - start
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "--configfile", "grid.yaml"]
    plans = {"planning, packed": PACKED, "planning, a job a cell": ()}
    planned = {name: spent([*command, *words], folder) for name, words in plans.items()}
    return {
        "packing": f"{packing:7.1f} s",
        **{name: f"{it.wall:7.1f} s {it.megabytes:6.0f} MB" for name, it in planned.items()},
    }


def grid(count: int) -> dict[str, object]:
    """Return the settings of a grid of about as many cells, with 21 betas each."""
    pairs = len(FAMILIES) * len(ACTIVATIONS)
    return {
        "experiment": "scale",
        "kernels": list(FAMILIES),
        "activations": list(ACTIVATIONS),
        "sizes": list(range(2, 2 + -(-count // pairs))),
        "betas": {"start": 0, "stop": 1, "count": 21},
        "steps": 8,
    }


def patched(folder: Path) -> dict[str, str]:
    """Return variables with which every process runs `PATCH` first."""
    return os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{PROJECT}"}


def _copy_project(folder: Path, settings: Mapping[str, object]) -> None:
    for name in ("workflow", "profiles"):
        shutil.copytree(PROJECT / name, folder / name)
    shutil.copy(PROJECT / "Snakefile", folder)
    (folder / "grid.yaml").write_text(yaml.safe_dump(dict(settings)))


if __name__ == "__main__":
    main()
