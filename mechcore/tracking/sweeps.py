"""A sweep as a run: the verdicts of its claims, its tables and its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from mechcore.claims.verdict import VERDICTS, Claim, read_claims
from mechcore.experiment.paths import CELLS_FILE, CLAIMS_FILE, SWEEP_FILE
from mechcore.io.hashes import file_sha256
from mechcore.results.results import Results
from mechcore.results.sweep import Sweep
from mechcore.tracking.runs import (
    MAX_TEXT,
    NOTE_TAG,
    InputFile,
    MetricValue,
    RunContent,
    TrackedRun,
    content_sha256,
    finite,
)

ARTIFACTS = (SWEEP_FILE, CELLS_FILE, CLAIMS_FILE, "regressions.csv", "models.csv")
"""Results that become artifacts, with which another sweep can be compared."""

INPUTS = ("metrics.csv", CELLS_FILE)


def sweep_run(results: Results, sweep: Sweep, report: Path | None) -> TrackedRun:
    """Return the run of a sweep."""
    claims = read_claims(results.folder / CLAIMS_FILE)
    files = [results.folder / name for name in ARTIFACTS]
    if report is not None and report.is_file():
        files.append(report)
    records = sweep.records.values()
    return TrackedRun(
        f"sweep {sweep.identifier}",
        "sweep",
        sweep.identifier,
        content_sha256([file_sha256(path) for path in files if path.name != SWEEP_FILE]),
        min(record.started_at for record in records),
        max(record.finished_at for record in records),
        partial(_content, results, sweep, claims, files),
    )


def _content(results: Results, sweep: Sweep, claims: list[Claim], files: list[Path]) -> RunContent:
    inputs = [results.folder / name for name in INPUTS]
    return RunContent(
        {"mlflow.source.name": "mechcore summarise", NOTE_TAG: _note(sweep, claims)},
        {"cells": len(sweep.records), **sweep.environment.model_dump(include={"python", "cores"})},
        finite(_metrics(results, sweep, claims)),
        [InputFile(path, file_sha256(path)) for path in inputs],
        files,
    )


def _metrics(results: Results, sweep: Sweep, claims: list[Claim]) -> Iterator[MetricValue]:
    records = sweep.records.values()
    yield "simulations", float(len(results.metrics)), 0
    yield "wall_seconds", sum(record.wall_seconds or 0.0 for record in records), 0
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
    return "\n".join(lines)[:MAX_TEXT]
