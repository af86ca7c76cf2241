"""One layer: convolution, activation and sums, band by band of rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from mechcore.engines.compiled.box import Box, boxed, fill_margins, rounded_up
from mechcore.engines.compiled.encoded_rule import CURVED, EncodedRule
from mechcore.engines.compiled.machine_code import internal
from mechcore.engines.compiled.own_function import call_at
from mechcore.engines.compiled.sums import Sums, clear, measure, tiniest
from mechcore.engines.compiled.vector_blocks import (
    ROWS,
    Scales,
    layer_block,
    multiply_add_block,
    row_block,
)
from mechcore.engines.compiled.vector_code import LANES
from mechcore.io.arrays import Array
from mechcore.model.boundaries import crop_start

SMALL = 0, 2, 3
"""Sides of kernels that registers hold as a whole; 0 stands for all others."""

BAND = 32
"""Rows that are convolved along x before they are convolved along y: what a cache holds."""


class Taps(NamedTuple):
    """A kernel (kh, kw), and its factors: ``columns`` (kh, r) and ``rows`` (r, kw).

    Without factors (r = 0) the kernel is used as it is.
    """

    kernel: Array
    columns: Array
    rows: Array


def _row_function(scalar: Callable[[float], float]) -> Callable[[Array], None]:
    """Compile a function of one number to one that applies it to a row."""
    function = internal(scalar)

    @internal
    def apply(row: Array) -> None:
        for j in range(row.size):
            row[j] = function(row[j])

    applied: Callable[[Array], None] = apply
    return applied


@internal
def _nothing(index: int, row: Array) -> None:
    """End the recursion of `_choice`."""


def _choice(functions: Sequence[Callable[[Array], None]]) -> Callable[[int, Array], None]:
    """Compile functions to one that applies the function at an index to a row."""
    first, *others = functions
    rest = _choice(others) if others else _nothing

    @internal
    def apply(index: int, row: Array) -> None:
        if index == 0:
            first(row)
        else:
            rest(index - 1, row)

    applied: Callable[[int, Array], None] = apply
    return applied


_activate = _choice([_row_function(scalar) for scalar in CURVED.values()])
_crop_start = internal(crop_start)
_convolve_block = multiply_add_block()
_convolve_with_one, _convolve_with_two = row_block(1), row_block(2)
_layer, _layer_of_two, _layer_of_three = (layer_block(k, "absolute") for k in SMALL)
_signed_layer, _signed_layer_of_two, _signed_layer_of_three = (
    layer_block(k, "signed") for k in SMALL
)
# What is rectified has no sign.
_relu_layer, _relu_layer_of_two, _relu_layer_of_three = (
    layer_block(k, "absolute", rectifies=True) for k in SMALL
)


@internal
def layer(
    box: Box,
    spare: Array,
    between: Array,
    taps: Taps,
    separate: bool,
    rule: EncodedRule,
    t: int,
    unit: float,
    sums: Sums,
) -> Box:
    """Convolve, activate and measure, band by band, into another buffer."""
    fill_margins(box, taps.kernel, rule.mirror_period)
    rows, columns = taps.kernel.shape
    top, left, height, width = 0, 0, box.height + rows - 1, box.width + columns - 1
    if rule.finite:
        top, left = _crop_start(rows, t), _crop_start(columns, t)
        height, width = box.height, box.width
    y, x = box.y + top - (rows - 1) / 2, box.x + left - (columns - 1) / 2
    out = boxed(spare, taps.kernel.shape, height, width, y, x)
    clear(sums, width)
    _fill(box, box.top + top, box.left + left, between, taps, separate, out, rule, unit, sums)
    return out


@internal
def _fill(
    box: Box,
    top: int,
    left: int,
    between: Array,
    taps: Taps,
    separate: bool,
    out: Box,
    rule: EncodedRule,
    unit: float,
    sums: Sums,
) -> None:
    """Fill ``out``; its first pixel is the sum over the taps up to (top, left) of the other box."""
    at_once = rule.curved < 0 and not rule.finite and not rule.squared
    band = BAND if separate else out.height
    for start in range(0, out.height, band):
        stop = min(start + band, out.height)
        source = box.buffer, top + start, left, -1, taps.kernel
        if separate:
            _convolve_along_x(box, top, left, between, taps, out.width, start, stop)
            plane = between.shape[0] // taps.rows.shape[0] * between.shape[1]
            source = between, taps.kernel.shape[0] - 1, 0, plane, taps.columns
        if at_once:
            _fill_at_once(*source, out, start, stop, rule, unit, sums)
        else:
            _fill_block_by_block(*source, out, start, stop, rule, unit, sums)


@internal
def _fill_at_once(
    source: Array,
    top: int,
    left: int,
    step: int,
    taps: Array,
    out: Box,
    start: int,
    stop: int,
    rule: EncodedRule,
    unit: float,
    sums: Sums,
) -> None:
    """Convolve, activate and measure some rows in one pass."""
    blocks, vectors = (stop - start + ROWS - 1) // ROWS, rounded_up(out.width) // LANES
    row, distance = out.top + start, start - (out.height - 1) / 2
    scales = Scales(rule.slope, tiniest(unit))
    target = out.buffer, row, out.left, blocks, vectors, scales, start, distance, sums
    small = taps.shape[0] if step < 0 and taps.shape[0] == taps.shape[1] else 0
    convolved = source, top, left, step, taps
    # Each call is spelled out: one function that chooses among them is 5 to 10% slower.
    if rule.slope == 0.0:
        if small == 2:
            _relu_layer_of_two(*target, *convolved)
        elif small == 3:
            _relu_layer_of_three(*target, *convolved)
        else:
            _relu_layer(*target, *convolved)
    elif rule.signed:
        if small == 2:
            _signed_layer_of_two(*target, *convolved)
        elif small == 3:
            _signed_layer_of_three(*target, *convolved)
        else:
            _signed_layer(*target, *convolved)
    elif small == 2:
        _layer_of_two(*target, *convolved)
    elif small == 3:
        _layer_of_three(*target, *convolved)
    else:
        _layer(*target, *convolved)


@internal
def _fill_block_by_block(
    source: Array,
    top: int,
    left: int,
    step: int,
    taps: Array,
    out: Box,
    start: int,
    stop: int,
    rule: EncodedRule,
    unit: float,
    sums: Sums,
) -> None:
    """Convolve some rows, then activate and measure them, while they are in the cache."""
    for first in range(start, stop, ROWS):
        row, above = out.top + first, top + first - start
        for j in range(0, out.width, LANES):
            _convolve_block(source, above, left + j, step, taps, out.buffer, row, out.left + j)
        _finish(out, first, rule, unit, sums)


@internal
def _convolve_along_x(
    box: Box, top: int, left: int, between: Array, taps: Taps, width: int, start: int, stop: int
) -> None:
    """Convolve the rows that a band needs with the rows of all factors."""
    reach, rank = taps.kernel.shape[0] - 1, taps.rows.shape[0]
    plane = between.shape[0] // rank
    # The last rows of the band before are the first that this one needs.
    kept = reach if start > 0 else 0
    for factor in range(rank):
        for i in range(factor * plane, factor * plane + kept):
            for j in range(rounded_up(width)):
                between[i, j] = between[i + BAND, j]
    needed = (stop - start + ROWS - 1) // ROWS * ROWS + reach
    for i in range(kept, needed, ROWS):
        # The last block may repeat rows of the one before.
        row = min(i, needed - ROWS)
        source = top + start - reach + row
        for j in range(0, width, LANES):
            for factor in range(0, rank - 1, 2):
                _convolve_with_two(
                    box.buffer, source, left + j, taps.rows, factor, between, row, j, plane
                )
            if rank % 2:
                _convolve_with_one(
                    box.buffer, source, left + j, taps.rows, rank - 1, between, row, j, plane
                )


@internal
def _finish(out: Box, first: int, rule: EncodedRule, unit: float, sums: Sums) -> None:
    """Activate and measure a block of rows."""
    stop = min(first + ROWS, out.height)
    if rule.own != 0:
        rows = slice(out.top + first, out.top + stop)
        call_at(rule.own, out.buffer[rows, out.left : out.left + out.width])
    elif rule.curved >= 0:
        for i in range(first, stop):
            _activate(rule.curved, out.buffer[out.top + i, out.left : out.left + out.width])
    if rule.curved >= 0:
        # Only now: a curved activation takes the state itself.
        for i in range(out.top + first, out.top + stop):
            for j in range(out.left, out.left + out.width):
                out.buffer[i, j] /= unit
    if rule.finite:
        _clear_beyond(out, first)
    measure(out, first, 1, rule.slope, rule, unit, sums)


@internal
def _clear_beyond(out: Box, first: int) -> None:
    """Clear what a block computed beyond the domain; on free space that is zero anyway."""
    for i in range(first, first + ROWS):
        start = out.width if i < out.height else 0
        for j in range(start, rounded_up(out.width)):
            out.buffer[out.top + i, out.left + j] = 0.0
