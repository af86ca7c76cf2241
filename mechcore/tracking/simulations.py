"""Single simulations as runs, for scatter plots over single values of beta."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from numbers import Real
from typing import Any

from mechcore.analysis.mechanics import SIMULATION
from mechcore.results.results import Results
from mechcore.results.sweep import Sweep
from mechcore.tracking.runs import RunContent, TrackedRun, content_sha256, finite


def simulation_runs(results: Results, sweep: Sweep) -> list[TrackedRun]:
    """Return a run for every simulation of a sweep."""
    rows = results.metrics.to_dict("records")
    return [_run(row, sweep.records[row["cell"]].finished_at) for row in rows]


def _run(row: Mapping[Any, Any], finished_at: int) -> TrackedRun:
    name = f"{row['cell']} {row['pattern']} {row['angle']:g}° β={row['beta']:.6g}"
    params = {key: row[key] for key in SIMULATION}
    # The axes of the grid as well: charts draw metrics only.
    numbers = [(key, float(value), 0) for key, value in row.items() if isinstance(value, Real)]
    metrics = finite(numbers)
    return TrackedRun(
        name,
        "simulation",
        name,
        content_sha256(params, metrics),
        finished_at,
        finished_at,
        partial(RunContent, {"mlflow.source.name": "mechcore simulate"}, params, metrics),
    )
