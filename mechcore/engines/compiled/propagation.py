"""Runs of images, one simulation after the other: layers, records, and how they end."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mechcore.engines import reference
from mechcore.engines.compiled.box import Box, boxed, largest_store_size, store_size
from mechcore.engines.compiled.convolution import BAND, Taps, layer
from mechcore.engines.compiled.encoded_rule import EncodedRule, encode
from mechcore.engines.compiled.machine_code import compiled, internal
from mechcore.engines.compiled.own_function import own_function
from mechcore.engines.compiled.sums import (
    SMALLEST_NORMAL,
    Sums,
    empty_sums,
    gain_of,
    mass_of,
    measure_state,
    power_of_two,
    settled_unit,
    within_range,
    write_record,
    write_row_record,
)
from mechcore.engines.compiled.trimming import ErrorBound, StateSummary, charged, trimmed
from mechcore.engines.compiled.vector_code import LANES
from mechcore.engines.rule import LayerRule, central_coordinate, window_offset
from mechcore.engines.trajectories import QUANTITIES, Trajectories
from mechcore.io.arrays import Array

ALIVE, EXTINCT, DIVERGED = 0, 1, 2
UNCERTAIN, BUFFER_FULL, CANCELLED, OUT_OF_RANGE = 3, 4, 5, 6
"""How a simulation ends. The last four start again: without trimming, with larger buffers, tap by
tap, and in the reference engine, which handles numbers at the ends of their range."""

CANCELLING = 100.0
"""Mass that goes into a layer over what comes out, beyond which products of low rank are not used:
a tap that is zero by cancellation is 1e-17 there, which shows where all else cancels or dies."""

FIRST_BUFFER = 2**22
"""Numbers that the first buffers hold at most: 32 MB, of which the system maps what is used."""

CACHE_LINE = 8
"""Numbers in a line of the cache: a vector that lies across two lines costs more to load."""

MASS, GAIN, PEAK = (QUANTITIES.index(name) for name in ("mass", "gain", "peak"))

_window_offset = internal(window_offset)


class Outputs(NamedTuple):
    """What a simulation writes: its record, and its snapshots at some layers.

    ``central`` are the coordinates of the central row, (T + 1,).
    """

    record: Array
    central: Array
    layers: NDArray[np.int64]
    snapshots: Array


class Workspace(NamedTuple):
    """Memory that simulations share: to allocate it in a loop costs more than a small simulation.

    ``first`` and ``second`` hold the state in turn, ``between`` a band of it that was convolved
    along one axis, ``scaled`` the taps divided by a norm.
    """

    first: Array
    second: Array
    between: Array
    scaled: Taps
    sums: Sums


def propagate_images(batch: Taps, image: Array, rule: LayerRule, *, trims: bool) -> Trajectories:
    """Run kernels one after the other, pixel by pixel.

    Taps have two leading axes: simulations, and the kernels that take turns in each.
    """
    own = own_function(rule.activation)
    encoded, layers = encode(rule, own), np.array(rule.snapshot_layers, dtype=np.int64)
    count, shape = len(batch.kernel), batch.kernel.shape[2:]
    outcome = Trajectories.undefined(count, rule.steps, layers.size, rule.snapshot_window)
    ends = np.zeros((count, 2), dtype=np.int64)
    every = range(rule.steps + 1)
    central = [central_coordinate(image.shape[0], shape[0], rule, layer) for layer in every]
    outputs = Outputs(outcome.record, np.array(central), layers, outcome.snapshots)
    grown = 0 if encoded.finite else rule.steps
    final = _shape_after(grown, image.shape, shape)
    least, most = (largest_store_size(side, shape) for side in (image.shape, final))
    size = max(min(FIRST_BUFFER, most), least)
    # Nothing is dropped where no bound is known of what that does.
    trims, done = trims and math.isfinite(encoded.lipschitz), 0
    while done < count:
        workspace = _workspace(batch, final, size)
        with np.errstate(all="ignore"):
            done = _propagate_batch(batch, image, encoded, outputs, ends, done, trims, workspace)
        size *= 2
    if own:
        own.check()
    outcome.extinct_at[:] = np.where(ends[:, 0] == EXTINCT, ends[:, 1], np.nan)
    outcome.diverged_at[:] = np.where(ends[:, 0] == DIVERGED, ends[:, 1], np.nan)
    far = np.flatnonzero(ends[:, 0] == OUT_OF_RANGE)
    if far.size:
        exact = reference.run(batch.kernel[far], image, rule)
        outcome.record[far], outcome.snapshots[far] = exact.record, exact.snapshots
        outcome.extinct_at[far], outcome.diverged_at[far] = exact.extinct_at, exact.diverged_at
    return outcome


def _shape_after(layers: int, image: tuple[int, int], kernel: tuple[int, int]) -> tuple[int, int]:
    return image[0] + layers * (kernel[0] - 1), image[1] + layers * (kernel[1] - 1)


def _workspace(batch: Taps, final: tuple[int, int], size: int) -> Workspace:
    rows, rank = batch.columns.shape[2:]
    kernel, columns = np.empty_like(batch.kernel[0, 0]), np.empty_like(batch.columns[0, 0])
    scaled = Taps(kernel, columns, batch.rows[0, 0])
    between = np.empty((rank * (BAND + rows - 1), final[1] + LANES))
    return Workspace(_aligned(size), _aligned(size), between, scaled, empty_sums(*final))


def _aligned(size: int) -> Array:
    """Return an array that starts with a line of the cache, as then do the rows of a box."""
    numbers = np.empty(size + CACHE_LINE)
    start = -(numbers.ctypes.data // numbers.itemsize) % CACHE_LINE
    return numbers[start : start + size]


@compiled
def _propagate_batch(
    batch: Taps,
    image: Array,
    rule: EncodedRule,
    outputs: Outputs,
    ends: NDArray[np.int64],
    first: int,
    trims: bool,
    workspace: Workspace,
) -> int:
    """Run kernels from ``first`` on; return the position of the first that outgrew its memory."""
    n, trimming, factored = first, trims, True
    while n < len(ends):
        turns = Taps(batch.kernel[n], batch.columns[n], batch.rows[n])
        record, snapshots = outputs.record[n], outputs.snapshots[n]
        output = Outputs(record, outputs.central, outputs.layers, snapshots)
        end, t = _propagate(turns, image, rule, output, trimming, factored, workspace)
        if end == BUFFER_FULL:
            return n
        if end in (UNCERTAIN, CANCELLED):
            trimming, factored = trimming and end != UNCERTAIN, factored and end != CANCELLED
            output.record[:] = np.nan
            output.snapshots[:] = np.nan
        else:
            ends[n] = end, t
            n, trimming, factored = n + 1, trims, True
    return n


@internal
def _propagate(
    turns: Taps,
    image: Array,
    rule: EncodedRule,
    outputs: Outputs,
    trims: bool,
    factored: bool,
    workspace: Workspace,
) -> tuple[int, int]:
    """Return how the simulation ended, and at which layer."""
    shape, sums = turns.kernel.shape[1:], workspace.sums
    separate = factored and turns.rows.shape[1] > 0
    unit, divisor = power_of_two(_peak(image)), 1.0
    box = _start(image, shape, workspace.first, unit)
    bound = ErrorBound(0.0, 1.0, 0.0)
    shrinks = rule.keeps_zero and not rule.finite
    taps, absolute_taps, gain, scale = _turn(turns, 0), 0.0, 1.0, 1.0
    for t in range(rule.steps + 1):
        if t > 0:
            taps = _turn(turns, t - 1)
            absolute_taps = _absolute_sum(taps.kernel)
            store = workspace.second if t % 2 else workspace.first
            if store.size < store_size(box, shape, rule.finite):
                return BUFFER_FULL, t
            if not within_range(absolute_taps, divisor, bound.mass * divisor):
                return OUT_OF_RANGE, t
            unit = power_of_two(gain / divisor, absolute_taps)
            # A curved activation takes the state itself.
            by = scale if rule.curved >= 0 else scale * unit
            scaled = _scaled(taps, by, workspace.scaled)
            box = layer(box, store, workspace.between, scaled, separate, rule, t, unit, sums)
        else:
            measure_state(box, rule, unit, sums)
        unit = settled_unit(box, rule, unit, sums)
        gain = gain_of(rule, unit, sums)
        divisor = gain if rule.divides else 1.0
        scale = gain_of(rule, 1.0, sums) if rule.divides else 1.0 / unit
        end = _end_of(gain, unit, divisor, rule, sums)
        if end == EXTINCT:
            outputs.record[t, MASS], outputs.record[t, GAIN] = 0.0, 0.0
            outputs.record[t, PEAK] = 0.0
        if end != ALIVE:
            return end, t
        squares = _write_record(box, rule, t, gain, unit, divisor, sums, outputs)
        _write_snapshot(box, rule, image.shape, shape, t, scale, outputs)
        total, pixels = sums.totals[0], float(box.height * box.width)
        lost = absolute_taps * bound.mass > CANCELLING * total * unit
        if t > 0 and separate and lost:
            return CANCELLED, t
        bound = charged(bound, rule, absolute_taps, unit, divisor, total, pixels, t)
        if shrinks:
            size = total * unit / divisor
            summary = _summary(outputs.record[t], image.shape, shape, t, rule, size)
            box, bound, certified = trimmed(box, rule, sums, squares, bound, summary, trims)
            if not certified:
                return UNCERTAIN, t
    return ALIVE, rule.steps


@internal
def _peak(image: Array) -> float:
    """Return the largest absolute value of a pattern."""
    peak = 0.0
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            peak = max(peak, abs(image[i, j]))
    return peak


@internal
def _start(image: Array, kernel_shape: tuple[int, int], store: Array, unit: float) -> Box:
    """Put the pattern into a buffer, in a unit."""
    height, width = image.shape
    box = boxed(store, kernel_shape, height, width, -(height - 1) / 2, -(width - 1) / 2)
    box.buffer.fill(0.0)
    for i in range(height):
        for j in range(width):
            box.buffer[box.top + i, box.left + j] = image[i, j] / unit
    return box


@internal
def _turn(turns: Taps, layers: int) -> Taps:
    """Return the taps that act after so many layers."""
    turn = layers % turns.kernel.shape[0]
    return Taps(turns.kernel[turn], turns.columns[turn], turns.rows[turn])


@internal
def _absolute_sum(kernel: Array) -> float:
    total = 0.0
    for a in range(kernel.shape[0]):
        for b in range(kernel.shape[1]):
            total += abs(kernel[a, b])
    return total


@internal
def _scaled(taps: Taps, divisor: float, scaled: Taps) -> Taps:
    """Divide a kernel, and the columns of its factors, by a number."""
    for a in range(taps.kernel.shape[0]):
        for b in range(taps.kernel.shape[1]):
            scaled.kernel[a, b] = taps.kernel[a, b] / divisor
        for factor in range(taps.columns.shape[1]):
            scaled.columns[a, factor] = taps.columns[a, factor] / divisor
    return Taps(scaled.kernel, scaled.columns, taps.rows)


@internal
def _end_of(gain: float, unit: float, divisor: float, rule: EncodedRule, sums: Sums) -> int:
    """Return whether the state lives, is all zero, or has left the range of numbers."""
    if gain < SMALLEST_NORMAL:
        return EXTINCT
    total = sums.totals[1] if rule.squared else sums.totals[0]
    mass = mass_of(total, rule, unit / divisor)
    alive = np.isfinite(gain) and np.isfinite(sums.totals[0] * unit) and np.isfinite(mass)
    return ALIVE if alive else DIVERGED


@internal
def _write_record(
    box: Box,
    rule: EncodedRule,
    t: int,
    gain: float,
    unit: float,
    divisor: float,
    sums: Sums,
    outputs: Outputs,
) -> float:
    """Write the record of a layer; return the sum of squares, in the unit, of what is measured."""
    peak, out = sums.totals[2] * unit, outputs.record[t]
    if rule.row:
        y = outputs.central[t]
        return write_row_record(box, rule, y, gain, peak, unit, divisor, sums, out)
    write_record(box, rule, gain, peak, unit / divisor, sums, out)
    return sums.totals[1]


@internal
def _summary(
    record: Array,
    image_shape: tuple[int, int],
    kernel_shape: tuple[int, int],
    t: int,
    rule: EncodedRule,
    size: float,
) -> StateSummary:
    """Take what the certificate needs from a record; ``size`` is the sum of sizes of the state."""
    reach_x = (image_shape[1] + rule.steps * (kernel_shape[1] - 1)) / 2
    reach_y = (image_shape[0] + rule.steps * (kernel_shape[0] - 1)) / 2
    # A row has no width along y.
    reach_y = 0.0 if rule.row else reach_y
    cancelled = size / abs(record[MASS]) if rule.signed else 1.0
    return StateSummary(
        t, rule.steps, reach_x, reach_y, record[1], record[2], record[3], record[4], cancelled
    )


@internal
def _write_snapshot(
    box: Box,
    rule: EncodedRule,
    image_shape: tuple[int, int],
    kernel_shape: tuple[int, int],
    t: int,
    divisor: float,
    outputs: Outputs,
) -> None:
    """Copy the state into its window if this layer is one of those to keep."""
    for index in range(outputs.layers.size):
        if outputs.layers[index] == t:
            layers_grown = 0 if rule.finite else t
            tall = image_shape[0] + layers_grown * (kernel_shape[0] - 1)
            wide = image_shape[1] + layers_grown * (kernel_shape[1] - 1)
            top = 0 if rule.finite else round(box.y + (tall - 1) / 2)
            left = 0 if rule.finite else round(box.x + (wide - 1) / 2)
            window = outputs.snapshots[index]
            window.fill(0.0)
            down = top - _window_offset(tall, window.shape[0])
            right = left - _window_offset(wide, window.shape[1])
            for i in range(max(0, -down), min(box.height, window.shape[0] - down)):
                for j in range(max(0, -right), min(box.width, window.shape[1] - right)):
                    value = box.buffer[box.top + i, box.left + j]
                    window[down + i, right + j] = value / divisor
