"""The innermost loops of runs of images: blocks of rows in vector registers, as LLVM code.

From loops over pixels and taps a compiler makes code that keeps its sums in memory and loads every
pixel once for every tap. Here a block of `ROWS` rows x `LANES` columns of sums stays in registers
while taps and pixels pass by, and a pixel that is loaded once serves up to `MOST_TAPS` taps. numba
has no words for registers, so the blocks are written in LLVM's own instructions; LLVM splits
vectors that are wider than the machine's, so the code runs everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from mechcore.engines.compiled.vector_code import (
    INDEX,
    LANES,
    NUMBER,
    Activation,
    Code,
    Elements,
    folded,
)

ROWS = 8
"""Rows of a block: enough sums under way to hide the latency of a multiply-add."""

MOST_TAPS = 5
"""Taps of one kernel column that are held at a time: with their pixels, what registers hold."""


class Scales(NamedTuple):
    """What a block does to every number that it measures.

    Negative numbers are multiplied by ``slope``, which is at most 1; then those of a size below
    ``tiniest`` are set to zero.
    """

    slope: float
    tiniest: float


def multiply_add_block() -> Callable[..., None]:
    """Return the function that convolves into one block of `ROWS` rows x `LANES` columns."""

    @intrinsic
    def block(typing, source, top, left, step, taps, out, row, column):  # type: ignore[no-untyped-def]
        size = types.intp
        signature = types.void(source, size, size, size, taps, out, size, size)

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            code = Code(context, builder)
            kinds = signature.args
            pixels = Elements(code, kinds[0], values[0])
            weights = Elements(code, kinds[4], values[4])
            target = Elements(code, kinds[5], values[5])
            sums = code.variables(ROWS)
            _add_all_taps(code, pixels, values[1:4], weights, sums)
            for r, slot in enumerate(sums):
                row = builder.add(values[6], code.index(r))
                target.store(builder.load(slot), row, values[7])
            return context.get_dummy_value()

        return signature, generate

    return block


def row_block(factors: int) -> Callable[..., None]:
    """Return the function that convolves one block with rows of taps, each for itself."""

    @intrinsic
    def block(typing, source, top, left, taps, first, out, row, column, plane):  # type: ignore[no-untyped-def]
        size = types.intp
        signature = types.void(source, size, size, taps, size, out, size, size, size)

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            code = Code(context, builder)
            arrays = (Elements(code, signature.args[i], values[i]) for i in (0, 3, 5))
            pixels, weights, target = arrays
            chosen = [builder.add(values[4], code.index(f)) for f in range(factors)]
            sums = [code.variables(ROWS) for _ in chosen]
            with cgutils.for_range(builder, weights.size(1)) as loop:
                column = builder.sub(values[2], loop.index)
                taps = [code.splat(weights.number(factor, loop.index)) for factor in chosen]
                for r in range(ROWS):
                    pixel = pixels.load(builder.add(values[1], code.index(r)), column)
                    for tap, block in zip(taps, sums, strict=True):
                        total = code.call("fmuladd", tap, pixel, builder.load(block[r]))
                        builder.store(total, block[r])
            for factor, block in zip(chosen, sums, strict=True):
                start = builder.add(builder.mul(factor, values[8]), values[6])
                for r, slot in enumerate(block):
                    row = builder.add(start, code.index(r))
                    target.store(builder.load(slot), row, values[7])
            return context.get_dummy_value()

        return signature, generate

    return block


def _add_all_taps(
    code: Code, pixels: Elements, origin: Any, weights: Elements, sums: list[ir.Value]
) -> None:
    """Add what all taps make of the pixels to the sums of a block."""
    top, left, step = origin
    builder = code.builder
    done = cgutils.alloca_once(builder, INDEX)
    builder.store(code.index(0), done)
    for count in range(MOST_TAPS, 0, -1):
        with _while_taken(code, done, weights.size(0), count) as first:
            corner = builder.sub(top, first), left, step
            _add_taps(code, pixels, corner, weights, first, count, sums)


@contextmanager
def _while_taken(code: Code, done: ir.Value, tall: ir.Value, count: int) -> Iterator[ir.Value]:
    """Take kernel rows by ``count`` while what remains is not better split in another way."""
    builder = code.builder
    test, body, after = (builder.append_basic_block() for _ in range(3))
    builder.branch(test)
    builder.position_at_end(test)
    rest = builder.sub(tall, builder.load(done))
    # 6 = 3 + 3 and 7 = 4 + 3: a block that holds one or two rows of taps loads more than it adds.
    many = builder.icmp_signed(">=", rest, code.index(count + 3 if count > 3 else count))
    last = builder.icmp_signed("==", rest, code.index(count))
    builder.cbranch(builder.or_(many, last), body, after)
    builder.position_at_end(body)
    first = builder.load(done)
    yield first
    builder.store(builder.add(first, code.index(count)), done)
    builder.branch(test)
    builder.position_at_end(after)


def _add_taps(
    code: Code,
    pixels: Elements,
    origin: tuple[ir.Value, ir.Value, ir.Value],
    weights: Elements,
    first: ir.Value,
    count: int,
    sums: list[ir.Value],
) -> None:
    """Add some rows of taps, column by column, to the sums of a block."""
    builder = code.builder
    top, left, step = origin
    with cgutils.for_range(builder, weights.size(1)) as loop:
        column = builder.add(left, builder.mul(loop.index, step))
        rows_of_taps = [builder.add(first, code.index(a)) for a in range(count)]
        taps = [code.splat(weights.number(row, loop.index)) for row in rows_of_taps]
        above = count - 1
        rows = [builder.add(top, code.index(i - above)) for i in range(len(sums) + above)]
        loaded = [pixels.load(row, column) for row in rows]
        for r, slot in enumerate(sums):
            total = builder.load(slot)
            for a, tap in enumerate(taps):
                total = code.call("fmuladd", tap, loaded[r - a + above], total)
            builder.store(total, slot)


def measure_block(density: str) -> Callable[..., None]:
    """Return the function that activates and measures blocks of `ROWS` rows."""

    @intrinsic
    def block(typing, state, top, left, blocks, vectors, scales, first, distance, sums):  # type: ignore[no-untyped-def]
        size = types.intp
        signature = types.void(state, size, size, size, size, scales, size, types.float64, sums)

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            code = Code(context, builder)
            pixels = Elements(code, signature.args[0], values[0])

            def loaded(down: ir.Value, right: ir.Value) -> Iterator[ir.Value]:
                top, column = builder.add(values[1], down), builder.add(values[2], right)
                for r in range(ROWS):
                    yield pixels.load(builder.add(top, code.index(r)), column)

            _measure_blocks(code, signature.args, values, loaded, density)
            return context.get_dummy_value()

        return signature, generate

    return block


def layer_block(size: int, density: str, *, rectifies: bool = False) -> Callable[..., None]:
    """Return the function that convolves, activates and measures blocks of `ROWS` rows at once.

    What a kernel makes of the pixels stays in registers until it is measured, and so does a small
    kernel as a whole.
    """

    @intrinsic
    def block(  # type: ignore[no-untyped-def]
        typing,
        state,
        top,
        left,
        blocks,
        vectors,
        scales,
        first,
        distance,
        sums,
        source,
        above,
        before,
        step,
        taps,
    ):
        index, number = types.intp, types.float64
        measured = state, index, index, index, index, scales, index, number, sums
        signature = types.void(*measured, source, index, index, index, taps)

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            code, kinds = Code(context, builder), signature.args
            pixels, weights = (Elements(code, kinds[i], values[i]) for i in (9, 13))
            if size:
                taps = [
                    [code.splat(weights.number(code.index(a), code.index(b))) for b in range(size)]
                    for a in range(size)
                ]
            sums = code.variables(ROWS)

            def convolved(down: ir.Value, right: ir.Value) -> Iterator[ir.Value]:
                top, column = builder.add(values[10], down), builder.add(values[11], right)
                if size:
                    yield from _convolved_with_few(code, pixels, top, column, taps)
                else:
                    for slot in sums:
                        builder.store(code.constant(0.0), slot)
                    _add_all_taps(code, pixels, (top, column, values[12]), weights, sums)
                    yield from (builder.load(slot) for slot in sums)

            _measure_blocks(code, kinds, values, convolved, density, rectifies=rectifies)
            return context.get_dummy_value()

        return signature, generate

    return block


def _convolved_with_few(
    code: Code, pixels: Elements, top: ir.Value, column: ir.Value, taps: list[list[ir.Value]]
) -> Iterator[ir.Value]:
    """Yield row by row what taps in registers make of the pixels, each of which is loaded once."""
    builder, reach = code.builder, len(taps) - 1
    totals = [code.constant(0.0)] * ROWS
    for i in range(-reach, ROWS):
        row = builder.add(top, code.index(i))
        for b in range(reach + 1):
            pixel = pixels.load(row, builder.sub(column, code.index(b)))
            for r in range(max(i, 0), min(i + reach + 1, ROWS)):
                totals[r] = code.call("fmuladd", taps[r - i][b], pixel, totals[r])
        if i >= 0:
            yield totals[i]


def _measure_blocks(
    code: Code,
    kinds: Any,
    values: Any,
    make: Callable[[ir.Value, ir.Value], Iterator[ir.Value]],
    density: str,
    *,
    rectifies: bool = False,
) -> None:
    """Activate, store and measure what ``make`` yields for the rows of each vector of each block.

    The first nine values are the arguments of `measure_block`.
    """
    builder = code.builder
    state, top, left, blocks, vectors, scales, first, distance, sums = values[:9]
    target = Elements(code, kinds[0], state)
    by_row, by_column, moments, totals = (
        Elements(code, kind, builder.extract_value(sums, i))
        for i, kind in enumerate(kinds[8].types)
    )
    slope, tiniest = (code.splat(builder.extract_value(scales, i)) for i in range(2))
    activation = Activation(code, None if rectifies else slope, tiniest)
    measured = _BlockSums(code, activation, density)
    with cgutils.for_range(builder, blocks) as block:
        down = builder.mul(block.index, code.index(ROWS))
        middle = code.splat(builder.fadd(distance, builder.sitofp(down, NUMBER)))
        measured.start()
        with cgutils.for_range(builder, vectors) as loop:
            right = builder.mul(loop.index, code.index(LANES))
            corner = builder.add(top, down), builder.add(left, right)
            weight, moment = measured.column(make(down, right), target, *corner)
            by_column.add(weight, right)
            moments.add(code.call("fmuladd", weight, middle, moment), right)
        measured.finish(by_row, builder.add(first, down))
    measured.write(totals)


class _BlockSums:
    """The sums that `measure_block` holds in registers."""

    def __init__(self, code: Code, activation: Activation, density: str) -> None:
        self.code, self.activation, self.density = code, activation, density
        self.densities = code.variables(ROWS)
        # Two sums in turn: one would wait for itself.
        self.sizes, self.peaks = code.variables(2)
        self.squares = code.variables(2)

    def start(self) -> None:
        """Begin a block of rows."""
        for density in self.densities:
            self.code.builder.store(self.code.constant(0.0), density)

    def column(
        self, vectors: Iterator[ir.Value], target: Elements, top: ir.Value, column: ir.Value
    ) -> tuple[ir.Value, ir.Value]:
        """Activate, store and add one vector of each row.

        Returns the sums of the mass densities over the rows, and of their products with the number
        of the row in the block.
        """
        code, builder = self.code, self.code.builder
        weights, sizes = [], []
        for r, (density, vector) in enumerate(zip(self.densities, vectors, strict=True)):
            state, size = self.activation(vector)
            target.store(state, builder.add(top, code.index(r)), column)
            weights.append(self._weighed(state, size, self.squares[r % 2]))
            code.add_to(density, weights[-1])
            sizes.append(size)
        code.raise_to(self.peaks, folded(code.larger, sizes))
        if self.density != "absolute":
            code.add_to(self.sizes, folded(builder.fadd, sizes))
        return self._moments(weights)

    def _weighed(self, state: ir.Value, size: ir.Value, squares: ir.Value) -> ir.Value:
        """Add a vector of sizes to the norm; return its mass density."""
        code, builder = self.code, self.code.builder
        if self.density != "square":
            builder.store(code.call("fmuladd", size, size, builder.load(squares)), squares)
            return state if self.density == "signed" else size
        square = self.activation.square(size)
        code.add_to(squares, square)
        return square

    def _moments(self, weights: list[ir.Value]) -> tuple[ir.Value, ir.Value]:
        """The sum of vectors, and of their products with 0, 1, 2, ...: bit by bit."""
        code, add = self.code, self.code.builder.fadd
        moment, bit = None, 1.0
        while len(weights) > 1:
            odd = folded(add, weights[1::2])
            if moment is None:
                moment = odd
            else:
                moment = code.call("fmuladd", odd, code.constant(bit), moment)
            weights, bit = (
                [add(*pair) for pair in zip(weights[::2], weights[1::2], strict=True)],
                2 * bit,
            )
        return weights[0], moment

    def finish(self, by_row: Elements, first: ir.Value) -> None:
        """Store the densities of the rows of a block."""
        code, builder = self.code, self.code.builder
        densities = [builder.load(density) for density in self.densities]
        if self.density == "absolute":
            code.add_to(self.sizes, folded(builder.fadd, densities))
        for r in range(0, ROWS, LANES):
            total = code.totals(densities[r : r + LANES])
            by_row.store(total, builder.add(first, code.index(r)))

    def write(self, totals: Elements) -> None:
        """Increase the totals."""
        code, builder = self.code, self.code.builder
        squares = builder.fadd(*(builder.load(part) for part in self.squares))
        totals.increase(code.total(builder.load(self.sizes)), code.index(0))
        totals.increase(code.total(squares), code.index(1))
        totals.raise_to(code.largest(builder.load(self.peaks)), code.index(2))


def clear_block() -> Callable[..., None]:
    """Return the function that sets a block of whole vectors to zero."""

    @intrinsic
    def block(typing, array, top, left, rows, vectors):  # type: ignore[no-untyped-def]
        size = types.intp
        signature = types.void(array, size, size, size, size)

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            code = Code(context, builder)
            target = Elements(code, signature.args[0], values[0])
            with cgutils.for_range(builder, values[3]) as rows:
                row = builder.add(values[1], rows.index)
                with cgutils.for_range(builder, values[4]) as loop:
                    offset = builder.mul(loop.index, code.index(LANES))
                    target.store(code.constant(0.0), row, builder.add(values[2], offset))
            return context.get_dummy_value()

        return signature, generate

    return block
