"""The occupied part of a state: a rectangle in a buffer, with margins that continue it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mechcore.engines.machine_code import compiled

Array = NDArray[np.float64]


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


@compiled
def boxed(store: Array, kernel: Array, height: int, width: int, y: float, x: float) -> Box:
    """A box of a given size in a store, with room for the margins that the kernel reads."""
    top, left = kernel.shape[0] - 1, kernel.shape[1] - 1
    tall, wide = height + 2 * top, width + 2 * left
    return Box(store[: tall * wide].reshape((tall, wide)), top, left, height, width, y, x)


@compiled
def roomy(store: Array, box: Box, kernel: Array) -> Array:
    """The store, or a larger one if the next layer does not fit."""
    rows, columns = kernel.shape
    needed = (box.height + 3 * (rows - 1)) * (box.width + 3 * (columns - 1))
    # Half as much again, so that a growing state asks for memory only a few times.
    return store if store.size >= needed else np.empty(needed + needed // 2)


@compiled
def fill_margins(box: Box, taps: Array, period: int) -> None:
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
