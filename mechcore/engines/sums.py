"""What one pass over a state leaves behind: marginals and norms, and the record made of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mechcore.engines.box import Array, Box
from mechcore.engines.law import Law
from mechcore.engines.machine_code import compiled
from mechcore.records import WIDTH_ROUNDING

TINY = 1e-290
"""Smaller values are set to zero: subnormal numbers (below 1e-308) slow a CPU a hundredfold."""

SQUARE_ROOT_OF_TINY = 1e-145
"""Smaller values are left out of sums of squares, where they would become subnormal."""

SMALLEST_SUM = 1e-100
"""Sums between this and its inverse are far from where their squares overflow or underflow."""


class Sums(NamedTuple):
    """What one pass over a state leaves behind, of values divided by ``unit``.

    ``rows`` and ``columns`` are the marginal densities, ``moments`` the first moments of the rows
    about the middle column, ``totals`` the sums of absolute values, of squares, and the number of
    values that were set to zero.
    """

    rows: Array
    moments: Array
    columns: Array
    totals: Array


@compiled
def measure_state(box: Box, law: Law, unit: float, sums: Sums) -> None:
    """Take the sums of a state as it is."""
    clear(sums, box.width)
    for i in range(box.height):
        row = box.buffer[box.top + i, box.left : box.left + box.width]
        accumulate(row, i, law.squared, unit, sums)


@compiled
def clear(sums: Sums, width: int) -> None:
    """Set to zero what the rows of a state are added to."""
    sums.columns[:width].fill(0.0)
    sums.totals.fill(0.0)


@compiled
def accumulate(row: Array, i: int, squared: bool, unit: float, sums: Sums) -> None:
    """Add a row to the sums and set its tiny values to zero."""
    middle = (row.size - 1) / 2
    columns = sums.columns[: row.size]
    scale = 1.0 / unit
    # A saturating activation may leave values far below the unit: they are not tiny by themselves.
    tiniest = TINY * min(unit, 1.0)
    total, squares, density, moment, lost = 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(row.size):
        size = abs(row[j])
        tiny = size < tiniest
        lost += 1.0 if tiny and size > 0.0 else 0.0
        row[j] = 0.0 if tiny else row[j]
        value = 0.0 if tiny else size * scale
        large = 0.0 if value < SQUARE_ROOT_OF_TINY else value
        weight = large * large if squared else value
        total += value
        squares += large * large
        density += weight
        moment += weight * (j - middle)
        columns[j] += weight
    sums.rows[i], sums.moments[i] = density, moment
    sums.totals[0] += total
    sums.totals[1] += squares
    sums.totals[2] += lost


@compiled
def power_of_two(exponent: float) -> float:
    """A unit of that size, by which values are multiplied and divided without rounding."""
    return 2.0 ** max(-1000, min(1000, round(exponent)))


@compiled
def settled_unit(box: Box, law: Law, unit: float, sums: Sums) -> float:
    """The unit of the sums, taken again in a better one if theirs made them too large or small."""
    if SMALLEST_SUM < sums.totals[0] < 1.0 / SMALLEST_SUM:
        return unit
    peak = _peak(box)
    if peak == 0.0 or not np.isfinite(peak):
        return unit
    unit = power_of_two(np.log2(peak))
    measure_state(box, law, unit, sums)
    return unit


@compiled
def gain_of(box: Box, law: Law, unit: float, sums: Sums) -> float:
    """The norm of the state, in the order of `mechcore.normalisations.NORMS`."""
    if law.norm == 0:
        return np.sqrt(sums.totals[1]) * unit
    if law.norm == 2:
        return sums.totals[0] * unit
    return _peak(box)


@compiled
def _peak(box: Box) -> float:
    peak = 0.0
    for i in range(box.height):
        for j in range(box.width):
            peak = max(peak, abs(box.buffer[box.top + i, box.left + j]))
    return peak


@compiled
def write_record(box: Box, law: Law, gain: float, unit: float, sums: Sums, out: Array) -> None:
    """Write the quantities of `mechcore.records.QUANTITIES`, in their order."""
    rows, columns = sums.rows[: box.height], sums.columns[: box.width]
    mass = rows.sum()
    row, variance_y, kurtosis_y = _central_moments(rows, mass, box.y)
    column, variance_x, kurtosis_x = _central_moments(columns, mass, box.x)
    from_middle = column - (box.width - 1) / 2
    covariance = 0.0
    for i in range(box.height):
        covariance += (i - row) * (sums.moments[i] - from_middle * rows[i])
    out[0] = mass * (unit * unit if law.squared else unit)
    out[1], out[2] = box.x + column, box.y + row
    out[3], out[4] = np.sqrt(variance_x), np.sqrt(variance_y)
    out[5] = covariance / mass
    out[6] = gain
    out[7], out[8] = kurtosis_x, kurtosis_y


@compiled
def _central_moments(weights: Array, mass: float, start: float) -> tuple[float, float, float]:
    """Mean position, variance and excess kurtosis of a marginal density."""
    mean, second, fourth = 0.0, 0.0, 0.0
    for i in range(weights.size):
        mean += weights[i] * i
    mean /= mass
    for i in range(weights.size):
        square = (i - mean) ** 2
        second += weights[i] * square
        fourth += weights[i] * square * square
    variance = second / mass
    if variance <= (WIDTH_ROUNDING * (1.0 + abs(start + mean))) ** 2:
        return mean, 0.0, np.nan
    return mean, variance, fourth / mass / variance**2 - 3.0
