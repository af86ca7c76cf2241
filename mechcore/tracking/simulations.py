"""What MLflow is told of single simulations, for scatter plots over single betas."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from mechcore.analysis.mechanics import SIMULATION
from mechcore.results.results import Results
from mechcore.results.sweep import Sweep
from mechcore.tracking.cells import Row, table_rows
from mechcore.tracking.runs import Description, Measured, TrackedRun, content_of, finite

SIMULATION_TAG = "mechcore.simulation_id"


def simulation_runs(results: Results, sweep: Sweep) -> list[TrackedRun]:
    """Return a run for every simulation of a sweep."""
    times = {name: record.finished_at for name, record in sweep.records.items()}
    return [_run(row["cell"], row, times[row["cell"]]) for row in table_rows(results.metrics)]


def _run(cell: str, row: Row, finished_at: int) -> TrackedRun:
    name = f"{cell} {row['pattern']} {row['angle']:g}° β={row['beta']:.6g}"
    params = {key: row[key] for key in SIMULATION}
    metrics = finite(_numbers(row))
    return TrackedRun(
        name,
        "simulation",
        (SIMULATION_TAG, name),
        content_of(params, metrics),
        finished_at,
        finished_at,
        partial(Description, {"mlflow.source.name": "mechcore simulate"}, params, metrics),
    )


def _numbers(row: Row) -> Iterator[Measured]:
    """All columns that are numbers, those of the axes as well: charts draw metrics only."""
    for name, value in row.items():
        if isinstance(value, (bool, float, int)):
            yield name, float(value), 0
