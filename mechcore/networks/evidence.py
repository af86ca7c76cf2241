"""Evidence that an image's pixels give to units: signed, and by positive paths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mechcore.networks.grid import Grid
from mechcore.networks.operators import Call, Tensor
from mechcore.networks.taps import monomials
from mechcore.networks.windows import Array


class SignedEvidence:
    """The moments of a unit's evidence J_up x_p, (6, channel, y, x).

    With its gates kept a network is linear, so it makes the moments from six images: the pixels
    times 1, x, y, x^2, y^2, x y.
    """

    def start(self, image: Array, grid: Grid) -> Array:
        """Pixels are their own evidence."""
        x, y = grid.coordinates(image.shape[1:])
        return monomials(x, y) * image

    def linear(self, call: Call, known: list[Array]) -> Array:
        """Sums without their bias, which no pixel gives."""
        return call.run(known)

    def gate(self, call: Call, known: list[Array]) -> Array:
        """Products."""
        return known[0] * call.rule.factor(call)

    def choice(self, call: Call, known: list[Array]) -> Array:
        """What the chosen units have."""
        return _chosen(known[0], call)

    def rearrangement(self, call: Call, known: list[Array]) -> Array:
        """The same in another place."""
        return call.rule.move(call, known)


@dataclass(frozen=True, eq=False)
class Paths:
    """Where the random walk from units to pixels ends."""

    moments: Array
    """Its moments, (6, channel, y, x); all are 0 where a unit has no path, else the first is 1."""
    strength: Array | None = None
    """Sum of a unit's positive contributions, if it was made by a linear operator."""
    source: Array | None = None
    """Mean position (2, channel, y, x) of the units that they come from."""


class PositivePaths:
    """Positive contributions alone: a unit steps to its inputs in proportion to (h w)+.

    Units without a positive contribution have no path, and none leads through them.
    """

    def start(self, image: Array, grid: Grid) -> Paths:
        """Pixels are where paths end."""
        x, y = grid.coordinates(image.shape[1:])
        return Paths(monomials(x, y))

    def linear(self, call: Call, known: list[Paths]) -> Paths:
        """Means of the inputs' moments, weighted by their positive contributions."""
        fields = [_with_positions(*pair) for pair in zip(known, call.data, strict=True)]
        total = call.run(
            [
                np.maximum(each.value, 0) * part
                for each, part in zip(call.data, fields, strict=True)
            ],
            np.maximum(call.weights, 0) if call.rule.weighted else None,
        )
        # Values below 0 contribute through weights below 0.
        if call.rule.weighted and call.data[0].value.min() < 0:
            below = np.maximum(-call.data[0].value, 0)
            total += call.run([below * fields[0]], np.maximum(-call.weights, 0))
        strength = total[0]
        means = np.divide(total, strength, out=np.zeros_like(total), where=strength > 0)
        return Paths(means[:6], strength, means[6:])

    def gate(self, call: Call, known: list[Paths]) -> Paths:
        """The same: a unit has one input."""
        shape = np.broadcast_shapes(known[0].moments.shape[1:], call.value.shape[1:])
        return Paths(np.broadcast_to(known[0].moments, (6, *shape)))

    def choice(self, call: Call, known: list[Paths]) -> Paths:
        """What the chosen units have."""
        return Paths(_chosen(known[0].moments, call))

    def rearrangement(self, call: Call, known: list[Paths]) -> Paths:
        """The same in another place."""
        return Paths(call.rule.move(call, [paths.moments for paths in known]))


def _chosen(fields: Array, call: Call) -> Array:
    assert call.places is not None
    return np.asarray(fields.reshape(len(fields), -1)[:, call.places[0]])


def _with_positions(paths: Paths, tensor: Tensor) -> Array:
    """The moments of units, and the units' own positions where they have paths."""
    assert tensor.grid is not None
    positions = tensor.grid.coordinates(tensor.value.shape[1:])
    return np.concatenate([paths.moments, paths.moments[:1] * positions])
