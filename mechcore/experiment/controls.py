"""The plan of the controls: simulations whose outcome theory knows, and even kernels on noise."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from mechcore.experiment.cell import Cell
from mechcore.experiment.config import Experiment
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.extensions import names_with
from mechcore.model.kernels import FAMILIES

NOISE = "random"
"""Noise without negative values; no symmetry holds it in place."""

SYMMETRIC = ("delta", "disc")

STEPS = 10
"""Layers: enough for the mass |x| of noise to move, few enough to cost nothing."""

LINEAR_RATIOS = (0.0, 0.3, 0.6, 0.9)
"""Mixing ratios under the identity. An odd kernel has no sum, and its states no signed centroid."""

SHIFT_SHARE = 0.75
SHIFT_RATIO = math.sqrt(SHIFT_SHARE)
"""Asymmetric share of the energy, and its root the mixing ratio, at which the family
``translation`` is a shift by one pixel."""


def control_cells(experiment: Experiment) -> list[Cell]:
    """Return the controls of an experiment: all on free space, whatever its own setting is."""
    shared: dict[str, Any] = {"steps": STEPS, "engine": experiment.engine, "seed": experiment.seed}
    return [
        Cell(**shared | axes)
        for axes in (*_linear(experiment), *_even(experiment), *_shifts(experiment))
    ]


def controls_settings(experiment: Experiment) -> dict[str, Any]:
    """Return the settings that the controls of an experiment depend on."""
    return experiment.reference.without_banks().to_mapping()


def _linear(experiment: Experiment) -> Iterator[dict[str, Any]]:
    """Noise of both signs, its signed mass, every family at a few mixing ratios."""
    axes = {"patterns": ["noise"], "betas": list(LINEAR_RATIOS), "density": "signed"}
    for kernel in _kernels(experiment):
        yield kernel | axes | {"activation": "identity"}


def _even(experiment: Experiment) -> Iterator[dict[str, Any]]:
    """Symmetric patterns and noise, their mass |x|, even kernels of every family.

    Under the identity other mixing ratios join them: up to beta*, |x| is the signed mass.
    """
    axes = {"patterns": [*SYMMETRIC, NOISE]}
    for kernel in _kernels(experiment):
        for activation in dict.fromkeys(["identity", *experiment.activations]):
            ratios = LINEAR_RATIOS if activation == "identity" else LINEAR_RATIOS[:1]
            yield kernel | axes | {"activation": activation, "betas": list(ratios)}


def _shifts(experiment: Experiment) -> Iterator[dict[str, Any]]:
    """A point through a shift by one pixel, under every activation that keeps zero."""
    axes = {"kernel": "translation", "size": 3, "patterns": ["delta"], "betas": [SHIFT_RATIO]}
    for name in names_with("activations", experiment.activations):
        if ACTIVATIONS[name].keeps_zero:
            yield axes | {"activation": name}


def _kernels(experiment: Experiment) -> list[dict[str, Any]]:
    """Every family in each size of the experiment that it has."""
    return [
        {"kernel": name, "size": size}
        for name in names_with("kernels", experiment.kernels)
        for size in experiment.sizes
        if FAMILIES[name].has_size(size)
    ]
