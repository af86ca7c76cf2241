"""The cells of a sweep as runs, with curves over beta and a picture."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from mechcore.experiment.cell import Cell
from mechcore.experiment.config import Experiment
from mechcore.experiment.grid import expand
from mechcore.experiment.naming import metric_name
from mechcore.experiment.paths import TRAJECTORIES
from mechcore.io.netcdf import read_dataset
from mechcore.jobs.status import CellState, cell_states
from mechcore.results.cells_table import PARAMETERS, parameters
from mechcore.results.results import Results
from mechcore.results.sweep import CellRecord, Sweep, metric_names
from mechcore.tracking.runs import (
    FAILED,
    MAX_TEXT,
    NOTE_TAG,
    InputFile,
    MetricValue,
    RunContent,
    TrackedRun,
    content_sha256,
    finite,
)

ERROR_TAG = "mechcore.error"

TABLE_ONLY = ("/intercept_", "/slope_se_")
"""Metrics of a sweep that nobody sorts or plots by: each would be one more chart on the page."""


def cell_runs(results: Results, sweep: Sweep) -> list[TrackedRun]:
    """Return the runs of the cells of a sweep."""
    curves, metrics = _curves(results), metric_names(sweep.cells)
    names = [name for name in metrics if not any(part in name for part in TABLE_ONLY)]
    return [
        _run(results, row, sweep.records[row["cell"]], names, curves[row["cell"]])
        for row in sweep.cells.to_dict("records")
    ]


def failed_runs(experiment: Experiment, directory: Path, logs: Path) -> list[TrackedRun]:
    """Return the runs of the cells that failed."""
    cells = expand(experiment)
    states = cell_states(cells, directory, logs)
    return [_failed_run(cells[state.cell], state) for state in states if state.state == "failed"]


def _run(
    results: Results,
    row: Mapping[Any, Any],
    record: CellRecord,
    names: list[str],
    curves: list[MetricValue],
) -> TrackedRun:
    cell = str(row["cell"])
    path = results.folder / TRAJECTORIES / f"{cell}.nc"
    params = {name: row[name] for name in PARAMETERS}
    metrics = finite([*((name, float(row[name]), 0) for name in names), *curves])
    return TrackedRun(
        cell,
        "cell",
        cell,
        content_sha256(record.content_sha256, params, metrics),
        record.started_at,
        record.finished_at,
        partial(_content, results.cells[cell], path, record, params, metrics),
        draw=partial(draw_preview, path),
    )


def _content(
    cell: Cell,
    path: Path,
    record: CellRecord,
    params: Mapping[str, object],
    metrics: list[MetricValue],
) -> RunContent:
    costs = {"wall_seconds": record.wall_seconds, "memory_mb": record.memory_mb}
    note = (
        f"{cell.kernel} kernels of size {cell.size}, {cell.activation}: {cell.simulations} "
        f"simulations of {cell.steps} layers. The step of a curve is 1000 β; each point is the "
        "mean over the angles."
    )
    return RunContent(
        {"mlflow.source.name": "mechcore simulate", NOTE_TAG: note},
        params,
        [*metrics, *((name, value, 0) for name, value in costs.items() if value is not None)],
        [InputFile(path, record.content_sha256)],
        [path],
        {"cell.json": _settings(cell)},
    )


def _settings(cell: Cell) -> str:
    return json.dumps(cell.to_mapping(), indent=2) + "\n"


def _curves(results: Results) -> dict[str, list[MetricValue]]:
    """Speed and final width over beta for each pattern, and the exact speed once for a cell."""
    keys = ["cell", "pattern", "beta"]
    groups = results.metrics.groupby(keys, sort=False)[["sigma_final", "speed_theory"]]
    # A mean over some of the angles would be that of another set at every beta.
    means = groups.mean(skipna=False).reset_index()
    speeds = results.mean_speeds[[*keys, "speed"]]
    curves: dict[str, list[MetricValue]] = defaultdict(list)
    for point in means.merge(speeds, on=keys, validate="one_to_one").to_dict("records"):
        pattern, step = point["pattern"], round(1000 * point["beta"])
        curve = curves[point["cell"]]
        for column in ("speed", "sigma_final"):
            curve.append((metric_name(pattern, column), float(point[column]), step))
        if pattern == results.patterns[0]:
            curve.append(("speed_theory", float(point["speed_theory"]), step))
    return curves


def draw_preview(path: Path, folder: Path) -> None:
    """Draw the trajectories of a cell as ``preview.png``."""
    from mechcore.report.figures.preview import cell_preview
    from mechcore.report.figures.style import save

    figure = cell_preview(read_dataset(path))
    save(figure, folder / "preview", suffixes=[".png"])


def _failed_run(cell: Cell, state: CellState) -> TrackedRun:
    # Read now: the next attempt writes into the same file.
    log = state.log.read_text(encoding="utf-8", errors="replace")
    failed_at = int(state.log.stat().st_mtime * 1000)
    return TrackedRun(
        cell.id,
        "cell",
        cell.id,
        content_sha256(log, cell.to_json()),
        failed_at,
        failed_at,
        partial(_failure_content, cell, state.reason, log),
        FAILED,
    )


def _failure_content(cell: Cell, reason: str, log: str) -> RunContent:
    tags = {
        "mlflow.source.name": "mechcore simulate",
        ERROR_TAG: reason[:MAX_TEXT],
        NOTE_TAG: f"Failed; the log ends with\n\n```\n{log[-MAX_TEXT:]}\n```",
    }
    texts = {"cell.json": _settings(cell), "log.txt": log}
    return RunContent(tags, parameters(cell), texts=texts)
