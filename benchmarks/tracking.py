"""Logging a grid to MLflow: seconds and bytes a cell, beside one request for every number."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.timing import in_child
from mechcore.analysis.tables import write_table
from mechcore.claims.criteria import judge
from mechcore.claims.verdict import write_claims
from mechcore.experiment.config import Experiment, load_experiment
from mechcore.experiment.paths import CLAIMS_FILE
from mechcore.io.netcdf import write_dataset
from mechcore.results.results import TABLES, Results
from mechcore.results.sweep import describe_sweep, write_sweep
from mechcore.simulation.run import simulate

GRID: dict[str, object] = {
    "experiment": "benchmark",
    "kernels": ["dct", "gaussian", "binomial", "highpass", "random"],
    "activations": ["identity", "relu", "modulus", "leaky_relu", "tanh"],
    "sizes": list(range(2, 12)),
    "patterns": ["delta", "disc"],
    "betas": {"start": 0, "stop": 1, "count": 41},
    "steps": 8,
}
"""250 cells with curves of 41 points: what is logged does not depend on the number of layers."""

QUICK = {"kernels": ["dct"], "activations": ["identity", "relu"], "sizes": [2, 3]}

SAMPLE = 4
"""Cells that the peer logs; its time is scaled to all."""


@dataclass(frozen=True)
class TrackingCost:
    """What it costs to log a grid to a new SQLite store.

    Parameters
    ----------
    cells : int
        Number of cells of the grid.
    first, second, one_by_one : float
        Seconds of the command, start of Python and previews included; of the same once more, with
        nothing new to log; of the same numbers with a request each, without previews.
    store_bytes, artifact_bytes : float
        A cell, in the store; and in artifacts, trajectories left out.
    """

    cells: int
    first: float
    second: float
    one_by_one: float
    store_bytes: float
    artifact_bytes: float


def measure_tracking(quick: bool) -> TrackingCost:
    """Return the cost of a grid of 250 cells, or of a few."""
    experiment = load_experiment(GRID | QUICK if quick else GRID)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        _make_results(experiment, place / "results")
        (place / "config.yaml").write_text(yaml.safe_dump(GRID | QUICK if quick else GRID))
        cells = len(list((place / "results" / "trajectories").iterdir()))
        first, second = _seconds(place), _seconds(place)
        slow = in_child(_one_by_one, place, experiment) * cells / SAMPLE
        artifacts = [path for path in (place / "mlartifacts").rglob("*") if path.is_file()]
        beside = sum(path.stat().st_size for path in artifacts if path.suffix != ".nc")
        store = (place / "mlflow.db").stat().st_size
        return TrackingCost(cells, first, second, slow, store / cells, beside / cells)


def _make_results(experiment: Experiment, folder: Path) -> None:
    from mechcore.experiment.grid import expand

    for name, cell in expand(experiment).items():
        write_dataset(simulate(cell), folder / "trajectories" / f"{name}.nc")
    results = Results.measured(experiment, folder)
    for name in TABLES:
        write_table(getattr(results, name), folder / f"{name}.csv")
    write_claims(judge(results), folder / CLAIMS_FILE)
    write_sweep(describe_sweep(results, None), folder)


def _seconds(folder: Path) -> float:
    words = ["track", "--experiment", "config.yaml", "--results", "results"]
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "mechcore", *words, "--to", "sqlite:///mlflow.db"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - start


def _one_by_one(folder: Path, experiment: Experiment) -> float:
    """Log a few cells as most programs do: a request for every parameter and number."""
    from mlflow import MlflowClient

    from mechcore.tracking.track import finished_experiments

    runs = finished_experiments(experiment, folder / "results", None)[0].runs[:SAMPLE]
    client = MlflowClient(f"sqlite:///{folder}/peer.db")
    place = client.create_experiment("peer")
    start = time.perf_counter()
    for run in runs:
        made = client.create_run(place).info.run_id
        for name, value in run.params.items():
            client.log_param(made, name, value)
        for metric, number, step in run.metrics:
            client.log_metric(made, metric, number, step=step)
        client.set_terminated(made)
    return time.perf_counter() - start
