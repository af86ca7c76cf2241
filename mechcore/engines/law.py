"""The rule of a layer in numbers, as compiled functions want it."""

from __future__ import annotations

from typing import NamedTuple

from mechcore.activations import ACTIVATIONS
from mechcore.boundaries import BOUNDARIES
from mechcore.engines import LayerRule
from mechcore.normalisations import NORMALISATIONS, NORMS
from mechcore.records import DENSITIES


class Law(NamedTuple):
    """A `LayerRule` in numbers, as the compiled functions want it."""

    steps: int
    activation: int
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

    Parameters
    ----------
    rule : LayerRule
        The rule; its names are known ones.

    Returns
    -------
    Law
        Names as positions in their tables, and what the tables say of them.

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
        activation=list(ACTIVATIONS).index(rule.activation),
        lipschitz=activation.lipschitz,
        homogeneous=activation.homogeneous,
        keeps_zero=activation.keeps_zero,
        norm=list(NORMS).index(normalisation.norm),
        divides=normalisation.divides,
        finite=boundary.finite,
        mirror_period=boundary.mirror_period,
        squared=DENSITIES[rule.density] == 2,
    )
