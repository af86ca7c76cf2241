"""What MLflow is told of single simulations, for scatter plots over single betas."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from mechcore.evidence import Evidence
from mechcore.mechanics import SIMULATION
from mechcore.regressions import cell_names
from mechcore.sweeps import Sweep
from mechcore.tracking.cells import Row, table_rows
from mechcore.tracking.runs import Description, Measured, TrackedRun, content_of, finite

SIMULATION_TAG = "mechcore.simulation_id"


def simulation_runs(evidence: Evidence, sweep: Sweep) -> list[TrackedRun]:
    """Return a run for every simulation of a sweep.

    Parameters
    ----------
    evidence : Evidence
        The results.
    sweep : Sweep
        What is known of them.

    Returns
    -------
    list of TrackedRun
        In the order of the table of metrics.
    """
    metrics = evidence.metrics
    cells = cell_names(metrics, evidence.experiment.boundary)
    times = {name: record.finished_at for name, record in sweep.records.items()}
    return [
        _run(str(cell), row, times[str(cell)])
        for cell, row in zip(cells, table_rows(metrics), strict=True)
    ]


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
