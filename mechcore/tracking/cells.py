"""Cells as runs, with curves over beta and a picture; their simulations as runs of their own."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any

from mechcore.analysis.combinations import axes_of
from mechcore.analysis.mechanics import SIMULATION
from mechcore.analysis.regressions import horizons, squared
from mechcore.experiment.cell import Cell
from mechcore.experiment.input_files import input_paths
from mechcore.experiment.naming import metric_name
from mechcore.experiment.paths import TRAJECTORIES
from mechcore.io.hashes import file_sha256
from mechcore.io.netcdf import CELL, open_cell
from mechcore.jobs.status import CellState
from mechcore.results.cells_table import PARAMETERS, parameters
from mechcore.results.results import Results
from mechcore.results.sweep import CellRecord, Sweep, metric_names
from mechcore.tracking.runs import (
    FAILED,
    PREVIEW,
    MetricValue,
    TrackedRun,
    code_tags,
    content_sha256,
    worthiest,
)

SOURCE = "mechcore simulate"

ERROR_TAG = "mechcore.error"

LOG_END = 4000
"""Characters of a log, and of an error, that the description of a failed run holds."""

WORTH = (
    *("speed_max", "beta_star", "light_speed", "slope_celerity", "r2_celerity"),
    *("diffusion_coefficient", "diffusion_exponent", "isotropy", "extinct", "ill_conditioned"),
    *("law_miss", "slope_beta", "r2_beta", "simulations"),
)
"""Ends or parts of the names of metrics that a person sorts or plots by, those of most worth first;
the others are in the table of cells alone."""


def cell_runs(results: Results, sweep: Sweep) -> list[TrackedRun]:
    """Return a run for every cell of a sweep."""
    curves, metrics = _curves(results), metric_names(sweep.cells)
    names = _by_worth(metrics, f"law_miss_{squared(horizons(results.metrics)[0])}")
    runs = []
    for row in sweep.cells.to_dict("records"):
        params = {name: row[name] for name in PARAMETERS}
        numbers = [*curves[row["cell"]], *((name, float(row[name]), 0) for name in names)]
        cell, record = results.cells[row["cell"]], sweep.records[row["cell"]]
        runs.append(_cell_run(cell, results.folder, record, params, numbers))
    return runs


def _by_worth(names: list[str], headline: str) -> list[str]:
    """The metrics that belong on the page of a run, the headline and then `WORTH` first."""
    chosen = [name for part in (headline, *WORTH) for name in names if part in name]
    return list(dict.fromkeys(chosen))


def simulation_runs(results: Results, sweep: Sweep) -> list[TrackedRun]:
    """Return a run for every simulation of a sweep, for scatter plots over values of beta."""
    rows = results.metrics.to_dict("records")
    return [_simulation_run(row, sweep.records[row["cell"]].finished_at) for row in rows]


def _cell_run(
    cell: Cell,
    folder: Path,
    record: CellRecord,
    params: Mapping[str, object],
    metrics: Sequence[MetricValue],
) -> TrackedRun:
    path = folder / TRAJECTORIES / f"{cell.id}.nc"
    costs = {"wall_seconds": record.wall_seconds, "memory_mb": record.memory_mb}
    note = (
        f"{cell.kernel} kernels of size {cell.size}, {cell.activation}: {cell.simulations} "
        f"simulations of {cell.steps} layers. The step of a curve is 1000 β; each point is the "
        "mean over the angles."
    )
    return TrackedRun(
        name=cell.id,
        kind="cell",
        key=cell.id,
        content_sha256=content_sha256(record.content_sha256, params, metrics),
        started_at=record.started_at,
        finished_at=record.finished_at,
        source=SOURCE,
        note=note,
        params=params,
        metrics=worthiest(
            [*((name, cost, 0) for name, cost in costs.items() if cost is not None), *metrics]
        ),
        tags=code_tags(record.commit, record.dirty),
        inputs={Path(name): file_sha256(name) for name in input_paths(cell)},
        files=[path],
        texts={"cell.json": _settings(cell)},
        draw=partial(draw_preview, path),
    )


def failed_run(cell: Cell, state: CellState) -> TrackedRun:
    """Return the run of a cell that failed, with the end of its log."""
    log = state.log.read_text(encoding="utf-8", errors="replace")
    failed_at = int(state.log.stat().st_mtime * 1000)
    return TrackedRun(
        name=cell.id,
        kind="cell",
        key=cell.id,
        content_sha256=content_sha256(log, cell.to_json()),
        started_at=failed_at,
        finished_at=failed_at,
        source=SOURCE,
        note=f"Failed; the log ends with\n\n```\n{log[-LOG_END:]}\n```",
        tags={ERROR_TAG: state.reason[:LOG_END]},
        params=parameters(cell),
        texts={"cell.json": _settings(cell), "log.txt": log},
        status=FAILED,
    )


def _simulation_run(row: Mapping[Any, Any], finished_at: int) -> TrackedRun:
    name = f"{row['cell']} {row['pattern']} {row['angle']:g}° β={row['mixing_ratio']:.6g}"
    params = {key: row[key] for key in (*SIMULATION, *axes_of(row))}
    # The axes of the grid as well: charts draw metrics only.
    metrics = worthiest(
        [(str(key), float(value), 0) for key, value in row.items() if isinstance(value, Real)]
    )
    return TrackedRun(
        name=name,
        kind="simulation",
        key=name,
        content_sha256=content_sha256(params, metrics),
        started_at=finished_at,
        finished_at=finished_at,
        source=SOURCE,
        params=params,
        metrics=metrics,
    )


def _settings(cell: Cell) -> str:
    return json.dumps(cell.to_mapping(), indent=2) + "\n"


def _curves(results: Results) -> dict[str, list[MetricValue]]:
    """Speed and final width over beta for each pattern, and the exact speed once for a cell."""
    keys = ["cell", "pattern", "mixing_ratio"]
    groups = results.metrics.groupby(keys, sort=False)[["sigma_final", "speed_theory"]]
    # A mean over some of the angles would be that of another set at every beta.
    means = groups.mean(skipna=False).reset_index()
    speeds = results.mean_speeds[[*keys, "speed"]]
    curves: dict[str, list[MetricValue]] = defaultdict(list)
    for point in means.merge(speeds, on=keys, validate="one_to_one").to_dict("records"):
        pattern, step = point["pattern"], round(1000 * point["mixing_ratio"])
        curve = curves[point["cell"]]
        for column in ("speed", "sigma_final"):
            curve.append((metric_name(pattern, column), float(point[column]), step))
        if pattern == results.patterns[0]:
            curve.append(("speed_theory", float(point["speed_theory"]), step))
    return curves


def draw_preview(path: Path, folder: Path) -> None:
    """Draw the trajectories of a cell as `PREVIEW`."""
    # Loads libraries of figures, which tracking needs for new cells only.
    from mechcore.report.figures.style import write_png
    from mechcore.report.figures.trajectories import cell_preview

    with open_cell(path, chunks=None) as dataset:
        write_png(cell_preview(dataset.squeeze(CELL)), folder / PREVIEW)
