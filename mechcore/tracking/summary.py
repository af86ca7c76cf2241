"""What MLflow is told of a sweep as a whole: its claims, its tables, its report."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from mechcore.claims.verdict import VERDICTS, Claim, read_claims
from mechcore.experiment.paths import (
    CELLS_FILE,
    CLAIMS_FILE,
    METRICS_FILE,
    MODELS_FILE,
    REGRESSIONS_FILE,
    SWEEP_FILE,
)
from mechcore.results.results import Results
from mechcore.results.sweep import Sweep
from mechcore.tracking.runs import (
    DIGEST,
    MOST_TEXT,
    NOTE_TAG,
    Description,
    Input,
    Measured,
    TrackedRun,
    content_of,
    finite,
)

SWEEP_ID_TAG = "mechcore.sweep_id"

SHOWN = (SWEEP_FILE, CELLS_FILE, CLAIMS_FILE, REGRESSIONS_FILE, MODELS_FILE)
"""Results that become artifacts, with which another sweep can be compared."""

MADE_OF = (METRICS_FILE, CELLS_FILE)
"""Results that are told as inputs."""


def summary_run(results: Results, sweep: Sweep, report: Path | None) -> TrackedRun:
    """Return the run of a sweep."""
    claims = read_claims(results.folder / CLAIMS_FILE)
    page = report if report is not None and report.is_file() else None
    files = [results.folder / name for name in SHOWN] + ([page] if page else [])
    records = sweep.records.values()
    return TrackedRun(
        f"sweep {sweep.identifier}",
        "sweep",
        (SWEEP_ID_TAG, sweep.identifier),
        content_of([_digest(path) for path in files if path.name != SWEEP_FILE]),
        min(record.started_at for record in records),
        max(record.finished_at for record in records),
        partial(_description, results, sweep, claims, files),
    )


def _description(
    results: Results, sweep: Sweep, claims: list[Claim], files: list[Path]
) -> Description:
    inputs = [results.folder / name for name in MADE_OF]
    return Description(
        {"mlflow.source.name": "mechcore summarise", NOTE_TAG: _note(sweep, claims)},
        {"cells": len(sweep.records), **sweep.environment.model_dump(include={"python", "cores"})},
        finite(_metrics(results, sweep, claims)),
        [Input(path.name, _digest(path)[:DIGEST], path) for path in inputs],
        files,
    )


def _metrics(results: Results, sweep: Sweep, claims: list[Claim]) -> Iterator[Measured]:
    cells, records = sweep.cells, sweep.records.values()
    yield "simulations", float(len(results.metrics)), 0
    yield "wall_seconds", sum(record.wall_seconds or 0.0 for record in records), 0
    if "engine_deviation" in cells:
        yield "engine_deviation", float(cells.engine_deviation.max()), 0
    counts = Counter(claim.verdict for claim in claims)
    for verdict in dict.fromkeys(name for names in VERDICTS.values() for name in names):
        yield f"claims {verdict}", float(counts[verdict]), 0


def _note(sweep: Sweep, claims: list[Claim]) -> str:
    lines = [
        f"Sweep `{sweep.identifier}` of **{sweep.experiment}**: {len(sweep.records)} cells. The "
        "report and the tables are among the artifacts.",
        "",
        "| | verdict | statement |",
        "|---|---|---|",
        *(f"| {claim.id} | {claim.verdict} | {claim.statement} |" for claim in claims),
    ]
    return "\n".join(lines)[:MOST_TEXT]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
