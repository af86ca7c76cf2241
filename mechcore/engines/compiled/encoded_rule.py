"""A `LayerRule` in numbers: numba cannot look names up in tables."""

from __future__ import annotations

from typing import NamedTuple

from mechcore.engines.compiled.own_function import OwnFunction
from mechcore.engines.rule import LayerRule
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import BOUNDARIES
from mechcore.model.normalisations import NORMALISATIONS, NORMS

CURVED = {
    name: entry.scalar
    for name, entry in ACTIVATIONS.items()
    if entry.negative_slope is None and entry.scalar is not None
}
"""Activations of the package that are more than a slope on x < 0, in the order of
`EncodedRule.curved`; a user's own one comes after them."""


class EncodedRule(NamedTuple):
    """What the tables say of the names in a `LayerRule`.

    ``slope`` is that of the activation on x < 0; ``curved`` is the position in `CURVED` of an
    activation without one, else -1; ``own`` is the address of a user's own, else 0; ``norm`` is the
    position in `NORMS`.
    """

    steps: int
    slope: float
    curved: int
    own: int
    lipschitz: float
    homogeneous: bool
    keeps_zero: bool
    norm: int
    divides: bool
    finite: bool
    mirror_period: int
    squared: bool
    signed: bool
    row: bool


def _position(activation: str) -> int:
    return list(CURVED).index(activation) if activation in CURVED else -1


def encode(rule: LayerRule, own: OwnFunction | None = None) -> EncodedRule:
    """Look up what compiled functions need of a rule."""
    activation = ACTIVATIONS[rule.activation]
    normalisation = NORMALISATIONS[rule.normalise]
    boundary = BOUNDARIES[rule.boundary]
    return EncodedRule(
        steps=rule.steps,
        slope=1.0 if activation.negative_slope is None else activation.negative_slope,
        curved=len(CURVED) if own else _position(rule.activation),
        own=own.address if own else 0,
        lipschitz=activation.lipschitz,
        homogeneous=activation.homogeneous,
        keeps_zero=activation.keeps_zero,
        norm=list(NORMS).index(normalisation.norm),
        divides=normalisation.divides,
        finite=boundary.finite,
        mirror_period=boundary.mirror_period,
        squared=rule.density == "square",
        signed=rule.density == "signed",
        row=rule.region == "row",
    )
