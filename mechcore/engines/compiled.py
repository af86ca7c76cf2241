"""The compiled engine: one pass a layer over the occupied support, in machine code.

Convolution, activation, norm and marginal sums are taken row by row while the row is in the fastest
cache. The state is kept as it comes out of the activation; dividing it by its norm is left to the
taps of the next layer. What lies outside the support is never visited.

Trimming
--------
Far tails cost time and become subnormal numbers, but with negative taps they can outgrow the bulk.
So rows and columns are dropped only under a certificate, carried along with every simulation: a
bound ``e`` on the share of mass by which the state differs from the one that was never trimmed.

* Dropping a share ``d`` adds ``d``.
* A layer multiplies ``e`` by ``r = L |K|_1 m / m'``, with L the Lipschitz constant of the
  activation, ``|K|_1`` the sum of absolute taps, and m, m' the mass before and after. For K >= 0
  and an activation that is the identity on x >= 0, r = 1: the share lost is all that is ever lost.
* Dividing by a norm rescales the state, which a homogeneous activation does not see. For the
  others the error of the norm adds at most ``e`` times the mass after the division.

A share ``e`` at a distance of at most D from the centroid moves the centroid by e D, the variance
by e D^2 and the fourth moment by e D^4. The simulation is *certified* if ``e (D/sigma)^4`` stays
below `CERTIFIED` in every layer; what may be dropped is planned from the largest r seen so far.
Should the plan fail, the simulation runs again and drops only exact zeros and values below `TINY`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import njit
from numpy.typing import NDArray
from platformdirs import user_cache_dir

from mechcore.activations import ACTIVATIONS
from mechcore.boundaries import BOUNDARIES, crop_start
from mechcore.engines import LayerRule, window_offset
from mechcore.fingerprint import code_fingerprint
from mechcore.normalisations import NORMALISATIONS, NORMS
from mechcore.records import DENSITIES, QUANTITIES, WIDTH_ROUNDING, Trajectories

CERTIFIED = 1e-12
"""Largest relative deviation by trimming, a hundredth of what the engines may differ by."""

PLANNED = 1e-14
"""Part of `CERTIFIED` that is spent on purpose; the rest is room for a bad plan."""

TINY = 1e-290
"""Smaller values are set to zero: subnormal numbers (below 1e-308) slow a CPU a hundredfold."""

SMALLEST_SUM = 1e-100
"""Sums between this and its inverse are far from where their squares overflow or underflow."""

SMALLEST_NORMAL = float(np.finfo(np.float64).smallest_normal)
"""A state whose norm is below this is extinct."""

SQUARE_ROOT_OF_TINY = 1e-145
"""Smaller values are left out of sums of squares, where they would become subnormal."""

FLAGS = {"reassoc", "contract"}
"""Sums may be reordered and multiply-adds fused; NaN and infinity keep their meaning."""


def _cache_folder() -> Path:
    """A writable folder for machine code, one for each state of the code it was made from.

    numba checks only the file that a function stands in, not the files it calls into.
    """
    version = code_fingerprint("mechcore.engines.compiled")
    folder = Path(user_cache_dir("mechcore")) / version
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return Path(tempfile.gettempdir()) / f"mechcore-{os.getuid()}" / version


if "NUMBA_CACHE_DIR" not in os.environ:
    numba.config.CACHE_DIR = str(_cache_folder())

compiled = njit(cache=True, fastmath=FLAGS, error_model="numpy", nogil=True)


Array = NDArray[np.float64]
ALIVE, EXTINCT, DIVERGED = 0, 1, 2
NO_TRIMMING, TRIMMING = False, True
MASS, GAIN = QUANTITIES.index("mass"), QUANTITIES.index("gain")


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


class Box(NamedTuple):
    """The occupied part of a state: a rectangle in a buffer that has margins around it.

    ``y`` and ``x`` are the coordinates of its first pixel.
    """

    buffer: Array
    top: int
    left: int
    height: int
    width: int
    y: float
    x: float


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


class Ledger(NamedTuple):
    """The certificate: the bound on the lost share, the worst ratio so far, the mass going in."""

    error: float
    worst_ratio: float
    mass: float


def _row_function(scalar: Callable[[float], float]) -> Callable[[Array], None]:
    function = njit(scalar, fastmath=FLAGS, error_model="numpy")

    @njit(fastmath=FLAGS, error_model="numpy")
    def apply(row: Array) -> None:
        for j in range(row.size):
            row[j] = function(row[j])

    return apply


@njit
def _nothing(index: int, row: Array) -> None:
    """What lies beyond the end of the list."""


def _choice(functions: Sequence[Callable[[Array], None]]) -> Callable[[int, Array], None]:
    """One compiled function that applies the function at a position of a list to a row."""
    first, *others = functions
    rest = _choice(others) if others else _nothing

    @njit
    def apply(index: int, row: Array) -> None:
        if index == 0:
            first(row)
        else:
            rest(index - 1, row)

    return apply


_activate: Any = _choice([_row_function(entry.scalar) for entry in ACTIVATIONS.values()])
_crop_start: Any = njit(crop_start)
_window_offset: Any = njit(window_offset)


def run(kernels: Array, image: Array, rule: LayerRule) -> Trajectories:
    """Run a batch of kernels on one pattern; see `mechcore.engines.run`."""
    law = _law(rule)
    count, window = len(kernels), rule.snapshot_window
    record = np.full((count, rule.steps + 1, len(QUANTITIES)), np.nan)
    snapshots = np.full((count, len(rule.snapshot_layers), window, window), np.nan)
    ends = np.full((count, 2), np.nan)
    layers = np.array(rule.snapshot_layers, dtype=np.int64)
    image = np.array(image, dtype=np.float64, order="C")
    for index in range(count):
        taps = np.array(kernels[index], dtype=np.float64, order="C")
        outputs = record[index], snapshots[index]
        end, layer, certified = _propagate(taps, image, law, layers, *outputs, TRIMMING)
        if not certified:
            record[index], snapshots[index] = np.nan, np.nan
            end, layer, certified = _propagate(taps, image, law, layers, *outputs, NO_TRIMMING)
        if end != ALIVE:
            ends[index, end - 1] = layer
    return Trajectories(record, ends[:, 0], ends[:, 1], snapshots)


def _law(rule: LayerRule) -> Law:
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


@compiled
def _propagate(
    kernel: Array,
    image: Array,
    law: Law,
    layers: Array,
    record: Array,
    snapshots: Array,
    trims: bool,
) -> tuple[int, int, bool]:
    """Return how the simulation ended, at which layer, and whether it is certified."""
    box, store, spare, sums = _prepared(kernel, image, law)
    ledger = Ledger(0.0, 1.0, 0.0)
    absolute_taps = np.abs(kernel).sum()
    unit, divisor = _power_of_two(np.log2(np.max(image))), 1.0
    for t in range(law.steps + 1):
        if t > 0:
            spare = _roomy(spare, box, kernel)
            box = _layer(box, spare, kernel / divisor, law, t, unit, sums)
            store, spare = spare, store
        else:
            _measure(box, law, unit, sums)
        unit = _settled(box, law, unit, sums)
        gain = _gain(box, law, unit, sums)
        if gain < SMALLEST_NORMAL:
            record[t, MASS], record[t, GAIN] = 0.0, 0.0
            return EXTINCT, t, True
        if not (np.isfinite(gain) and np.isfinite(sums.totals[0] * unit)):
            return DIVERGED, t, True
        divisor = gain if law.divides else 1.0
        _write_record(box, law, gain, unit / divisor, sums, record[t])
        if not np.isfinite(record[t, MASS]):
            record[t].fill(np.nan)
            return DIVERGED, t, True
        _write_snapshot(box, law, image.shape, kernel.shape, t, divisor, layers, snapshots)
        ledger = _charged(ledger, law, absolute_taps, unit, divisor, sums, t)
        if law.keeps_zero and not law.finite:
            severity = _severity(record[t], image.shape, kernel.shape, law.steps)
            if trims and ledger.error > 0.0 and not ledger.error * severity <= CERTIFIED:
                return ALIVE, t, False
            allowed = _allowance(ledger, severity, law.steps, t) if trims else 0.0
            box, dropped = _trimmed(box, law.squared, sums, allowed)
            ledger = Ledger(ledger.error + dropped, ledger.worst_ratio, ledger.mass)
        # Logarithms, as the compiler may reorder a product into one that underflows.
        unit = _power_of_two(np.log2(gain / divisor) + np.log2(absolute_taps))
    return ALIVE, law.steps, True


@compiled
def _power_of_two(exponent: float) -> float:
    """A unit of that size, by which values are multiplied and divided without rounding."""
    return 2.0 ** max(-1000, min(1000, round(exponent)))


@compiled
def _settled(box: Box, law: Law, unit: float, sums: Sums) -> float:
    """The unit of the sums, taken again in a better one if theirs made them too large or small."""
    if SMALLEST_SUM < sums.totals[0] < 1.0 / SMALLEST_SUM:
        return unit
    peak = _peak(box)
    if peak == 0.0 or not np.isfinite(peak):
        return unit
    unit = _power_of_two(np.log2(peak))
    _measure(box, law, unit, sums)
    return unit


@compiled
def _prepared(kernel: Array, image: Array, law: Law) -> tuple[Box, Array, Array, Sums]:
    """The pattern in a buffer, room for the next layer, and room for the sums."""
    height, width = image.shape
    rows, columns = kernel.shape
    layers = 0 if law.finite else law.steps
    tall, wide = height + layers * (rows - 1), width + layers * (columns - 1)
    store = np.empty((height + 2 * (rows - 1)) * (width + 2 * (columns - 1)))
    y, x = -(height - 1) / 2, -(width - 1) / 2
    box = _boxed(store, kernel, height, width, y, x)
    for i in range(height):
        for j in range(width):
            box.buffer[box.top + i, box.left + j] = image[i, j]
    sums = Sums(np.empty(tall), np.empty(tall), np.empty(wide), np.empty(3))
    return box, store, np.empty(0), sums


@compiled
def _boxed(store: Array, kernel: Array, height: int, width: int, y: float, x: float) -> Box:
    """A box of a given size in a store, with room for the margins that the kernel reads."""
    top, left = kernel.shape[0] - 1, kernel.shape[1] - 1
    tall, wide = height + 2 * top, width + 2 * left
    return Box(store[: tall * wide].reshape((tall, wide)), top, left, height, width, y, x)


@compiled
def _roomy(store: Array, box: Box, kernel: Array) -> Array:
    """The store, or a larger one if the next layer does not fit."""
    rows, columns = kernel.shape
    needed = (box.height + 3 * (rows - 1)) * (box.width + 3 * (columns - 1))
    # Half as much again, so that a growing state asks for memory only a few times.
    return store if store.size >= needed else np.empty(needed + needed // 2)


@compiled
def _layer(box: Box, spare: Array, taps: Array, law: Law, t: int, unit: float, sums: Sums) -> Box:
    """Convolve, activate and measure, row by row, into another buffer."""
    _fill_margins(box, taps, law.mirror_period)
    rows, columns = taps.shape
    top, left, height, width = 0, 0, box.height + rows - 1, box.width + columns - 1
    if law.finite:
        top, left = _crop_start(rows, t), _crop_start(columns, t)
        height, width = box.height, box.width
    y, x = box.y + top - (rows - 1) / 2, box.x + left - (columns - 1) / 2
    out = _boxed(spare, taps, height, width, y, x)
    _clear(sums, width)
    for i in range(height):
        row = out.buffer[out.top + i, out.left : out.left + width]
        _convolve_row(box.buffer, box.top + top + i, box.left + left, taps, row)
        _activate(law.activation, row)
        _accumulate(row, i, law.squared, unit, sums)
    return out


@compiled
def _convolve_row(buffer: Array, top: int, left: int, taps: Array, out: Array) -> None:
    out.fill(0.0)
    for a in range(taps.shape[0]):
        source = buffer[top - a]
        for b in range(taps.shape[1]):
            tap = taps[a, b]
            shifted = source[left - b : left - b + out.size]
            for j in range(out.size):
                out[j] += tap * shifted[j]


@compiled
def _measure(box: Box, law: Law, unit: float, sums: Sums) -> None:
    _clear(sums, box.width)
    for i in range(box.height):
        row = box.buffer[box.top + i, box.left : box.left + box.width]
        _accumulate(row, i, law.squared, unit, sums)


@compiled
def _clear(sums: Sums, width: int) -> None:
    sums.columns[:width].fill(0.0)
    sums.totals.fill(0.0)


@compiled
def _accumulate(row: Array, i: int, squared: bool, unit: float, sums: Sums) -> None:
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
def _fill_margins(box: Box, taps: Array, period: int) -> None:
    """Continue the state beyond its edge, as far as the kernel reads."""
    reach_y, reach_x = taps.shape[0] - 1, taps.shape[1] - 1
    inner = box.buffer[box.top : box.top + box.height]
    for j in range(-reach_x, 0):
        _copy_column(inner, box.left, box.width, j, period)
        _copy_column(inner, box.left, box.width, box.width - 1 - j, period)
    start, stop = box.left - reach_x, box.left + box.width + reach_x
    for i in range(-reach_y, 0):
        _copy_row(box.buffer[:, start:stop], box.top, box.height, i, period)
        _copy_row(box.buffer[:, start:stop], box.top, box.height, box.height - 1 - i, period)


@compiled
def _copy_column(inner: Array, left: int, width: int, j: int, period: int) -> None:
    source = _mirrored(j, width, period)
    for i in range(inner.shape[0]):
        inner[i, left + j] = 0.0 if source < 0 else inner[i, left + source]


@compiled
def _copy_row(buffer: Array, top: int, height: int, i: int, period: int) -> None:
    source = _mirrored(i, height, period)
    for j in range(buffer.shape[1]):
        buffer[top + i, j] = 0.0 if source < 0 else buffer[top + source, j]


@compiled
def _mirrored(position: int, size: int, period: int) -> int:
    """The pixel that a position outside the domain is read from, -1 for none."""
    if period == 0:
        return -1
    folded = position % (period * size)
    return folded if folded < size else 2 * size - 1 - folded


@compiled
def _gain(box: Box, law: Law, unit: float, sums: Sums) -> float:
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
def _write_record(box: Box, law: Law, gain: float, unit: float, sums: Sums, out: Array) -> None:
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


@compiled
def _write_snapshot(
    box: Box,
    law: Law,
    image_shape: tuple[int, int],
    kernel_shape: tuple[int, int],
    t: int,
    divisor: float,
    layers: Array,
    out: Array,
) -> None:
    """Copy the state into its window if this layer is one of those to keep."""
    layers_grown = 0 if law.finite else t
    tall = image_shape[0] + layers_grown * (kernel_shape[0] - 1)
    wide = image_shape[1] + layers_grown * (kernel_shape[1] - 1)
    top = 0 if law.finite else round(box.y + (tall - 1) / 2)
    left = 0 if law.finite else round(box.x + (wide - 1) / 2)
    for index in range(layers.size):
        if layers[index] == t:
            window = out[index]
            window.fill(0.0)
            down = top - _window_offset(tall, window.shape[0])
            right = left - _window_offset(wide, window.shape[1])
            for i in range(max(0, -down), min(box.height, window.shape[0] - down)):
                for j in range(max(0, -right), min(box.width, window.shape[1] - right)):
                    value = box.buffer[box.top + i, box.left + j]
                    window[down + i, right + j] = value / divisor


@compiled
def _charged(
    ledger: Ledger, law: Law, taps: float, unit: float, divisor: float, sums: Sums, t: int
) -> Ledger:
    """Carry the bound through a layer and through the division by its norm."""
    new_mass = sums.totals[0] * unit
    mass = new_mass / divisor
    ratio = law.lipschitz * taps * ledger.mass / new_mass if t > 0 else 0.0
    error = ledger.error * ratio + sums.totals[2] * TINY * min(unit, 1.0) / new_mass
    # The error of the norm; the percent covers the products of small terms.
    spill = 1.0 if law.homogeneous or not law.divides else 1.0 + 1.01 * mass
    return Ledger(error * spill, max(ledger.worst_ratio, ratio * spill), mass)


@compiled
def _severity(
    record: Array, image_shape: tuple[int, int], kernel_shape: tuple[int, int], steps: int
) -> float:
    """(D / sigma)^4, with D the farthest that anything can come in the whole run."""
    reach_x = (image_shape[1] + steps * (kernel_shape[1] - 1)) / 2 + abs(record[1])
    reach_y = (image_shape[0] + steps * (kernel_shape[0] - 1)) / 2 + abs(record[2])
    width = min(record[3], record[4])
    return (max(reach_x, reach_y) / width) ** 4 if width > 0.0 else np.inf


@compiled
def _allowance(ledger: Ledger, severity: float, steps: int, t: int) -> float:
    """The share that may be dropped now so that its growth stays within the plan."""
    return PLANNED / (steps + 1) / severity * ledger.worst_ratio ** float(t - steps)


@compiled
def _trimmed(box: Box, squared: bool, sums: Sums, allowed: float) -> tuple[Box, float]:
    """Drop edge rows and columns whose share of mass is allowed; exact zeros always."""
    rows, columns = sums.rows[: box.height], sums.columns[: box.width]
    quarter, mass = allowed / 4, sums.totals[0]
    above, lost_above = _edge(rows, box.width, squared, mass, quarter)
    below, lost_below = _edge(rows[::-1], box.width, squared, mass, quarter)
    before, lost_before = _edge(columns, box.height, squared, mass, quarter)
    behind, lost_behind = _edge(columns[::-1], box.height, squared, mass, quarter)
    height, width = box.height - above - below, box.width - before - behind
    top, left = box.top + above, box.left + before
    kept = Box(box.buffer, top, left, height, width, box.y + above, box.x + before)
    return kept, lost_above + lost_below + lost_before + lost_behind


@compiled
def _absolute_sum(squares: float, count: int) -> float:
    """A bound on the sum of absolute values by that of squares (Cauchy and Schwarz)."""
    return np.sqrt(squares * count) + count * SQUARE_ROOT_OF_TINY


@compiled
def _edge(
    weights: Array, across: int, squared: bool, mass: float, allowed: float
) -> tuple[int, float]:
    """How many lines may go from one edge, and the share of mass that goes with them."""
    total, lost = 0.0, 0.0
    for i in range(weights.size):
        total += weights[i]
        share = (_absolute_sum(total, (i + 1) * across) if squared else total) / mass
        if share > allowed:
            return i, lost
        lost = share
    return 0, 0.0
