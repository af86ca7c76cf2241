"""Trimming of the support, under a certificate that bounds what it can do.

Far tails cost time and become subnormal numbers, but with negative taps they can outgrow the bulk.
So rows and columns are dropped only under a certificate, carried along with every simulation: a
bound ``e`` on the share of mass by which the state differs from the one that was never trimmed.

* Dropping a share ``d`` adds ``d``. Values below `TINY` are always dropped: `TINY` is added for
  each of them, or for each pixel where they are not counted.
* A layer multiplies ``e`` by ``r = L |K|_1 m / m'``, with L the Lipschitz constant of the
  activation, ``|K|_1`` the sum of absolute taps, and m, m' the mass before and after. For K >= 0
  and an activation that is the identity on x >= 0, r = 1: the share lost is all that is ever lost.
* Dividing by a norm rescales the state, which a homogeneous activation does not see. For the
  others the error of the norm adds at most ``e`` times the mass after the division.

A share ``e`` at a distance of at most D from the centroid moves the centroid by e D, the variance
by e D^2 and the fourth moment by e D^4, each along its own axis. Where squares are the density, or
their root is the gain, it counts at most ``2 m p / |x|_2^2`` times as much, with p the largest
absolute value: squares change by twice the product of the state and what was lost. The peak changes
by ``e m / p`` of itself. The simulation is *certified* if the larger of ``e (D/sigma)^4 2 m p /
|x|_2^2`` and ``e m / p`` stays below `CERTIFIED` in every layer; what may be dropped is planned
from the largest r seen so far.
Should the plan fail, the simulation runs again and drops only exact zeros and values below `TINY`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mechcore.engines.compiled.box import Box
from mechcore.engines.compiled.encoded_rule import EncodedRule
from mechcore.engines.compiled.machine_code import internal
from mechcore.engines.compiled.sums import Sums, measure_sizes, tiniest
from mechcore.engines.compiled.vector_code import SQUARE_ROOT_OF_TINY
from mechcore.engines.trajectories import WIDTH_ROUNDING
from mechcore.io.arrays import Array

CERTIFIED = 1e-12
"""Largest relative deviation by trimming, a hundredth of what the engines may differ by."""

PLANNED = 1e-14
"""Part of `CERTIFIED` that is spent on purpose; the rest is room for a bad plan."""


SIGNED_EVERY = 4
"""Layers from one trimming to the next where marginals are signed: those of sizes are extra."""


class ErrorBound(NamedTuple):
    """The certificate: a bound on the lost share, the worst ratio so far, the mass of the state."""

    error: float
    worst_ratio: float
    mass: float


class StateSummary(NamedTuple):
    """What the certificate needs to know: layer and steps, half the final domain, first moments.

    ``cancelled`` is the sum of sizes over the mass, which a signed density makes larger than 1.
    """

    layer: int
    steps: int
    reach_x: float
    reach_y: float
    mu_x: float
    mu_y: float
    sigma_x: float
    sigma_y: float
    cancelled: float


@internal
def charged(
    bound: ErrorBound,
    rule: EncodedRule,
    taps: float,
    unit: float,
    divisor: float,
    total: float,
    dropped: float,
    t: int,
) -> ErrorBound:
    """Carry the bound through a layer and the division by its norm.

    ``total`` is the sum of absolute values before the division, in the unit; ``dropped`` bounds how
    many values were set to zero for being tiny.
    """
    new_mass = total * unit
    mass = new_mass / divisor
    ratio = rule.lipschitz * taps * bound.mass / new_mass if t > 0 else 0.0
    error = bound.error * ratio + dropped * tiniest(unit) * unit / new_mass
    # The error of the norm; the percent covers the products of small terms.
    spill = 1.0 if rule.homogeneous or not rule.divides else 1.0 + 1.01 * mass
    return ErrorBound(error * spill, max(bound.worst_ratio, ratio * spill), mass)


@internal
def trimmed(
    box: Box,
    rule: EncodedRule,
    sums: Sums,
    squares: float,
    bound: ErrorBound,
    summary: StateSummary,
    trims: bool,
) -> tuple[Box, ErrorBound, bool]:
    """Drop what may be dropped now; also return whether the simulation is still certified.

    ``squares`` is the sum of squares of what is measured: the state, or a row of it.
    """
    severity = severity_of(summary, sums.totals[0], squares, sums.totals[2])
    if trims and not bound.error * severity <= CERTIFIED:
        return box, bound, False
    if rule.signed:
        if summary.layer % SIGNED_EVERY > 0:
            return box, bound, True
        measure_sizes(box, sums)
    allowed = allowance(bound, severity, summary) if trims else 0.0
    above, below, before, behind, lost = _edges(box, rule.squared, sums, allowed)
    height, width = box.height - above - below, box.width - before - behind
    top, left = box.top + above, box.left + before
    kept = Box(box.buffer, top, left, height, width, box.y + above, box.x + before)
    return kept, ErrorBound(bound.error + lost, bound.worst_ratio, bound.mass), True


@internal
def severity_of(summary: StateSummary, total: float, squares: float, peak: float) -> float:
    """Return by which factor a lost share of mass may change a record, at most."""
    # A domain of one row has no other width than zero. A width of less is recorded as zero.
    along_x, along_y = summary.reach_x > 0.5, summary.reach_y > 0.5
    x = (
        (summary.reach_x + abs(summary.mu_x)) / max(summary.sigma_x, WIDTH_ROUNDING)
        if along_x
        else 0.0
    )
    y = (
        (summary.reach_y + abs(summary.mu_y)) / max(summary.sigma_y, WIDTH_ROUNDING)
        if along_y
        else 0.0
    )
    # Nothing is certain where a signed density has no width.
    if np.isnan(x) or np.isnan(y):
        return np.inf
    square = max(x, y) * max(x, y)
    share = max(2.0 * total * peak / squares, summary.cancelled)
    return max(square * square * share, total / peak)


@internal
def allowance(bound: ErrorBound, severity: float, summary: StateSummary) -> float:
    """Return the share that may be dropped now so that its growth stays within the plan."""
    growth = bound.worst_ratio ** (summary.steps - summary.layer)
    return PLANNED / (summary.steps + 1) / severity / growth


@internal
def _edges(box: Box, squared: bool, sums: Sums, allowed: float) -> tuple[int, int, int, int, float]:
    """Return how many rows and columns may go from each edge, and their share of the mass."""
    rows, columns = sums.rows[: box.height], sums.columns[: box.width]
    quarter, mass = allowed / 4, sums.totals[0]
    above, lost_above = _edge(rows, box.width, squared, mass, quarter)
    below, lost_below = _edge(rows[::-1], box.width, squared, mass, quarter)
    before, lost_before = _edge(columns, box.height, squared, mass, quarter)
    behind, lost_behind = _edge(columns[::-1], box.height, squared, mass, quarter)
    lost = lost_above + lost_below + lost_before + lost_behind
    return above, below, before, behind, lost


@internal
def absolute_sum(squares: float, count: int) -> float:
    """Bound the sum of absolute values by that of squares (Cauchy and Schwarz)."""
    return np.sqrt(squares * count) + count * SQUARE_ROOT_OF_TINY


@internal
def _edge(
    weights: Array, across: int, squared: bool, mass: float, allowed: float
) -> tuple[int, float]:
    """Return how many rows may go from one edge (exact zeros always), and their share."""
    total, lost = 0.0, 0.0
    for i in range(weights.size):
        total += weights[i]
        share = (absolute_sum(total, (i + 1) * across) if squared else total) / mass
        if share > allowed:
            return i, lost
        lost = share
    return 0, 0.0
