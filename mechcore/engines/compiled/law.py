"""The rule of a layer in numbers, as compiled functions want it."""

from __future__ import annotations

from typing import NamedTuple

from mechcore.engines.rule import LayerRule
from mechcore.engines.trajectories import DENSITIES
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import BOUNDARIES
from mechcore.model.normalisations import NORMALISATIONS, NORMS

CURVED = tuple(name for name, entry in ACTIVATIONS.items() if entry.negative_slope is None)
"""Activations that are more than a slope on x < 0, in the order of `Law.curved`."""


class Law(NamedTuple):
    """A `LayerRule` in numbers, as the compiled functions want it.

    ``slope`` is that of the activation on x < 0; ``curved`` is the position in `CURVED` of one that
    has none, else -1.
    """

    steps: int
    slope: float
    curved: int
    lipschitz: float
    homogeneous: bool
    keeps_zero: bool
    norm: int
    divides: bool
    finite: bool
    mirror_period: int
    squared: bool


def law_of(rule: LayerRule) -> Law:
    """Return a rule in numbers.

    Examples
    --------
    >>> law_of(LayerRule("relu")).homogeneous
    True
    """
    activation = ACTIVATIONS[rule.activation]
    normalisation = NORMALISATIONS[rule.normalise]
    boundary = BOUNDARIES[rule.boundary]
    return Law(
        steps=rule.steps,
        slope=1.0 if activation.negative_slope is None else activation.negative_slope,
        curved=CURVED.index(rule.activation) if rule.activation in CURVED else -1,
        lipschitz=activation.lipschitz,
        homogeneous=activation.homogeneous,
        keeps_zero=activation.keeps_zero,
        norm=list(NORMS).index(normalisation.norm),
        divides=normalisation.divides,
        finite=boundary.finite,
        mirror_period=boundary.mirror_period,
        squared=DENSITIES[rule.density] == 2,
    )
