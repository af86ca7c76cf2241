"""The occupied part of a state: a rectangle in a buffer, with margins that continue it."""

from __future__ import annotations

from typing import NamedTuple

from mechcore.engines.compiled.machine_code import internal
from mechcore.engines.compiled.vector_blocks import ROWS, clear_block
from mechcore.engines.compiled.vector_code import LANES
from mechcore.io.arrays import Array

_clear = clear_block()


class Box(NamedTuple):
    """A rectangle in a buffer with margins; ``y`` and ``x`` are coordinates of its first pixel."""

    buffer: Array
    top: int
    left: int
    height: int
    width: int
    y: float
    x: float


@internal
def rounded_up(size: int) -> int:
    """Return the next multiple of the length of a vector."""
    return (size + LANES - 1) // LANES * LANES


@internal
def _outline(kernel_shape: tuple[int, int], height: int, width: int) -> tuple[int, int]:
    """Return rows and columns of a buffer: blocks may end beyond the state, kernels read on."""
    reach_y, reach_x = kernel_shape[0] - 1, rounded_up(kernel_shape[1] - 1)
    tall = 2 * reach_y + height + ROWS - 1
    return tall, reach_x + rounded_up(width) + reach_x + LANES


@internal
def boxed(
    store: Array, kernel_shape: tuple[int, int], height: int, width: int, y: float, x: float
) -> Box:
    """Return a box in a store, with the margins that the kernel reads."""
    tall, wide = _outline(kernel_shape, height, width)
    buffer = store[: tall * wide].reshape((tall, wide))
    return Box(buffer, kernel_shape[0] - 1, rounded_up(kernel_shape[1] - 1), height, width, y, x)


def largest_store_size(shape: tuple[int, int], kernel_shape: tuple[int, int]) -> int:
    """Return how many numbers the store of a box holds at most."""
    tall = shape[0] + 2 * kernel_shape[0] + ROWS
    return tall * (shape[1] + 2 * kernel_shape[1] + 4 * LANES)


@internal
def store_size(box: Box, kernel_shape: tuple[int, int], finite: bool) -> int:
    """Return how many numbers the box of the next layer needs."""
    rows, columns = (0, 0) if finite else (kernel_shape[0] - 1, kernel_shape[1] - 1)
    tall, wide = _outline(kernel_shape, box.height + rows, box.width + columns)
    return tall * wide


@internal
def fill_margins(box: Box, taps: Array, period: int) -> None:
    """Continue the state beyond its edge, as far as the kernel or a block reads."""
    reach_y, reach_x = taps.shape[0] - 1, rounded_up(taps.shape[1] - 1)
    side, bottom = reach_x // LANES, box.top + box.height
    _clear(box.buffer, box.top, box.left - reach_x, box.height, side)
    _clear(box.buffer, box.top, box.left + box.width, box.height, side + 1)
    across = 2 * side + rounded_up(box.width) // LANES
    _clear(box.buffer, box.top - reach_y, box.left - reach_x, reach_y, across)
    below = reach_y + ROWS - 1
    _clear(box.buffer, bottom, box.left - reach_x, below, across)
    if period > 0:
        _mirror(box, taps, period)


@internal
def _mirror(box: Box, taps: Array, period: int) -> None:
    """Fill the margins with copies of the state."""
    reach_y, reach_x = taps.shape[0] - 1, taps.shape[1] - 1
    inner = box.buffer[box.top : box.top + box.height]
    for j in range(-reach_x, 0):
        _copy_column(inner, box.left, box.width, j, period)
        _copy_column(inner, box.left, box.width, box.width - 1 - j, period)
    start, stop = box.left - reach_x, box.left + box.width + reach_x
    for i in range(-reach_y, 0):
        _copy_row(box.buffer[:, start:stop], box.top, box.height, i, period)
        _copy_row(box.buffer[:, start:stop], box.top, box.height, box.height - 1 - i, period)


@internal
def _copy_column(inner: Array, left: int, width: int, j: int, period: int) -> None:
    source = folded(j, width, period)
    for i in range(inner.shape[0]):
        inner[i, left + j] = inner[i, left + source]


@internal
def _copy_row(buffer: Array, top: int, height: int, i: int, period: int) -> None:
    source = folded(i, height, period)
    for j in range(buffer.shape[1]):
        buffer[top + i, j] = buffer[top + source, j]


@internal
def folded(position: int, size: int, period: int) -> int:
    """Return the pixel that stands for a position outside the domain."""
    source = position % (period * size)
    return source if source < size else 2 * size - 1 - source
