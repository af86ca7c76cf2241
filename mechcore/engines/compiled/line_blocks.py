"""The innermost loops of runs of lines: a vector holds one position of several lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from mechcore.engines.compiled.vector_code import INDEX, NUMBER, Activation, Code, Elements

POSITIONS = 4
"""Positions of a block: enough sums under way to hide the latency of a multiply-add."""

SUMS = SIZES, SQUARES, DENSITY, MOMENTS, PEAKS, DROPPED = range(6)
"""Rows of the sums of a line: of absolute values, of squares, of densities, their first moments,
largest values, and how many numbers were set to zero for being tiny."""


def line_block(density: str) -> Callable[..., None]:
    """Return the function that convolves, activates and measures lines."""

    @intrinsic
    def block(typing, source, start, taps, target, position, count, slope, tiniest, scale, sums):  # type: ignore[no-untyped-def]
        size, number = types.intp, types.float64
        signature = types.void(source, size, taps, target, size, size, number, tiniest, scale, sums)

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            code, kinds = Code(context, builder), signature.args
            source, taps, target, tiniest, scale, sums = (
                Elements(code, kinds[i], values[i]) for i in (0, 2, 3, 7, 8, 9)
            )
            zero = code.index(0)
            activation = Activation(
                code, code.splat(values[6]), tiniest.load(zero), scale.load(zero)
            )
            measured = [_LineSums(code, density) for _ in range(POSITIONS)]
            unit = scale.load(zero)
            totals = code.variables(POSITIONS)
            end = code.splat(builder.sitofp(values[5], NUMBER))
            with _blocks(code, values[5]) as (first, position):
                _convolve(code, source, builder.add(values[1], first), taps, totals)
                for u, (slot, sums_of) in enumerate(zip(totals, measured, strict=True)):
                    number_ = builder.fadd(position, code.constant(u))
                    inside = builder.fcmp_ordered("<", number_, end)
                    value = builder.select(inside, builder.load(slot), code.constant(0.0))
                    state, size = activation(value)
                    row = builder.add(builder.add(values[4], first), code.index(u))
                    target.store(state, row, zero)
                    sums_of.add(activation, size, builder.fmul(state, unit), number_)
                    sums_of.count(activation.dropped(value, state))
            for row, parts in enumerate(
                zip(*(line_sums.totals() for line_sums in measured), strict=True)
            ):
                sums.store(_joined(code, parts, peaks=row == PEAKS), code.index(row), zero)
            return context.get_dummy_value()

        return signature, generate

    return block


def moments_block(density: str) -> Callable[..., None]:
    """Return the function that takes the second and fourth central moments of lines."""

    @intrinsic
    def block(typing, state, position, count, scale, mean, sums):  # type: ignore[no-untyped-def]
        signature = types.void(state, types.intp, types.intp, scale, mean, sums)

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            code, kinds, zero = Code(context, builder), signature.args, ir.Constant(INDEX, 0)
            state, scale, mean, sums = (Elements(code, kinds[i], values[i]) for i in (0, 3, 4, 5))
            middle, unit = mean.load(zero), scale.load(zero)
            parts = [code.variables(2) for _ in range(POSITIONS)]
            with _blocks(code, values[2]) as (first, position):
                for u, (second, fourth) in enumerate(parts):
                    row = builder.add(builder.add(values[1], first), code.index(u))
                    value = builder.fmul(state.load(row, zero), unit)
                    weight = {
                        "absolute": code.call("fabs", value),
                        "square": builder.fmul(value, value),
                        "signed": value,
                    }[density]
                    distance = builder.fsub(builder.fadd(position, code.constant(u)), middle)
                    square = builder.fmul(distance, distance)
                    weighted = builder.fmul(weight, square)
                    code.add_to(second, weighted)
                    code.add_to(fourth, builder.fmul(weighted, square))
            for row in (0, 1):
                total = _joined(code, [builder.load(pair[row]) for pair in parts], peaks=False)
                sums.store(total, code.index(row), zero)
            return context.get_dummy_value()

        return signature, generate

    return block


class _LineSums:
    """The sums of every `POSITIONS`-th position."""

    def __init__(self, code: Code, density: str) -> None:
        self.code, self.density = code, density
        self.slots = code.variables(len(SUMS))

    def add(
        self, activation: Activation, size: ir.Value, value: ir.Value, position: ir.Value
    ) -> None:
        """Add one position of all lines."""
        code, builder, squared = self.code, self.code.builder, self.density == "square"
        square = activation.square(size) if squared else builder.fmul(size, size)
        weight = {"absolute": size, "square": square, "signed": value}[self.density]
        code.add_to(self.slots[SIZES], size)
        code.add_to(self.slots[SQUARES], square)
        code.add_to(self.slots[DENSITY], weight)
        code.add_to(self.slots[MOMENTS], builder.fmul(weight, position))
        code.raise_to(self.slots[PEAKS], size)

    def count(self, dropped: ir.Value) -> None:
        """Add what was set to zero."""
        self.code.add_to(self.slots[DROPPED], dropped)

    def totals(self) -> list[ir.Value]:
        return [self.code.builder.load(slot) for slot in self.slots]


@contextmanager
def _blocks(code: Code, count: ir.Value) -> Iterator[tuple[ir.Value, ir.Value]]:
    """Loop over blocks of positions: yield the number of the first, as an index and as a vector."""
    builder = code.builder
    rounded = builder.add(count, code.index(POSITIONS - 1))
    (position,) = code.variables(1)
    with cgutils.for_range(builder, builder.sdiv(rounded, code.index(POSITIONS))) as loop:
        number = builder.load(position)
        yield builder.mul(loop.index, code.index(POSITIONS)), number
        builder.store(builder.fadd(number, code.constant(POSITIONS)), position)


def _convolve(
    code: Code, source: Elements, start: ir.Value, taps: Elements, totals: list[ir.Value]
) -> None:
    """Set some totals to the convolution at neighbouring positions."""
    builder, zero = code.builder, code.index(0)
    for slot in totals:
        builder.store(code.constant(0.0), slot)
    with cgutils.for_range(builder, taps.size(0)) as loop:
        tap, begin = taps.load(loop.index, zero), builder.sub(start, loop.index)
        for u, slot in enumerate(totals):
            pixel = source.load(builder.add(begin, code.index(u)), zero)
            builder.store(code.call("fmuladd", tap, pixel, builder.load(slot)), slot)


def _joined(code: Code, parts: Sequence[ir.Value], *, peaks: bool) -> ir.Value:
    """Return the sum of some vectors, or their largest numbers."""
    builder, first, *others = code.builder, *parts
    for part in others:
        if peaks:
            first = builder.select(builder.fcmp_ordered(">", part, first), part, first)
        else:
            first = builder.fadd(first, part)
    return first
