"""A sweep as a run: the verdicts of its claims, its tables and its report."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from mechcore.claims.verdict import VERDICTS, Claim, read_claims
from mechcore.experiment.input_files import input_paths
from mechcore.experiment.naming import metric_name
from mechcore.experiment.paths import (
    APPENDIX_FILE,
    CELLS_FILE,
    CLAIMS_FILE,
    REGRESSIONS_FILE,
    SWEEP_FILE,
)
from mechcore.io.hashes import file_sha256
from mechcore.results.results import Results
from mechcore.results.sweep import Sweep
from mechcore.tracking.runs import MetricValue, TrackedRun, content_sha256

ARTIFACTS = (SWEEP_FILE, CELLS_FILE, CLAIMS_FILE, REGRESSIONS_FILE)
"""Results that become artifacts, with which another sweep can be compared."""


def sweep_run(results: Results, sweep: Sweep, report: Path | None) -> TrackedRun:
    """Return the run of a sweep."""
    claims = read_claims(results.folder / CLAIMS_FILE)
    files = [results.folder / name for name in ARTIFACTS]
    if report is not None:
        pages = (report, report.with_name(APPENDIX_FILE))
        files += [page for page in pages if page.is_file()]
    inputs = map(Path, input_paths(results.experiment))
    records = sweep.records.values()
    machine = sweep.environment.model_dump(include={"python", "cores"})
    return TrackedRun(
        name=f"sweep {sweep.identifier}",
        kind="sweep",
        key=sweep.identifier,
        content_sha256=content_sha256(
            [file_sha256(path) for path in files if path.name != SWEEP_FILE]
        ),
        started_at=min(record.started_at for record in records),
        finished_at=max(record.finished_at for record in records),
        source="mechcore summarise",
        note=_note(sweep, claims, results.experiment.setting),
        params={"cells": len(records), **machine},
        metrics=_metrics(results, sweep, claims),
        inputs={path: file_sha256(path) for path in inputs},
        files=files,
    )


def _metrics(results: Results, sweep: Sweep, claims: list[Claim]) -> list[MetricValue]:
    wall_seconds = sum(record.wall_seconds or 0.0 for record in sweep.records.values())
    counts = Counter(claim.verdict for claim in claims)
    verdicts = dict.fromkeys(name for names in VERDICTS.values() for name in names)
    return [
        ("simulations", float(len(results.metrics)), 0),
        ("wall_seconds", wall_seconds, 0),
        *(
            (metric_name("claims", verdict.replace(" ", "_")), float(counts[verdict]), 0)
            for verdict in verdicts
        ),
    ]


def _note(sweep: Sweep, claims: list[Claim], setting: str) -> str:
    lines = [
        f"Sweep `{sweep.identifier}` of **{sweep.experiment}**: {len(sweep.records)} cells. The "
        "report and the tables are among the artifacts.",
        *([f"The claims are judged at {setting}."] if setting else []),
        "",
        "| | verdict | statement |",
        "|---|---|---|",
        *(f"| {claim.id} | {claim.verdict} | {claim.statement} |" for claim in claims),
    ]
    return "\n".join(lines)
