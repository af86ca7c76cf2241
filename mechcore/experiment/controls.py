"""The plan of the controls: even and odd kernels on noise, which has no symmetry."""

from __future__ import annotations

from typing import Any

from mechcore.experiment.cell import SCHEDULES, Cell, PatternSettings, SnapshotSettings
from mechcore.experiment.config import Experiment
from mechcore.experiment.grid import cell_of
from mechcore.model.kernels import FAMILIES
from mechcore.model.patterns import PATTERNS

NOISE = "random"
"""An even kernel leaves a symmetric pattern in place whatever the activation does."""


def control_cells(experiment: Experiment) -> list[Cell]:
    """Return the controls of an experiment: even and odd kernels of every family, on noise."""
    axes = {
        "patterns": [_noise(experiment)],
        "angles": [0.0],
        "betas": [0.0, 1.0],
        "schedule": SCHEDULES["constant"],
        "snapshots": SnapshotSettings(),
    }
    return [
        cell_of(experiment, **axes, kernel=family, activation=activation, size=size)
        for family, entry in FAMILIES.items()
        if entry.by_parity
        for activation in experiment.activations
        for size in experiment.sizes
        if entry.has_size(size)
    ]


def controls_settings(experiment: Experiment) -> dict[str, Any]:
    """Return the settings that the controls of an experiment depend on."""
    return experiment.without_banks().to_mapping()


def _noise(experiment: Experiment) -> PatternSettings:
    """Noise that fits into the domain."""
    side = PATTERNS[NOISE].defaults["side"]
    if experiment.domain is None or experiment.domain >= side:
        return PatternSettings(name=NOISE)
    return PatternSettings(name=NOISE, arguments={"side": experiment.domain})
