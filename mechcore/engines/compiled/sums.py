"""The sums that one pass over a state takes, marginals and norms, and the record made of them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from mechcore.engines.compiled.box import Box, rounded_up
from mechcore.engines.compiled.encoded_rule import EncodedRule
from mechcore.engines.compiled.machine_code import internal
from mechcore.engines.compiled.vector_blocks import ROWS, Scales, measure_block
from mechcore.engines.compiled.vector_code import LANES
from mechcore.engines.trajectories import CANCELLED, DENSITIES, WIDTH_ROUNDING
from mechcore.io.arrays import Array

TINY = 1e-290
"""Smaller values are set to zero: subnormal numbers (below 1e-308) slow a CPU a hundredfold."""

SMALLEST_NORMAL = float(np.finfo(np.float64).smallest_normal)
"""A state whose norm is below this is extinct."""

SMALLEST_SUM = 1e-100
"""Sums between this and its inverse are far from where their squares overflow or underflow."""

FARTHEST = 1e250
"""Sizes between this and its inverse are far from where a product leaves the normal numbers."""


class Sums(NamedTuple):
    """The sums of one pass over a state, of values divided by a unit.

    ``rows`` and ``columns`` are the marginal densities, ``moments`` the first moments of the
    columns about the middle row, ``totals`` the sums of absolute values and of squares, and the
    largest absolute value.
    """

    rows: Array
    columns: Array
    moments: Array
    totals: Array


_measure, _measure_squares, _measure_signed = map(measure_block, DENSITIES)


def empty_sums(height: int, width: int) -> Sums:
    """Return arrays for the sums of a state, and of blocks that end beyond it."""
    wide = width + LANES
    return Sums(np.empty(height + ROWS), np.empty(wide), np.empty(wide), np.empty(3))


@internal
def measure_state(box: Box, rule: EncodedRule, unit: float, sums: Sums) -> None:
    """Take the sums of a state as it is."""
    clear(sums, box.width)
    blocks = (box.height + ROWS - 1) // ROWS
    measure(box, 0, blocks, 1.0, rule, unit, sums)


@internal
def measure_sizes(box: Box, sums: Sums) -> None:
    """Take the sums of a state with marginals of sizes, whatever its density."""
    clear(sums, box.width)
    blocks, vectors = (box.height + ROWS - 1) // ROWS, rounded_up(box.width) // LANES
    _measure(box.buffer, box.top, box.left, blocks, vectors, Scales(1.0, 0.0), 0, 0.0, sums)


@internal
def tiniest(unit: float) -> float:
    """Return below which size a value is set to zero, in the unit."""
    # A saturating activation may leave values far below the unit: they are not tiny by themselves.
    return max(TINY / max(unit, 1.0), SMALLEST_NORMAL)


@internal
def clear(sums: Sums, width: int) -> None:
    """Set the sums to which blocks add to zero."""
    sums.columns[: rounded_up(width)].fill(0.0)
    sums.moments[: rounded_up(width)].fill(0.0)
    sums.totals.fill(0.0)


@internal
def measure(
    box: Box, first: int, blocks: int, slope: float, rule: EncodedRule, unit: float, sums: Sums
) -> None:
    """Multiply what is negative by a slope, set what is tiny to zero, add blocks to the sums."""
    scales = Scales(slope, tiniest(unit))
    top, vectors = box.top + first, rounded_up(box.width) // LANES
    distance = first - (box.height - 1) / 2
    if rule.squared:
        _measure_squares(box.buffer, top, box.left, blocks, vectors, scales, first, distance, sums)
    elif rule.signed:
        _measure_signed(box.buffer, top, box.left, blocks, vectors, scales, first, distance, sums)
    else:
        _measure(box.buffer, top, box.left, blocks, vectors, scales, first, distance, sums)


@internal
def power_of_two(first: float, second: float = 1.0) -> float:
    """Return a unit near the product of two numbers; scaling by it does not round."""
    # Exponents, as the product itself may be no number.
    exponent = math.frexp(first)[1] + math.frexp(second)[1]
    return math.ldexp(1.0, max(-1000, min(1000, exponent)))


@internal
def within_range(taps: float, divisor: float, total: float) -> bool:
    """Return whether no product in a layer can overflow or lose digits as a subnormal number.

    ``taps`` and ``total`` are the sums of the absolute values of kernel and state.
    """
    scaled = taps / divisor
    return (
        1.0 / FARTHEST < scaled < FARTHEST
        and 1.0 / FARTHEST < total < FARTHEST
        and 1.0 / FARTHEST < scaled * total < FARTHEST
    )


@internal
def settled_unit(box: Box, rule: EncodedRule, unit: float, sums: Sums) -> float:
    """Return the unit of a state; give it a better one if its sums are out of range."""
    if SMALLEST_SUM < sums.totals[0] < 1.0 / SMALLEST_SUM:
        return unit
    peak = sums.totals[2]
    if peak == 0.0 or not np.isfinite(peak):
        return unit
    factor = power_of_two(peak)
    for i in range(box.top, box.top + box.height):
        for j in range(box.left, box.left + box.width):
            box.buffer[i, j] /= factor
    measure_state(box, rule, unit * factor, sums)
    return unit * factor


@internal
def gain_of(rule: EncodedRule, unit: float, sums: Sums) -> float:
    """Return the norm of the state, by its position in `mechcore.model.normalisations.NORMS`."""
    if rule.norm == 0:
        return np.sqrt(sums.totals[1]) * unit
    if rule.norm == 2:
        return sums.totals[0] * unit
    return sums.totals[2] * unit


@internal
def mass_of(total: float, rule: EncodedRule, unit: float) -> float:
    """Return the mass of a sum of densities that was taken in a unit."""
    if not rule.squared:
        return total * unit
    # The square of the unit may be no number where the mass is one.
    fraction, exponent = math.frexp(unit)
    return math.ldexp(total * (fraction * fraction), 2 * exponent)


@internal
def write_record(
    box: Box, rule: EncodedRule, gain: float, peak: float, unit: float, sums: Sums, out: Array
) -> None:
    """Write the quantities of `mechcore.engines.trajectories.QUANTITIES`, in their order."""
    rows, columns = sums.rows[: box.height], sums.columns[: box.width]
    mass = rows.sum()
    out[0], out[6], out[9] = 0.0, gain, peak
    if rule.signed and abs(mass) <= CANCELLED * sums.totals[0]:
        return
    cancelled = sums.totals[0] / abs(mass) if rule.signed else 1.0
    row, sigma_y, kurtosis_y = _central_moments(rows, mass, box.y, cancelled)
    column, sigma_x, kurtosis_x = _central_moments(columns, mass, box.x, cancelled)
    from_middle = row - (box.height - 1) / 2
    covariance = 0.0
    for j in range(box.width):
        covariance += (j - column) * (sums.moments[j] - from_middle * columns[j])
    out[0] = mass_of(mass, rule, unit)
    out[1], out[2] = box.x + column, box.y + row
    out[3], out[4] = sigma_x, sigma_y
    out[5] = covariance / mass
    out[7], out[8] = kurtosis_x, kurtosis_y


@internal
def write_row_record(
    box: Box,
    rule: EncodedRule,
    y: float,
    gain: float,
    peak: float,
    unit: float,
    divisor: float,
    sums: Sums,
    out: Array,
) -> float:
    """Write the quantities of the row at a coordinate; return its sum of squares in the unit.

    The moments of the columns are overwritten.
    """
    out[0], out[6], out[9] = 0.0, gain, peak
    row, weights = round(y - box.y), sums.moments[: box.width]
    if not 0 <= row < box.height:
        return 0.0
    mass, sizes, squares = 0.0, 0.0, 0.0
    for j in range(box.width):
        value = box.buffer[box.top + row, box.left + j]
        size = abs(value)
        weights[j] = value if rule.signed else size * size if rule.squared else size
        mass += weights[j]
        sizes += size
        squares += size * size
    if abs(mass) > (CANCELLED * sizes if rule.signed else 0.0):
        cancelled = sizes / abs(mass) if rule.signed else 1.0
        column, sigma, kurtosis = _central_moments(weights, mass, box.x, cancelled)
        out[0] = mass_of(mass, rule, unit / divisor)
        out[1], out[2] = box.x + column, y
        out[3], out[4], out[5] = sigma, 0.0, 0.0
        out[7] = kurtosis
    return squares


@internal
def _central_moments(
    weights: Array, mass: float, start: float, cancelled: float
) -> tuple[float, float, float]:
    """Return mean position, width and excess kurtosis of a marginal density."""
    mean, second, fourth = 0.0, 0.0, 0.0
    for i in range(weights.size):
        mean += weights[i] * i
    mean /= mass
    for i in range(weights.size):
        square = (i - mean) ** 2
        second += weights[i] * square
        fourth += weights[i] * square * square
    sigma, kurtosis = shape_of(second / mass, fourth / mass, start + mean, cancelled)
    return mean, sigma, kurtosis


@internal
def shape_of(
    variance: float, fourth: float, position: float, cancelled: float
) -> tuple[float, float]:
    """Return width and excess kurtosis; a signed variance may be negative, and has neither."""
    if abs(variance) <= (WIDTH_ROUNDING * (1.0 + abs(position)) * cancelled) ** 2:
        return 0.0, np.nan
    if variance < 0.0:
        return np.nan, np.nan
    return np.sqrt(variance), fourth / variance**2 - 3.0
