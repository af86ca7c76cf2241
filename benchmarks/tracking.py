"""Logging a grid to MLflow: seconds and bytes a cell, beside one request for every number."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import yaml

from benchmarks.ratio import Ratio
from benchmarks.timing import in_child, spent
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


def measure_tracking(quick: bool) -> Iterator[Ratio]:
    """Compare logging a grid, and a run that has nothing to log, with a request a number."""
    grid = GRID | QUICK if quick else GRID
    experiment = load_experiment(grid)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make_results(experiment, folder / "results")
        (folder / "config.yaml").write_text(yaml.safe_dump(grid))
        cells = len(list((folder / "results" / "trajectories").iterdir()))
        command = [sys.executable, "-m", "mechcore", "track", "--experiment", "config.yaml"]
        command += ["--results", "results", "--to", "sqlite:///mlflow.db"]
        first, second = (spent(command, folder).processor for _ in range(2))
        slow = in_child(_one_by_one, folder, experiment) * cells / SAMPLE
        store = (folder / "mlflow.db").stat().st_size
    remark = f"{store / cells / 1e3:.0f} kB a cell in the store"
    yield Ratio(f"{cells} cells, first time", first, "a request a number", slow, remark)
    yield Ratio(f"{cells} cells, nothing new", second, "a request a number", slow)


def _make_results(experiment: Experiment, folder: Path) -> None:
    from mechcore.experiment.grid import expand

    for name, cell in expand(experiment).items():
        write_dataset(simulate(cell), folder / "trajectories" / f"{name}.nc")
    results = Results.measured(experiment, folder)
    for name in TABLES:
        write_table(getattr(results, name), folder / f"{name}.csv")
    write_claims(judge(results), folder / CLAIMS_FILE)
    write_sweep(describe_sweep(results, None), folder)


def _one_by_one(folder: Path, experiment: Experiment) -> float:
    """Log a few cells as most programs do: a request for every parameter and number."""
    from mlflow import MlflowClient

    from mechcore.tracking.track import finished_experiments

    runs = finished_experiments(experiment, folder / "results", None)[0].runs[:SAMPLE]
    client = MlflowClient(f"sqlite:///{folder}/peer.db")
    place = client.create_experiment("peer")
    start = time.process_time()
    for run in runs:
        made = client.create_run(place).info.run_id
        for name, value in run.params.items():
            client.log_param(made, name, value)
        for metric, number, step in run.metrics:
            client.log_metric(made, metric, number, step=step)
        client.set_terminated(made)
    return time.process_time() - start
