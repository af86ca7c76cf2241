"""Banks of trained kernels as runs, with curves over the depth of the network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mechcore.analysis.tables import table_text
from mechcore.experiment.banks import planned_banks
from mechcore.experiment.naming import metric_name
from mechcore.results.banks import BankResults, bank_files
from mechcore.results.results import Results
from mechcore.results.sweep import Sweep
from mechcore.tracking.runs import MetricValue, TrackedRun, content_sha256, worthiest

LAYER_CURVES = (
    *("low_frequency_share", "null_low_frequency_share", "null_low_frequency_limit"),
    *("odd_energy_ratio", "null_odd_energy_ratio", "no_negative_tap", "alignment"),
    *("symmetric", "mixed", "antisymmetric", "energy"),
)
"""Columns of the table of layers that become curves; the step is the number of the layer."""

SUMMARY = ("low_frequency_share", "odd_energy_ratio", "energy", "alignment")
"""Columns of the summary of a bank; all are in its file."""


def bank_runs(results: Results, sweep: Sweep) -> list[TrackedRun]:
    """Return a run for every bank of a sweep."""
    runs = []
    for plan in planned_banks(results.experiment).values():
        files = bank_files(plan, results.folder)
        names = sorted(path.relative_to(results.folder).as_posix() for path in files)
        if set(names) <= set(sweep.banks):
            bank = BankResults.load(plan, results.folder, results.experiment)
            hashes = {name: sweep.banks[name] for name in names}
            runs.append(_run(bank, files, content_sha256(hashes)))
    return runs


def _run(bank: BankResults, files: list[Path], sha256: str) -> TrackedRun:
    plan, analysis = bank.plan, bank.analysis
    weights_sha256 = str(analysis.attributes["weights_sha256"])
    written_at = max(int(path.stat().st_mtime * 1000) for path in files)
    layers = ", ".join(map(str, analysis.layers.name))
    return TrackedRun(
        name=f"filters/{plan.name}",
        kind="bank",
        key=plan.name,
        content_sha256=sha256,
        started_at=written_at,
        finished_at=written_at,
        source="mechcore filters",
        note=f"Kernels of {plan.weights}. The step of a curve is the layer: {layers}",
        tags={"mechcore.weights_sha256": weights_sha256},
        params={
            "weights": analysis.attributes["weights"],
            "trained": plan.trained,
            "layers": len(analysis.layers),
            "shapes": " ".join(analysis.slices),
            **(plan.source.to_mapping() if plan.source else {}),
        },
        metrics=worthiest([*_summary(bank), *_layer_metrics(bank), *_motion_metrics(bank)]),
        inputs={Path(plan.weights): weights_sha256},
        texts={"layers.csv": table_text(analysis.layers)},
    )


def _summary(bank: BankResults) -> Iterator[MetricValue]:
    for name in SUMMARY:
        yield name, float(bank.analysis.summary[name].iloc[0]), 0


def _layer_metrics(bank: BankResults) -> Iterator[MetricValue]:
    for step, row in enumerate(bank.analysis.layers.to_dict("records")):
        for name in LAYER_CURVES:
            yield metric_name("layer", name), float(row[name]), step


def _motion_metrics(bank: BankResults) -> Iterator[MetricValue]:
    """The median of the measured speed and the share of extinct states, by activation and layer."""
    velocities = bank.velocities
    sound = velocities[~velocities.ill_conditioned.astype(bool)]
    for (activation, number), rows in sound.groupby(["activation", "number"], sort=False):
        step = int(str(number)) - 1
        speed = (rows.velocity_x**2 + rows.velocity_y**2) ** 0.5
        yield metric_name(activation, "speed_median"), float(speed.median()), step
        yield metric_name(activation, "extinct"), float(rows.extinct_at.notna().mean()), step
