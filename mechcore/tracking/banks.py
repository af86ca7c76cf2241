"""What MLflow is told of a bank of trained kernels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from mechcore.evidence import BankEvidence, Evidence, bank_files
from mechcore.filters.plan import PlannedBank, planned_banks
from mechcore.filters.summary import SHARES
from mechcore.naming import metric_name
from mechcore.sweeps import Sweep
from mechcore.tables import table_text
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


def bank_runs(evidence: Evidence, sweep: Sweep) -> list[TrackedRun]:
    """Return the runs of the banks of a sweep.

    Parameters
    ----------
    evidence : Evidence
        The results.
    sweep : Sweep
        What is known of them: banks that are not finished are left out.

    Returns
    -------
    list of TrackedRun
        In the order of the configuration.
    """
    return [
        _run(evidence, plan, sweep.banks)
        for plan in planned_banks(evidence.experiment).values()
        if _names(evidence, plan) <= set(sweep.banks)
    ]


def _names(evidence: Evidence, plan: PlannedBank) -> set[str]:
    files = bank_files(plan, evidence.results)
    return {path.relative_to(evidence.results).as_posix() for path in files}


def _run(evidence: Evidence, plan: PlannedBank, hashes: Mapping[str, str]) -> TrackedRun:
    files = bank_files(plan, evidence.results)
    when = max(int(path.stat().st_mtime * 1000) for path in files)
    return TrackedRun(
        f"filters/{plan.name}",
        "bank",
        (BANK_TAG, plan.name),
        content_of({name: hashes[name] for name in sorted(_names(evidence, plan))}),
        when,
        when,
        partial(_description, evidence, plan),
    )


def _description(evidence: Evidence, plan: PlannedBank) -> Description:
    bank = BankEvidence.load(plan, evidence.results, evidence.experiment)
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


def _note(bank: BankEvidence) -> str:
    names = ", ".join(map(str, bank.analysis.layers.name))
    return f"Kernels of {bank.plan.weights}. The step of curves is the layer: {names}"[:MOST_TEXT]


def _whole(bank: BankEvidence) -> Iterator[Measured]:
    row = bank.analysis.whole.iloc[0]
    for name in row.index:
        yield str(name), float(row[name]), 0


def _layers(bank: BankEvidence) -> Iterator[Measured]:
    for step, row in enumerate(bank.analysis.layers.to_dict("records")):
        for name in OF_LAYERS:
            yield metric_name("layer", name), float(row[name]), step


def _motion(bank: BankEvidence) -> Iterator[Measured]:
    """Medians of the measured speed, and the share that died, by activation and layer."""
    velocities = bank.velocities
    sound = velocities[~velocities.ill_conditioned.astype(bool)]
    for (activation, number), rows in sound.groupby(["activation", "number"], sort=False):
        step = int(str(number)) - 1
        speed = (rows.velocity_x**2 + rows.velocity_y**2) ** 0.5
        yield metric_name(activation, "speed_median"), float(speed.median()), step
        yield metric_name(activation, "extinct"), float(rows.extinct_at.notna().mean()), step
