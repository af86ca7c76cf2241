"""What MLflow is told of the cells of a sweep."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from mechcore.analysis.regressions import mean_speeds
from mechcore.experiment.cell import Cell
from mechcore.experiment.config import Experiment
from mechcore.experiment.grid import expand
from mechcore.experiment.naming import metric_name
from mechcore.io.netcdf import read_dataset
from mechcore.jobs.status import CellState, cell_states
from mechcore.results.cells_table import PARAMETERS, parameters
from mechcore.results.results import Results
from mechcore.results.sweep import CellRecord, Sweep, metric_names
from mechcore.tracking.runs import (
    DIGEST,
    FAILED,
    MOST_TEXT,
    NOTE_TAG,
    Description,
    Input,
    Measured,
    TrackedRun,
    content_of,
    finite,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CELL_TAG = "mechcore.cell_id"
ERROR_TAG = "mechcore.error"

CURVES = ("speed", "sigma_final")
"""Columns of the metrics that become curves over beta, one a pattern; the step is round(1000 beta).
"""

ONLY_IN_TABLES = ("/intercept_", "/slope_se_")
"""Metrics of a sweep that nobody sorts or plots by: each one is a chart more on every page."""

THEORY = "speed_theory"
"""The curve that is the same for all patterns."""

Row = dict[str, Any]


def table_rows(table: pd.DataFrame) -> list[Row]:
    """Return the rows of a table by the names of its columns.

    Examples
    --------
    >>> table_rows(pd.DataFrame({"beta": [0.5]}))
    [{'beta': 0.5}]
    """
    names = [str(name) for name in table]
    return [dict(zip(names, row, strict=True)) for row in table.itertuples(index=False, name=None)]


def cell_runs(results: Results, sweep: Sweep) -> list[TrackedRun]:
    """Return the runs of the cells of a sweep."""
    curves, metrics = _curves(results), metric_names(sweep.cells)
    names = [name for name in metrics if not any(part in name for part in ONLY_IN_TABLES)]
    return [
        _run(results, row, sweep.records[row["cell"]], names, curves[row["cell"]])
        for row in table_rows(sweep.cells)
    ]


def failed_runs(experiment: Experiment, directory: Path, logs: Path) -> list[TrackedRun]:
    """Return the runs of the cells that failed."""
    cells = expand(experiment)
    states = cell_states(cells, directory, logs)
    return [_failed(cells[state.cell], state) for state in states if state.state == "failed"]


def _run(
    results: Results, row: Row, record: CellRecord, names: list[str], curves: list[Measured]
) -> TrackedRun:
    cell = str(row["cell"])
    path = results.folder / "trajectories" / f"{cell}.nc"
    known = {name: row[name] for name in PARAMETERS}
    metrics = finite([*((name, float(row[name]), 0) for name in names), *curves])
    return TrackedRun(
        cell,
        "cell",
        (CELL_TAG, cell),
        content_of(record.content_sha256, known, metrics),
        record.started_at,
        record.finished_at,
        partial(_description, results.cells[cell], path, record, known, metrics),
        draw=partial(draw_preview, path),
    )


def _description(
    cell: Cell, path: Path, record: CellRecord, params: Row, metrics: list[Measured]
) -> Description:
    costs = {"wall_seconds": record.wall_seconds, "memory_mb": record.memory_mb}
    return Description(
        {"mlflow.source.name": "mechcore simulate", NOTE_TAG: _note(cell)},
        params,
        [*metrics, *((name, value, 0) for name, value in costs.items() if value is not None)],
        [Input(path.name, record.content_sha256[:DIGEST], path)],
        [path],
        {"cell.json": _settings(cell)},
    )


def _settings(cell: Cell) -> str:
    return json.dumps(cell.to_mapping(), indent=2) + "\n"


def _note(cell: Cell) -> str:
    return (
        f"{cell.kernel} kernels of size {cell.size}, {cell.activation}: "
        f"{cell.simulations} simulations of {cell.steps} layers. The step of curves is 1000 beta; "
        "each point is the mean over the angles."
    )


def _curves(results: Results) -> dict[str, list[Measured]]:
    """The curves of each cell over beta: what a sweep over beta looks like in a chart."""
    keys = ["cell", "pattern", "beta"]
    others = results.metrics.groupby(keys, sort=False)[[*CURVES[1:], THEORY]]
    # A mean over some of the angles would be that of another set at every beta.
    means = others.mean(skipna=False).reset_index()
    speeds = mean_speeds(results.metrics)[[*keys, "speed"]]
    points = means.merge(speeds, on=keys, validate="one_to_one")
    names = {
        one: [(metric_name(one, curve), curve) for curve in CURVES] for one in results.patterns
    }
    names[results.patterns[0]].append((THEORY, THEORY))
    curves: dict[str, list[Measured]] = defaultdict(list)
    for row in table_rows(points):
        step = round(1000 * row["beta"])
        curves[row["cell"]] += [
            (name, float(row[curve]), step) for name, curve in names[row["pattern"]]
        ]
    return curves


def draw_preview(path: Path, folder: Path) -> None:
    """Draw the card of a cell."""
    from mechcore.report.figures.preview import cell_preview
    from mechcore.report.figures.style import save

    figure = cell_preview(read_dataset(path), _blank_preview())
    save(figure, folder / "preview", suffixes=[".png"])


@cache
def _blank_preview() -> Figure:
    """Axes for all cells that a process draws."""
    from mechcore.report.figures.preview import blank_preview

    return blank_preview()


def _failed(cell: Cell, state: CellState) -> TrackedRun:
    text = state.log.read_text(encoding="utf-8", errors="replace")
    when = int(state.log.stat().st_mtime * 1000)
    return TrackedRun(
        cell.id,
        "cell",
        (CELL_TAG, cell.id),
        content_of(text, cell.to_json()),
        when,
        when,
        lambda: Description(
            {
                "mlflow.source.name": "mechcore simulate",
                ERROR_TAG: state.reason[:MOST_TEXT],
                NOTE_TAG: f"Failed; the log ends with\n\n```\n{text[-MOST_TEXT:]}\n```",
            },
            parameters(cell),
            # Its text: the next attempt writes into the same file.
            texts={"cell.json": _settings(cell), "log.txt": text},
        ),
        FAILED,
    )
