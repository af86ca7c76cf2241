"""The compiled engine: one pass a layer over the occupied support, in machine code.

Convolution, activation, norm and marginal sums are taken row by row while the row is in the fastest
cache. The state is kept as it comes out of the activation; dividing it by its norm is left to the
taps of the next layer. What lies outside the support is never visited; `mechcore.engines.trimming`
tells what may be left out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mechcore.activations import ACTIVATIONS
from mechcore.boundaries import crop_start
from mechcore.engines import LayerRule, window_offset
from mechcore.engines.box import Array, Box, boxed, fill_margins, roomy
from mechcore.engines.law import Law, law_of
from mechcore.engines.machine_code import compiled, part
from mechcore.engines.sums import (
    Sums,
    accumulate,
    clear,
    gain_of,
    measure_state,
    power_of_two,
    settled_unit,
    write_record,
)
from mechcore.engines.trimming import Ledger, Place, charged, trimmed
from mechcore.records import QUANTITIES, Trajectories

SMALLEST_NORMAL = float(np.finfo(np.float64).smallest_normal)
"""A state whose norm is below this is extinct."""

ALIVE, EXTINCT, DIVERGED = 0, 1, 2
NO_TRIMMING, TRIMMING = False, True
MASS, GAIN = QUANTITIES.index("mass"), QUANTITIES.index("gain")


def _row_function(scalar: Callable[[float], float]) -> Callable[[Array], None]:
    """A compiled function that applies a function of one number to a row."""
    function = part(scalar)

    @part
    def apply(row: Array) -> None:
        for j in range(row.size):
            row[j] = function(row[j])

    applied: Callable[[Array], None] = apply
    return applied


@part
def _nothing(index: int, row: Array) -> None:
    """What lies beyond the end of the list."""


def _choice(functions: Sequence[Callable[[Array], None]]) -> Callable[[int, Array], None]:
    """One compiled function that applies the function at a position of a list to a row."""
    first, *others = functions
    rest = _choice(others) if others else _nothing

    @part
    def apply(index: int, row: Array) -> None:
        if index == 0:
            first(row)
        else:
            rest(index - 1, row)

    applied: Callable[[int, Array], None] = apply
    return applied


_activate = _choice([_row_function(entry.scalar) for entry in ACTIVATIONS.values()])
_crop_start = part(crop_start)
_window_offset = part(window_offset)


def run(kernels: Array, image: Array, rule: LayerRule) -> Trajectories:
    """Run a batch of kernels on one pattern; see `mechcore.engines.run`."""
    law = law_of(rule)
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
    unit, divisor = power_of_two(np.log2(np.max(image))), 1.0
    for t in range(law.steps + 1):
        if t > 0:
            spare = roomy(spare, box, kernel)
            box = _layer(box, spare, kernel / divisor, law, t, unit, sums)
            store, spare = spare, store
        else:
            measure_state(box, law, unit, sums)
        unit = settled_unit(box, law, unit, sums)
        gain = gain_of(box, law, unit, sums)
        divisor = gain if law.divides else 1.0
        end = _end_of(gain, unit, divisor, law, sums)
        if end == EXTINCT:
            record[t, MASS], record[t, GAIN] = 0.0, 0.0
        if end != ALIVE:
            return end, t, True
        write_record(box, law, gain, unit / divisor, sums, record[t])
        _write_snapshot(box, law, image.shape, kernel.shape, t, divisor, layers, snapshots)
        ledger = charged(ledger, law, absolute_taps, unit, divisor, sums, t)
        if law.keeps_zero and not law.finite:
            place = _place_of(record[t], image.shape, kernel.shape, t, law.steps)
            box, ledger, certified = trimmed(box, law, sums, ledger, place, trims)
            if not certified:
                return ALIVE, t, False
        # Logarithms, as the compiler may reorder a product into one that underflows.
        unit = power_of_two(np.log2(gain / divisor) + np.log2(absolute_taps))
    return ALIVE, law.steps, True


@compiled
def _end_of(gain: float, unit: float, divisor: float, law: Law, sums: Sums) -> int:
    """Whether the state lives, is all zero, or has left the range of numbers."""
    if gain < SMALLEST_NORMAL:
        return EXTINCT
    scale = unit / divisor
    mass = sums.totals[1] * scale * scale if law.squared else sums.totals[0] * scale
    alive = np.isfinite(gain) and np.isfinite(sums.totals[0] * unit) and np.isfinite(mass)
    return ALIVE if alive else DIVERGED


@compiled
def _place_of(
    record: Array, image_shape: tuple[int, int], kernel_shape: tuple[int, int], t: int, steps: int
) -> Place:
    reach_x = (image_shape[1] + steps * (kernel_shape[1] - 1)) / 2
    reach_y = (image_shape[0] + steps * (kernel_shape[0] - 1)) / 2
    return Place(t, steps, reach_x, reach_y, record[1], record[2], record[3], record[4])


@compiled
def _prepared(kernel: Array, image: Array, law: Law) -> tuple[Box, Array, Array, Sums]:
    """The pattern in a buffer, room for the next layer, and room for the sums."""
    height, width = image.shape
    rows, columns = kernel.shape
    layers = 0 if law.finite else law.steps
    tall, wide = height + layers * (rows - 1), width + layers * (columns - 1)
    store = np.empty((height + 2 * (rows - 1)) * (width + 2 * (columns - 1)))
    y, x = -(height - 1) / 2, -(width - 1) / 2
    box = boxed(store, kernel, height, width, y, x)
    for i in range(height):
        for j in range(width):
            box.buffer[box.top + i, box.left + j] = image[i, j]
    sums = Sums(np.empty(tall), np.empty(tall), np.empty(wide), np.empty(3))
    return box, store, np.empty(0), sums


@compiled
def _layer(box: Box, spare: Array, taps: Array, law: Law, t: int, unit: float, sums: Sums) -> Box:
    """Convolve, activate and measure, row by row, into another buffer."""
    fill_margins(box, taps, law.mirror_period)
    rows, columns = taps.shape
    top, left, height, width = 0, 0, box.height + rows - 1, box.width + columns - 1
    if law.finite:
        top, left = _crop_start(rows, t), _crop_start(columns, t)
        height, width = box.height, box.width
    y, x = box.y + top - (rows - 1) / 2, box.x + left - (columns - 1) / 2
    out = boxed(spare, taps, height, width, y, x)
    clear(sums, width)
    for i in range(height):
        row = out.buffer[out.top + i, out.left : out.left + width]
        _convolve_row(box.buffer, box.top + top + i, box.left + left, taps, row)
        _activate(law.activation, row)
        accumulate(row, i, law.squared, unit, sums)
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
