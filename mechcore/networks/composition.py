"""Kernels alone: the kernel from the image to each channel, by its moments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mechcore.networks.checks import refused
from mechcore.networks.grid import Grid
from mechcore.networks.operators import Call
from mechcore.networks.taps import TAPS, monomials
from mechcore.networks.windows import Array


@dataclass(frozen=True, eq=False)
class Composition:
    """The kernels from the channels of the image to those of a tensor."""

    moments: Array
    """(6, channel, input channel), about the units' own positions."""
    grid: Grid


@dataclass(frozen=True)
class Kernels:
    """Moments of the kernels of a stack of layers; gates count as 1, and a MaxPool as the mean.

    The power is 1, or 2 for squares of weights. These give the energy that arrives in the mean if
    the signs of weights are independent.
    """

    power: int = 1

    def start(self, image: Array, grid: Grid) -> Composition:
        """One tap from each channel to itself."""
        channels = image.shape[1]
        moments = np.zeros((6, channels, channels))
        moments[0] = np.eye(channels)
        return Composition(moments, grid)

    def linear(self, call: Call, known: list[Composition]) -> Composition:
        """Products of kernels, and sums of branches."""
        if len(known) == 1:
            return self.choice(call, known)
        parts = [_about(each, call.grid) for each in known]
        shape = np.broadcast_shapes(*(part.shape for part in parts))
        moments = np.sum([np.broadcast_to(part, shape) for part in parts], axis=0)
        return Composition(moments, call.grid)

    def gate(self, call: Call, known: list[Composition]) -> Composition:
        """Products with factors that no image changes; others count as 1."""
        if not call.rule.constant:
            return known[0]
        factor = np.broadcast_to(call.rule.factor(call), call.value.shape)[0]
        by_channel = factor.reshape(len(factor), -1).mean(axis=1)
        moments = known[0].moments * by_channel[:, np.newaxis] ** self.power
        return Composition(moments, call.grid)

    def choice(self, call: Call, known: list[Composition]) -> Composition:
        """Products of kernels: of a pool, equal ones."""
        taps = TAPS[call.step.kind](call, self.power)
        if known[0].moments.shape[1] % taps.shape[-1]:
            raise refused(call.step.node, "its kernels do not fit the channels of its input")
        return Composition(composed(taps, known[0].moments), call.grid)

    def rearrangement(self, call: Call, known: list[Composition]) -> Composition:
        """Channels side by side."""
        return Composition(
            np.concatenate([_about(each, call.grid) for each in known], 1), call.grid
        )


def composed(after: Array, before: Array) -> Array:
    """Return the moments of a kernel that is applied after others: their positions add.

    Parameters
    ----------
    after : (6, groups, out, in) ndarray
        Moments of the kernel. One group stands for many that are equal.
    before : (6, channel, input channel) ndarray
        Moments of the kernels to its inputs.

    Notes
    -----
    With positions r of the one and q of the other, sum (r + q) K L = M1(K) M0(L) + M0(K) M1(L), and
    so on, as products of matrices over the channels between.
    """
    groups = before.shape[1] // after.shape[-1]
    mass, x, y, xx, yy, xy = after
    own, own_x, own_y, own_xx, own_yy, own_xy = before.reshape(6, groups, after.shape[-1], -1)
    products = [
        mass @ own,
        x @ own + mass @ own_x,
        y @ own + mass @ own_y,
        xx @ own + 2 * (x @ own_x) + mass @ own_xx,
        yy @ own + 2 * (y @ own_y) + mass @ own_yy,
        xy @ own + x @ own_y + y @ own_x + mass @ own_xy,
    ]
    return np.stack(products).reshape(6, -1, before.shape[-1])


def _about(part: Composition, grid: Grid) -> Array:
    """Moments about the units of the grid that a tensor is joined to."""
    shift = part.grid.first - grid.first
    if part.grid.counts != grid.counts or not np.any(shift):
        return part.moments
    point = monomials(shift[:1], shift[1:])
    return composed(point.reshape(6, 1, 1, 1), part.moments)
