"""The occupied part of a state: a rectangle in a buffer, with margins that continue it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mechcore.engines.compiled.machine_code import part
from mechcore.engines.compiled.vector_blocks import ROWS, clear_block
from mechcore.engines.compiled.vector_code import LANES

Array = NDArray[np.float64]

_clear = clear_block()


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


@part
def rounded_up(size: int) -> int:
    """The next multiple of the length of a vector."""
    return (size + LANES - 1) // LANES * LANES


@part
def _outline(kernel_shape: tuple[int, int], height: int, width: int) -> tuple[int, int]:
    """Rows and columns of a buffer: blocks may end beyond the state, and the kernel reads on."""
    reach_y, reach_x = kernel_shape[0] - 1, rounded_up(kernel_shape[1] - 1)
    tall = 2 * reach_y + height + ROWS - 1
    return tall, reach_x + rounded_up(width) + reach_x + LANES


@part
def boxed(
    store: Array, kernel_shape: tuple[int, int], height: int, width: int, y: float, x: float
) -> Box:
    """A box of a given size in a store, with room for the margins that the kernel reads."""
    tall, wide = _outline(kernel_shape, height, width)
    buffer = store[: tall * wide].reshape((tall, wide))
    return Box(buffer, kernel_shape[0] - 1, rounded_up(kernel_shape[1] - 1), height, width, y, x)


def numbers_in(shape: tuple[int, int], kernel_shape: tuple[int, int]) -> int:
    """Return how many numbers the store of a box holds at most.

    Examples
    --------
    >>> numbers_in((100, 100), (3, 3)) > 100 * 100
    True
    """
    tall = shape[0] + 2 * kernel_shape[0] + ROWS
    return tall * (shape[1] + 2 * kernel_shape[1] + 4 * LANES)


@part
def room_after(box: Box, kernel_shape: tuple[int, int], finite: bool) -> int:
    """Numbers in the store of the box of the next layer."""
    rows, columns = (0, 0) if finite else (kernel_shape[0] - 1, kernel_shape[1] - 1)
    tall, wide = _outline(kernel_shape, box.height + rows, box.width + columns)
    return tall * wide


@part
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


@part
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


@part
def _copy_column(inner: Array, left: int, width: int, j: int, period: int) -> None:
    source = folded(j, width, period)
    for i in range(inner.shape[0]):
        inner[i, left + j] = inner[i, left + source]


@part
def _copy_row(buffer: Array, top: int, height: int, i: int, period: int) -> None:
    source = folded(i, height, period)
    for j in range(buffer.shape[1]):
        buffer[top + i, j] = buffer[top + source, j]


@part
def folded(position: int, size: int, period: int) -> int:
    """The pixel that a position outside the domain is read from."""
    place = position % (period * size)
    return place if place < size else 2 * size - 1 - place
