"""The plan of the controls: even and odd kernels on noise, which has no symmetry."""

from __future__ import annotations

from typing import Any

from mechcore.experiment.cell import Cell, PatternSettings, Shared, SnapshotSettings
from mechcore.experiment.config import Experiment
from mechcore.model.kernels import FAMILIES
from mechcore.model.patterns import PATTERNS

NOISE = "random"
"""No symmetry: an even kernel leaves a symmetric pattern in place whatever the activation does."""


PURE = [0.0, 1.0]
"""Even kernels, and odd ones."""


def control_cells(experiment: Experiment) -> list[Cell]:
    """Return the controls of an experiment: even and odd kernels of every family, on noise."""
    axes = {
        "patterns": [_noise(experiment)],
        "angles": [0.0],
        "betas": PURE,
        "snapshots": SnapshotSettings(),
    }
    return [
        Cell.model_validate(_shared(experiment) | axes | _names(family, activation, size))
        for family in FAMILIES
        for activation in experiment.activations
        for size in experiment.sizes
    ]


def controls_settings(experiment: Experiment) -> dict[str, Any]:
    """Return what the controls of an experiment depend on.

    Examples
    --------
    >>> from mechcore.experiment.config import load_experiment
    >>> controls_settings(load_experiment({"experiment": "a", "kernels": ["dct"], "sizes": [2],
    ...     "activations": ["relu"], "betas": [0.0, 1.0]}))["sizes"]
    [2]
    """
    return experiment.without_banks().to_mapping()


def _noise(experiment: Experiment) -> PatternSettings:
    """Noise that fits into the domain."""
    side = PATTERNS[NOISE].defaults["side"]
    if experiment.domain is None or experiment.domain >= side:
        return PatternSettings(name=NOISE)
    return PatternSettings(name=NOISE, arguments={"side": experiment.domain})


def _shared(experiment: Experiment) -> dict[str, object]:
    return {name: getattr(experiment, name) for name in Shared.model_fields}


def _names(family: str, activation: str, size: int) -> dict[str, object]:
    return {"kernel": family, "activation": activation, "size": size}
