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

from mechcore.engines.compiled.vector_code import INDEX, LANES, Activation, Code, Elements

ROWS = 8
"""Rows of a block: enough sums under way to hide the latency of a multiply-add."""

MOST_TAPS = 5
"""Taps of one kernel column that are held at a time: with their pixels, what registers hold."""


class Scales(NamedTuple):
    """What a block does to every number that it measures.

    Negative numbers are multiplied by ``slope``, which is at most 1; then those of a size below
    ``tiniest`` are set to zero. The sums take sizes times ``scale``.
    """

    slope: float
    tiniest: float
    scale: float


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
            done = cgutils.alloca_once(builder, INDEX)
            builder.store(code.index(0), done)
            for count in range(MOST_TAPS, 0, -1):
                with _while_taken(code, done, weights.size(0), count) as first:
                    origin = builder.sub(values[1], first), values[2], values[3]
                    _add_taps(code, pixels, origin, weights, first, count, sums)
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


def measure_block(*, squared: bool) -> Callable[..., None]:
    """Return the function that activates and measures `ROWS` rows."""

    @intrinsic
    def block(typing, state, top, left, vectors, scales, first, distance, sums):  # type: ignore[no-untyped-def]
        size = types.intp
        signature = types.void(state, size, size, size, scales, size, types.float64, sums)

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            code = Code(context, builder)
            pixels = Elements(code, signature.args[0], values[0])
            rows = [builder.add(values[1], code.index(r)) for r in range(ROWS)]

            def loaded(offset: ir.Value) -> list[ir.Value]:
                column = builder.add(values[2], offset)
                return [pixels.load(row, column) for row in rows]

            _measure_rows(code, signature.args, values, loaded, squared=squared)
            return context.get_dummy_value()

        return signature, generate

    return block


def layer_block(size: int) -> Callable[..., None]:
    """Return the function that convolves, activates and measures `ROWS` rows at once.

    A small kernel stays in registers as a whole, and so does what it makes of the pixels until it
    is measured.
    """

    @intrinsic
    def block(  # type: ignore[no-untyped-def]
        typing,
        state,
        top,
        left,
        vectors,
        scales,
        first,
        distance,
        sums,
        source,
        above,
        before,
        taps,
    ):
        index, number = types.intp, types.float64
        measured = state, index, index, index, scales, index, number, sums
        signature = types.void(*measured, source, index, index, taps)

        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            code, kinds = Code(context, builder), signature.args
            pixels, weights = (Elements(code, kinds[i], values[i]) for i in (8, 11))
            offsets = [(a, b) for a in range(size) for b in range(size)]
            taps = {
                (a, b): code.splat(weights.number(code.index(a), code.index(b))) for a, b in offsets
            }

            def convolved(offset: ir.Value) -> list[ir.Value]:
                column = builder.add(values[10], offset)
                loaded = {
                    (i, b): pixels.load(
                        builder.add(values[9], code.index(i)), builder.sub(column, code.index(b))
                    )
                    for i in range(1 - size, ROWS)
                    for b in range(size)
                }
                totals = [code.constant(0.0)] * ROWS
                for r in range(ROWS):
                    for a, b in offsets:
                        totals[r] = code.call("fmuladd", taps[a, b], loaded[r - a, b], totals[r])
                return totals

            _measure_rows(code, kinds, values, convolved, squared=False)
            return context.get_dummy_value()

        return signature, generate

    return block


def _measure_rows(
    code: Code,
    kinds: Any,
    values: Any,
    make: Callable[[ir.Value], list[ir.Value]],
    *,
    squared: bool,
) -> None:
    """Activate, store and measure what ``make`` returns for each column of vectors.

    The first eight values are the arguments of `measure_block`.
    """
    builder = code.builder
    state, top, left, vectors, scales, first, distance, sums = values[:8]
    target, distance = Elements(code, kinds[0], state), code.splat(distance)
    by_row, by_column, moments, totals = (
        Elements(code, kind, builder.extract_value(sums, i))
        for i, kind in enumerate(kinds[7].types)
    )
    scales = [code.splat(builder.extract_value(scales, i)) for i in range(3)]
    measured = _BlockSums(code, scales, squared=squared)
    with cgutils.for_range(builder, vectors) as loop:
        offset = builder.mul(loop.index, code.index(LANES))
        corner = top, builder.add(left, offset)
        density, moment = measured.column(make(offset), target, *corner)
        by_column.add(density, offset)
        moments.add(code.call("fmuladd", density, distance, moment), offset)
    measured.write(by_row, first, totals)


class _BlockSums:
    """The sums over a block that `measure_block` holds in registers."""

    def __init__(self, code: Code, scales: list[ir.Value], *, squared: bool) -> None:
        self.code, self.squared = code, squared
        self.activation = Activation(code, *scales)
        self.densities = code.variables(ROWS)
        # Sums in turn: one would wait for itself.
        self.sizes, self.squares, self.peaks = (code.variables(4) for _ in range(3))

    def column(
        self, vectors: list[ir.Value], target: Elements, top: ir.Value, column: ir.Value
    ) -> tuple[ir.Value, ir.Value]:
        """Activate, store and add one vector of each row.

        Returns the sums of the mass densities over the rows, and of their products with the number
        of the row in the block.
        """
        code, builder = self.code, self.code.builder
        total, moment = code.constant(0.0), code.constant(0.0)
        for r, density in enumerate(self.densities):
            row = builder.add(top, code.index(r))
            state, size = self.activation(vectors[r])
            target.store(state, row, column)
            weight = self._weighed(size, r)
            code.add_to(density, weight)
            code.raise_to(self.peaks[r % len(self.peaks)], size)
            total = builder.fadd(total, weight)
            moment = code.call("fmuladd", weight, code.constant(r), moment)
        if not self.squared:
            code.add_to(self.sizes[0], total)
        return total, moment

    def _weighed(self, size: ir.Value, row: int) -> ir.Value:
        """Add a vector of sizes to the norms; return its mass density."""
        code, builder = self.code, self.code.builder
        squares = self.squares[row % len(self.squares)]
        if not self.squared:
            builder.store(code.call("fmuladd", size, size, builder.load(squares)), squares)
            return size
        code.add_to(self.sizes[row % len(self.sizes)], size)
        square = self.activation.square(size)
        code.add_to(squares, square)
        return square

    def write(self, by_row: Elements, first: ir.Value, totals: Elements) -> None:
        """Store the densities of the rows and increase the totals."""
        code, builder = self.code, self.code.builder
        densities = [builder.load(density) for density in self.densities]
        for r in range(0, ROWS, LANES):
            total = code.totals(densities[r : r + LANES])
            by_row.store(total, builder.add(first, code.index(r)))
        for index, parts in enumerate((self.sizes, self.squares)):
            for part in parts:
                totals.increase(code.total(builder.load(part)), code.index(index))
        for part in self.peaks:
            totals.raise_to(code.largest(builder.load(part)), code.index(2))


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
