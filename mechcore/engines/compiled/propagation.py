"""One simulation after the other in machine code: layers, their records, and how they end."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mechcore.engines import reference
from mechcore.engines.compiled.box import Array, Box, boxed, numbers_in, room_after
from mechcore.engines.compiled.convolution import BAND, Taps, layer
from mechcore.engines.compiled.law import Law, law_of
from mechcore.engines.compiled.machine_code import compiled, part
from mechcore.engines.compiled.sums import (
    Sums,
    gain_of,
    mass_of,
    measure_state,
    peak_of,
    power_of_two,
    room_for_sums,
    settled_unit,
    within_range,
    write_record,
)
from mechcore.engines.compiled.trimming import Ledger, Place, charged, trimmed
from mechcore.engines.compiled.vector_code import LANES
from mechcore.engines.rule import LayerRule, window_offset
from mechcore.engines.trajectories import QUANTITIES, Trajectories

SMALLEST_NORMAL = float(np.finfo(np.float64).smallest_normal)
"""A state whose norm is below this is extinct."""

ALIVE, EXTINCT, DIVERGED = 0, 1, 2
UNCERTAIN, CRAMPED, CANCELLED, OUT_OF_RANGE = 3, 4, 5, 6
"""How a simulation ends. The last four begin again: without trimming, with more memory, tap by tap,
and in the reference engine, which knows what becomes of numbers at the ends of their range."""

CANCELLING = 100.0
"""Mass that goes into a layer over what comes out, beyond which products of low rank are not used:
a tap that is zero by cancellation is 1e-17 there, which shows where all else cancels or dies."""

FIRST_ROOM = 2**22
"""Numbers that the first buffers hold at most, 32 MB; what is not used is no memory."""

MASS, GAIN = QUANTITIES.index("mass"), QUANTITIES.index("gain")

_window_offset = part(window_offset)


class Outputs(NamedTuple):
    """What a simulation writes: its record, and its snapshots at the layers to keep."""

    record: Array
    layers: NDArray[np.int64]
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


def propagate_images(batch: Taps, image: Array, rule: LayerRule, *, trims: bool) -> Trajectories:
    """Run kernels one after the other, pixel by pixel."""
    law, layers = law_of(rule), np.array(rule.snapshot_layers, dtype=np.int64)
    count, shape = len(batch.kernel), batch.kernel.shape[1:]
    outcome = Trajectories.undefined(count, rule.steps, layers.size, rule.snapshot_window)
    ends = np.zeros((count, 2), dtype=np.int64)
    outputs = Outputs(outcome.record, layers, outcome.snapshots)
    final = final_shape(image.shape, shape, law)
    size = max(min(FIRST_ROOM, numbers_in(final, shape)), numbers_in(image.shape, shape))
    done = 0
    while done < count:
        room = _room(batch, final, size)
        done = _propagate_batch(batch, image, law, outputs, ends, done, trims, room)
        size *= 2
    outcome.extinct_at[:] = np.where(ends[:, 0] == EXTINCT, ends[:, 1], np.nan)
    outcome.diverged_at[:] = np.where(ends[:, 0] == DIVERGED, ends[:, 1], np.nan)
    far = np.flatnonzero(ends[:, 0] == OUT_OF_RANGE)
    if far.size:
        exact = reference.run(batch.kernel[far], image, rule)
        outcome.record[far], outcome.snapshots[far] = exact.record, exact.snapshots
        outcome.extinct_at[far], outcome.diverged_at[far] = exact.extinct_at, exact.diverged_at
    return outcome


def final_shape(image: tuple[int, int], kernel: tuple[int, int], law: Law) -> tuple[int, int]:
    """Rows and columns that a state can come to occupy.

    Examples
    --------
    >>> final_shape((1, 1), (2, 3), law_of(LayerRule(steps=4)))
    (5, 9)
    """
    layers = 0 if law.finite else law.steps
    return image[0] + layers * (kernel[0] - 1), image[1] + layers * (kernel[1] - 1)


def _room(batch: Taps, final: tuple[int, int], size: int) -> Room:
    _, rows, rank = batch.columns.shape
    scaled = Taps(np.empty_like(batch.kernel[0]), np.empty_like(batch.columns[0]), batch.rows[0])
    between = np.empty((rank * (BAND + rows - 1), final[1] + LANES))
    return Room(np.empty(size), np.empty(size), between, scaled, room_for_sums(*final))


@compiled
def _propagate_batch(
    batch: Taps,
    image: Array,
    law: Law,
    outputs: Outputs,
    ends: NDArray[np.int64],
    first: int,
    trims: bool,
    room: Room,
) -> int:
    """Run kernels from one on, and return the first that did not find room enough."""
    n, trimming, factored = first, trims, True
    while n < len(ends):
        taps = Taps(batch.kernel[n], batch.columns[n], batch.rows[n])
        one = Outputs(outputs.record[n], outputs.layers, outputs.snapshots[n])
        end, t = _propagate(taps, image, law, one, trimming, factored, room)
        if end == CRAMPED:
            return n
        if end in (UNCERTAIN, CANCELLED):
            trimming, factored = trimming and end != UNCERTAIN, factored and end != CANCELLED
            one.record[:] = np.nan
            one.snapshots[:] = np.nan
        else:
            ends[n] = end, t
            n, trimming, factored = n + 1, trims, True
    return n


@part
def _propagate(
    taps: Taps,
    image: Array,
    law: Law,
    outputs: Outputs,
    trims: bool,
    factored: bool,
    room: Room,
) -> tuple[int, int]:
    """Return how the simulation ended, and at which layer."""
    kernel, sums = taps.kernel, room.sums
    separate = factored and taps.rows.shape[0] > 0
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
            if not within_range(absolute_taps, divisor, ledger.mass * divisor):
                return OUT_OF_RANGE, t
            scaled = _scaled(taps, divisor, room.scaled)
            box = layer(box, store, room.between, scaled, separate, law, t, unit, sums)
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
        total, pixels = sums.totals[0], float(box.height * box.width)
        lost = absolute_taps * ledger.mass > CANCELLING * total * unit
        if t > 0 and separate and lost:
            return CANCELLED, t
        ledger = charged(ledger, law, absolute_taps, unit, divisor, total, pixels, t)
        if bounded:
            place = _place_of(outputs.record[t], image.shape, kernel.shape, t, law.steps)
            box, ledger, certified = trimmed(box, law, sums, ledger, place, trims)
            if not certified:
                return UNCERTAIN, t
        unit = power_of_two(gain / divisor, absolute_taps)
    return ALIVE, law.steps


@part
def _start(image: Array, kernel_shape: tuple[int, int], store: Array) -> Box:
    """The pattern in a buffer."""
    height, width = image.shape
    box = boxed(store, kernel_shape, height, width, -(height - 1) / 2, -(width - 1) / 2)
    box.buffer.fill(0.0)
    for i in range(height):
        for j in range(width):
            box.buffer[box.top + i, box.left + j] = image[i, j]
    return box


@part
def _absolute_sum(kernel: Array) -> float:
    total = 0.0
    for a in range(kernel.shape[0]):
        for b in range(kernel.shape[1]):
            total += abs(kernel[a, b])
    return total


@part
def _scaled(taps: Taps, divisor: float, scaled: Taps) -> Taps:
    """A kernel, and the columns of its factors, divided by a number."""
    for a in range(taps.kernel.shape[0]):
        for b in range(taps.kernel.shape[1]):
            scaled.kernel[a, b] = taps.kernel[a, b] / divisor
        for factor in range(taps.columns.shape[1]):
            scaled.columns[a, factor] = taps.columns[a, factor] / divisor
    return Taps(scaled.kernel, scaled.columns, taps.rows)


@part
def _end_of(gain: float, unit: float, divisor: float, law: Law, sums: Sums) -> int:
    """Whether the state lives, is all zero, or has left the range of numbers."""
    if gain < SMALLEST_NORMAL:
        return EXTINCT
    total = sums.totals[1] if law.squared else sums.totals[0]
    mass = mass_of(total, law, unit / divisor)
    alive = np.isfinite(gain) and np.isfinite(sums.totals[0] * unit) and np.isfinite(mass)
    return ALIVE if alive else DIVERGED


@part
def _place_of(
    record: Array, image_shape: tuple[int, int], kernel_shape: tuple[int, int], t: int, steps: int
) -> Place:
    reach_x = (image_shape[1] + steps * (kernel_shape[1] - 1)) / 2
    reach_y = (image_shape[0] + steps * (kernel_shape[0] - 1)) / 2
    return Place(t, steps, reach_x, reach_y, record[1], record[2], record[3], record[4])


@part
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
