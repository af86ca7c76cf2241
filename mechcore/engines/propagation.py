"""One simulation after the other in machine code: layers, their records, and how they end."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mechcore.engines import window_offset
from mechcore.engines.box import Array, Box, boxed, room_after, room_for, rounded_up
from mechcore.engines.convolution import BAND, Taps, layer
from mechcore.engines.law import Law
from mechcore.engines.machine_code import compiled, leaf, part
from mechcore.engines.sums import (
    Sums,
    gain_of,
    mass_of,
    measure_state,
    peak_of,
    power_of_two,
    room_for_sums,
    settled_unit,
    write_record,
)
from mechcore.engines.trimming import Ledger, Place, charged, trimmed
from mechcore.records import QUANTITIES

SMALLEST_NORMAL = float(np.finfo(np.float64).smallest_normal)
"""A state whose norm is below this is extinct."""

ALIVE, EXTINCT, DIVERGED = 0, 1, 2
UNCERTAIN, CRAMPED = 3, 4
"""How a simulation ends: the last two begin again, without trimming or with more memory."""

FIRST_ROOM = 2**22
"""Numbers that the first buffers hold at most, 32 MB; what is not used is no memory."""

MASS, GAIN = QUANTITIES.index("mass"), QUANTITIES.index("gain")

_window_offset = leaf(window_offset)


class Outputs(NamedTuple):
    """What a simulation writes: its record, and its snapshots at the layers to keep."""

    record: Array
    layers: Array
    snapshots: Array


class Room(NamedTuple):
    """Memory for one simulation after the other: what is allocated in a loop costs more than it.

    ``first`` and ``second`` hold the state in turn, ``between`` a band of it that was convolved
    along one axis, ``scaled`` the taps divided by a norm.
    """

    first: Array
    second: Array
    between: Array
    scaled: Taps
    sums: Sums


@compiled
def propagate_batch(
    kernels: Array,
    columns: Array,
    rows: Array,
    image: Array,
    law: Law,
    layers: Array,
    record: Array,
    snapshots: Array,
    ends: Array,
    trims: bool,
) -> None:
    """Run a batch of kernels of one shape and rank, one after the other."""
    size, limit = FIRST_ROOM, _largest_state(image.shape, kernels.shape, law)
    room = _room(image, kernels, rows, law, min(size, limit))
    n, trimming = 0, trims
    while n < len(kernels):
        taps = Taps(kernels[n], columns[n], rows[n])
        outputs = Outputs(record[n], layers, snapshots[n])
        end, t = _propagate(taps, image, law, outputs, trimming, room)
        if end == CRAMPED:
            size *= 2
            room = _room(image, kernels, rows, law, min(size, limit))
        elif end == UNCERTAIN:
            # What was dropped has grown too much: once more, and nothing is dropped.
            trimming = False
            record[n], snapshots[n] = np.nan, np.nan
        else:
            if end != ALIVE:
                ends[n, end - 1] = t
            n, trimming = n + 1, trims


@leaf
def _largest_state(image: tuple[int, int], kernels: tuple[int, int, int], law: Law) -> int:
    """Numbers in a buffer that holds all that can be reached."""
    layers = 0 if law.finite else law.steps
    tall, wide = image[0] + layers * (kernels[1] - 1), image[1] + layers * (kernels[2] - 1)
    return room_for(kernels[1:], tall, wide)


@part
def _room(image: Array, kernels: Array, rows: Array, law: Law, size: int) -> Room:
    _, kernel_rows, kernel_columns = kernels.shape
    layers, rank = 0 if law.finite else law.steps, rows.shape[1]
    tall = image.shape[0] + layers * (kernel_rows - 1)
    wide = image.shape[1] + layers * (kernel_columns - 1)
    scaled = Taps(np.empty((kernel_rows, kernel_columns)), np.empty((kernel_rows, rank)), rows[0])
    between = np.empty((rank * (BAND + kernel_rows - 1), rounded_up(wide)))
    return Room(np.empty(size), np.empty(size), between, scaled, room_for_sums(tall, wide))


@leaf
def _propagate(
    taps: Taps, image: Array, law: Law, outputs: Outputs, trims: bool, room: Room
) -> tuple[int, int]:
    """Return how the simulation ended, and at which layer."""
    kernel, sums = taps.kernel, room.sums
    box = _start(image, kernel.shape, room.first)
    ledger = Ledger(0.0, 1.0, 0.0)
    bounded = law.keeps_zero and not law.finite
    absolute_taps = _absolute_sum(kernel)
    unit, divisor = power_of_two(peak_of(box)), 1.0
    for t in range(law.steps + 1):
        if t > 0:
            store = room.second if t % 2 else room.first
            if store.size < room_after(box, kernel.shape, law.finite):
                return CRAMPED, t
            scaled = _scaled(taps, divisor, room.scaled)
            box = layer(box, store, room.between, scaled, law, t, unit, sums)
        else:
            measure_state(box, law, unit, sums)
        unit = settled_unit(box, law, unit, sums)
        gain = gain_of(box, law, unit, sums)
        divisor = gain if law.divides else 1.0
        end = _end_of(gain, unit, divisor, law, sums)
        if end == EXTINCT:
            outputs.record[t, MASS], outputs.record[t, GAIN] = 0.0, 0.0
        if end != ALIVE:
            return end, t
        write_record(box, law, gain, unit / divisor, sums, outputs.record[t])
        _write_snapshot(box, law, image.shape, kernel.shape, t, divisor, outputs)
        if bounded:
            pixels = box.height * box.width
            total = sums.totals[0]
            ledger = charged(ledger, law, absolute_taps, unit, divisor, total, pixels, t)
            place = _place_of(outputs.record[t], image.shape, kernel.shape, t, law.steps)
            box, ledger, certified = trimmed(box, law, sums, ledger, place, trims)
            if not certified:
                return UNCERTAIN, t
        unit = power_of_two(gain / divisor, absolute_taps)
    return ALIVE, law.steps


@leaf
def _start(image: Array, kernel_shape: tuple[int, int], store: Array) -> Box:
    """The pattern in a buffer."""
    height, width = image.shape
    box = boxed(store, kernel_shape, height, width, -(height - 1) / 2, -(width - 1) / 2)
    box.buffer.fill(0.0)
    for i in range(height):
        for j in range(width):
            box.buffer[box.top + i, box.left + j] = image[i, j]
    return box


@leaf
def _absolute_sum(kernel: Array) -> float:
    total = 0.0
    for a in range(kernel.shape[0]):
        for b in range(kernel.shape[1]):
            total += abs(kernel[a, b])
    return total


@leaf
def _scaled(taps: Taps, divisor: float, scaled: Taps) -> Taps:
    """A kernel, and the columns of its factors, divided by a number."""
    for a in range(taps.kernel.shape[0]):
        for b in range(taps.kernel.shape[1]):
            scaled.kernel[a, b] = taps.kernel[a, b] / divisor
        for factor in range(taps.columns.shape[1]):
            scaled.columns[a, factor] = taps.columns[a, factor] / divisor
    return Taps(scaled.kernel, scaled.columns, taps.rows)


@leaf
def _end_of(gain: float, unit: float, divisor: float, law: Law, sums: Sums) -> int:
    """Whether the state lives, is all zero, or has left the range of numbers."""
    if gain < SMALLEST_NORMAL:
        return EXTINCT
    total = sums.totals[1] if law.squared else sums.totals[0]
    mass = mass_of(total, law, unit / divisor)
    alive = np.isfinite(gain) and np.isfinite(sums.totals[0] * unit) and np.isfinite(mass)
    return ALIVE if alive else DIVERGED


@leaf
def _place_of(
    record: Array, image_shape: tuple[int, int], kernel_shape: tuple[int, int], t: int, steps: int
) -> Place:
    reach_x = (image_shape[1] + steps * (kernel_shape[1] - 1)) / 2
    reach_y = (image_shape[0] + steps * (kernel_shape[0] - 1)) / 2
    return Place(t, steps, reach_x, reach_y, record[1], record[2], record[3], record[4])


@leaf
def _write_snapshot(
    box: Box,
    law: Law,
    image_shape: tuple[int, int],
    kernel_shape: tuple[int, int],
    t: int,
    divisor: float,
    outputs: Outputs,
) -> None:
    """Copy the state into its window if this layer is one of those to keep."""
    for index in range(outputs.layers.size):
        if outputs.layers[index] == t:
            layers_grown = 0 if law.finite else t
            tall = image_shape[0] + layers_grown * (kernel_shape[0] - 1)
            wide = image_shape[1] + layers_grown * (kernel_shape[1] - 1)
            top = 0 if law.finite else round(box.y + (tall - 1) / 2)
            left = 0 if law.finite else round(box.x + (wide - 1) / 2)
            window = outputs.snapshots[index]
            window.fill(0.0)
            down = top - _window_offset(tall, window.shape[0])
            right = left - _window_offset(wide, window.shape[1])
            for i in range(max(0, -down), min(box.height, window.shape[0] - down)):
                for j in range(max(0, -right), min(box.width, window.shape[1] - right)):
                    value = box.buffer[box.top + i, box.left + j]
                    window[down + i, right + j] = value / divisor
