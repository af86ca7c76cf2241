"""What MLflow is told of a bank of trained kernels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from mechcore.config import Experiment
from mechcore.errors import MechcoreError
from mechcore.evidence import BankEvidence, bank_files
from mechcore.filters.plan import PlannedBank, planned_banks
from mechcore.filters.summary import SHARES
from mechcore.storage import ROOT
from mechcore.tables import write_table
from mechcore.tracked import Description, Measured, TrackedRun, key

BANK_TAG = "mechcore.bank_id"

MOST_TEXT = 4000
"""Characters of a note: a store takes 5000 in a tag."""

OF_LAYERS = (
    *("energy", *SHARES, *(f"{name}_mean" for name in SHARES)),
    *("null_low_frequency_share", "no_negative_tap", "alignment"),
)
"""Columns of the layers that become curves over depth; the step is the number of the layer."""


def tracked_banks(experiment: Experiment, results: Path) -> Iterator[TrackedRun]:
    """Return the runs of all banks of an experiment.

    Parameters
    ----------
    experiment : Experiment
        The configuration.
    results : Path
        Folder of its results.

    Yields
    ------
    TrackedRun
        In the order of the configuration. Every file is looked for before the first.

    Raises
    ------
    MechcoreError
        If a result is missing or damaged.
    """
    banks = planned_banks(experiment)
    for plan in banks.values():
        for path in bank_files(plan, results):
            if not path.is_file():
                raise MechcoreError(f"{path}: missing, expected what is known of every bank")
    return (_tracked(plan, results, experiment) for plan in banks.values())


def _tracked(plan: PlannedBank, results: Path, experiment: Experiment) -> TrackedRun:
    bank = BankEvidence.load(plan, results, experiment)
    roots = [bank.analysis.attributes, *([bank.runs[ROOT].attrs] if bank.runs else [])]
    hashes = "".join(str(attributes["content_sha256"]) for attributes in roots)
    return TrackedRun(
        f"filters/{plan.name}",
        (BANK_TAG, plan.name),
        hashlib.sha256(hashes.encode()).hexdigest(),
        max(int(path.stat().st_mtime * 1000) for path in bank_files(plan, results)),
        lambda: _description(bank),
    )


def _description(bank: BankEvidence) -> Description:
    analysis = bank.analysis
    return Description(
        {
            "mechcore.weights_sha256": str(analysis.attributes["weights_sha256"]),
            "mlflow.source.name": "mechcore filters",
            "mlflow.note.content": _note(bank),
        },
        {
            "weights": analysis.attributes["weights"],
            "trained": bank.plan.trained,
            "layers": len(analysis.layers),
            "shapes": " ".join(analysis.slices),
        },
        [*_whole(bank), *_layers(bank), *_motion(bank)],
        [],
        lambda folder: write_table(analysis.layers, folder / "layers.csv"),
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
            yield key("layer", name), float(row[name]), step


def _motion(bank: BankEvidence) -> Iterator[Measured]:
    """Medians of the measured speed, and the share that died, by activation and layer."""
    velocities = bank.velocities
    sound = velocities[~velocities.ill_conditioned.astype(bool)]
    for (activation, number), rows in sound.groupby(["activation", "number"], sort=False):
        step = int(str(number)) - 1
        speed = (rows.velocity_x**2 + rows.velocity_y**2) ** 0.5
        yield key(activation, "speed_median"), float(speed.median()), step
        yield key(activation, "extinct"), float(rows.extinct_at.notna().mean()), step
