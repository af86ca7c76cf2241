"""What MLflow is told of a bank of trained kernels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from mechcore.analysis.tables import table_text
from mechcore.experiment.banks import PlannedBank, planned_banks
from mechcore.experiment.naming import metric_name
from mechcore.filters.summary import SHARES
from mechcore.results.banks import BankResults, bank_files
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

BANK_TAG = "mechcore.bank_id"

OF_LAYERS = (
    *("energy", *SHARES, *(f"{name}_mean" for name in SHARES)),
    *("null_low_frequency_share", "no_negative_tap", "alignment"),
)
"""Columns of the layers that become curves over depth; the step is the number of the layer."""


def bank_runs(results: Results, sweep: Sweep) -> list[TrackedRun]:
    """Return the runs of the banks of a sweep."""
    return [
        _run(results, plan, sweep.banks)
        for plan in planned_banks(results.experiment).values()
        if _names(results, plan) <= set(sweep.banks)
    ]


def _names(results: Results, plan: PlannedBank) -> set[str]:
    files = bank_files(plan, results.folder)
    return {path.relative_to(results.folder).as_posix() for path in files}


def _run(results: Results, plan: PlannedBank, hashes: Mapping[str, str]) -> TrackedRun:
    files = bank_files(plan, results.folder)
    when = max(int(path.stat().st_mtime * 1000) for path in files)
    return TrackedRun(
        f"filters/{plan.name}",
        "bank",
        (BANK_TAG, plan.name),
        content_of({name: hashes[name] for name in sorted(_names(results, plan))}),
        when,
        when,
        partial(_description, results, plan),
    )


def _description(results: Results, plan: PlannedBank) -> Description:
    bank = BankResults.load(plan, results.folder, results.experiment)
    analysis, weights = bank.analysis, str(bank.analysis.attributes["weights_sha256"])
    return Description(
        {
            "mechcore.weights_sha256": weights,
            "mlflow.source.name": "mechcore filters",
            NOTE_TAG: _note(bank),
        },
        {
            "weights": analysis.attributes["weights"],
            "trained": plan.trained,
            "layers": len(analysis.layers),
            "shapes": " ".join(analysis.slices),
        },
        finite([*_whole(bank), *_layers(bank), *_motion(bank)]),
        [Input(Path(plan.weights).name, weights[:DIGEST], Path(plan.weights))],
        texts={"layers.csv": table_text(analysis.layers)},
    )


def _note(bank: BankResults) -> str:
    names = ", ".join(map(str, bank.analysis.layers.name))
    return f"Kernels of {bank.plan.weights}. The step of curves is the layer: {names}"[:MOST_TEXT]


def _whole(bank: BankResults) -> Iterator[Measured]:
    row = bank.analysis.summary.iloc[0]
    for name in row.index:
        yield str(name), float(row[name]), 0


def _layers(bank: BankResults) -> Iterator[Measured]:
    for step, row in enumerate(bank.analysis.layers.to_dict("records")):
        for name in OF_LAYERS:
            yield metric_name("layer", name), float(row[name]), step


def _motion(bank: BankResults) -> Iterator[Measured]:
    """Medians of the measured speed, and the share that died, by activation and layer."""
    velocities = bank.velocities
    sound = velocities[~velocities.ill_conditioned.astype(bool)]
    for (activation, number), rows in sound.groupby(["activation", "number"], sort=False):
        step = int(str(number)) - 1
        speed = (rows.velocity_x**2 + rows.velocity_y**2) ** 0.5
        yield metric_name(activation, "speed_median"), float(speed.median()), step
        yield metric_name(activation, "extinct"), float(rows.extinct_at.notna().mean()), step
