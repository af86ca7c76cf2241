"""LLVM code on vectors: what the blocks of the compiled engine are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba.core import cgutils

LANES = 8 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 4
"""Numbers in a vector: the widest registers of the machine."""

INDEX, NUMBER = ir.IntType(64), ir.DoubleType()
VECTOR = ir.VectorType(NUMBER, LANES)

SQUARE_ROOT_OF_TINY = 1e-145
"""Smaller values are left out of squared densities, where they would become subnormal."""


class Code:
    """An LLVM builder with the few instructions that the blocks are made of."""

    def __init__(self, context: Any, builder: ir.IRBuilder) -> None:
        self.context, self.builder = context, builder

    def index(self, value: int) -> ir.Constant:
        """An index that is known now."""
        return ir.Constant(INDEX, value)

    def splat(self, number: ir.Value) -> ir.Value:
        """A vector of one number."""
        undefined = ir.Constant(VECTOR, ir.Undefined)
        first = self.builder.insert_element(undefined, number, ir.Constant(ir.IntType(32), 0))
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
        return self.builder.shuffle_vector(first, undefined, everywhere)

    def constant(self, *numbers: float) -> ir.Constant:
        """A vector of given numbers, or of one number."""
        return ir.Constant(VECTOR, list(numbers) * (LANES if len(numbers) == 1 else 1))

    def call(self, name: str, *arguments: ir.Value) -> ir.Value:
        """An LLVM intrinsic on vectors."""
        kind = ir.FunctionType(VECTOR, [VECTOR] * len(arguments))
        full = f"llvm.{name}.v{LANES}f64"
        function = cgutils.get_or_insert_function(self.builder.module, kind, full)
        return self.builder.call(function, arguments)

    def total(self, vector: ir.Value) -> ir.Value:
        """The sum of the numbers in a vector, by halves."""
        kind = ir.FunctionType(NUMBER, [NUMBER, VECTOR])
        full = f"llvm.vector.reduce.fadd.v{LANES}f64"
        function = cgutils.get_or_insert_function(self.builder.module, kind, full)
        zero = ir.Constant(NUMBER, -0.0)
        return self.builder.call(function, (zero, vector), fastmath=("reassoc",))

    def largest(self, vector: ir.Value) -> ir.Value:
        """The largest number in a vector."""
        kind = ir.FunctionType(NUMBER, [VECTOR])
        full = f"llvm.vector.reduce.fmax.v{LANES}f64"
        function = cgutils.get_or_insert_function(self.builder.module, kind, full)
        return self.builder.call(function, (vector,))

    def totals(self, vectors: list[ir.Value]) -> ir.Value:
        """The sums of `LANES` vectors as one vector: neighbours are folded into each other."""
        span = 1
        while len(vectors) > 1:
            pairs = zip(vectors[::2], vectors[1::2], strict=True)
            vectors = [self._folded(first, second, span) for first, second in pairs]
            span *= 2
        return vectors[0]

    def _folded(self, first: ir.Value, second: ir.Value, span: int) -> ir.Value:
        """Every other stretch of lanes added to the next: stretches of both in turn."""
        starts = range(0, LANES, 2 * span)
        even = [
            start + i for start in starts for base in (0, LANES) for i in range(base, base + span)
        ]
        kind = ir.VectorType(ir.IntType(32), LANES)
        kept, added = (
            self.builder.shuffle_vector(first, second, ir.Constant(kind, [i + by for i in even]))
            for by in (0, span)
        )
        return self.builder.fadd(kept, added)

    def variables(self, count: int) -> list[ir.Value]:
        """Vectors that start at zero; LLVM keeps them in registers."""
        slots = [cgutils.alloca_once(self.builder, VECTOR) for _ in range(count)]
        for slot in slots:
            self.builder.store(self.constant(0.0), slot)
        return slots

    def larger(self, first: ir.Value, second: ir.Value) -> ir.Value:
        """The larger numbers of two vectors, the second where one is none."""
        larger = self.builder.fcmp_ordered(">", first, second)
        return self.builder.select(larger, first, second)

    def add_to(self, slot: ir.Value, value: ir.Value) -> None:
        """Add a vector to a variable."""
        self.builder.store(self.builder.fadd(self.builder.load(slot), value), slot)

    def raise_to(self, slot: ir.Value, value: ir.Value) -> None:
        """Replace the numbers of a variable by those of a vector where these are larger."""
        self.builder.store(self.larger(value, self.builder.load(slot)), slot)


def folded(join: Callable[[ir.Value, ir.Value], ir.Value], vectors: list[ir.Value]) -> ir.Value:
    """Vectors joined by pairs, by pairs of pairs and so on: none waits for all others."""
    while len(vectors) > 1:
        vectors = [join(*pair) for pair in zip(vectors[::2], vectors[1::2], strict=True)]
    return vectors[0]


class Elements:
    """The elements of a numpy array of one or two dimensions, contiguous along the last."""

    def __init__(self, code: Code, kind: Any, value: ir.Value) -> None:
        self.code = code
        struct = code.context.make_array(kind)(code.context, code.builder, value)
        self.data, self.shape = struct.data, struct.shape
        stride = code.builder.extract_value(struct.strides, 0)
        self.stride = code.builder.sdiv(stride, code.index(8))

    def at(self, *position: ir.Value) -> ir.Value:
        """The address of an element."""
        builder = self.code.builder
        *row, column = position
        offset = builder.add(builder.mul(row[0], self.stride), column) if row else column
        return builder.gep(self.data, [offset])

    def _vector_at(self, position: tuple[ir.Value, ...]) -> ir.Value:
        return self.code.builder.bitcast(self.at(*position), VECTOR.as_pointer())

    def load(self, *position: ir.Value) -> ir.Value:
        """The vector that starts at an element."""
        vector = self.code.builder.load(self._vector_at(position))
        vector.align = 8
        return vector

    def store(self, vector: ir.Value, *position: ir.Value) -> None:
        """Set the elements from a position on."""
        store = self.code.builder.store(vector, self._vector_at(position))
        store.align = 8

    def add(self, vector: ir.Value, *position: ir.Value) -> None:
        """Add a vector to the elements from a position on."""
        self.store(self.code.builder.fadd(self.load(*position), vector), *position)

    def size(self, axis: int) -> ir.Value:
        """The number of elements along an axis."""
        return self.code.builder.extract_value(self.shape, axis)

    def number(self, *position: ir.Value) -> ir.Value:
        """One element."""
        return self.code.builder.load(self.at(*position))

    def set(self, number: ir.Value, *position: ir.Value) -> None:
        """Set one element."""
        self.code.builder.store(number, self.at(*position))

    def increase(self, number: ir.Value, *position: ir.Value) -> None:
        """Add to one element."""
        self.set(self.code.builder.fadd(self.number(*position), number), *position)

    def raise_to(self, number: ir.Value, *position: ir.Value) -> None:
        """Replace one element by a number that is larger."""
        old = self.number(*position)
        larger = self.code.builder.fcmp_ordered(">", number, old)
        self.set(self.code.builder.select(larger, number, old), *position)


class Activation:
    """What happens to every vector of a state: activation, and tiny numbers set to zero.

    Negative numbers are multiplied by ``slope``, which is at most 1 (by zero without one); then
    those of a size below ``tiniest`` are set to zero. Sums take sizes, times ``scale`` if given.
    """

    def __init__(
        self, code: Code, slope: ir.Value | None, tiniest: ir.Value, scale: ir.Value | None = None
    ) -> None:
        self.code, self.slope, self.tiniest, self.scale = code, slope, tiniest, scale
        if slope is not None:
            # Selected before the loop: zero times infinity is no zero.
            self.leaks = code.builder.fcmp_unordered("!=", slope, code.constant(0.0))

    def __call__(self, state: ir.Value) -> tuple[ir.Value, ir.Value]:
        """Return the new state and its scaled size."""
        code, builder = self.code, self.code.builder
        zero = code.constant(0.0)
        if self.slope is None:
            state = builder.select(builder.fcmp_ordered("<", state, self.tiniest), zero, state)
            return state, state
        below = builder.select(self.leaks, builder.fmul(state, self.slope), zero)
        state = code.larger(below, state)
        kept = builder.fcmp_unordered(">=", code.call("fabs", state), self.tiniest)
        state = builder.select(kept, state, zero)
        size = code.call("fabs", state)
        return state, size if self.scale is None else builder.fmul(size, self.scale)

    def dropped(self, before: ir.Value, state: ir.Value) -> ir.Value:
        """One where a number was set to zero for being tiny, else zero."""
        code, builder = self.code, self.code.builder
        zero, one = code.constant(0.0), code.constant(1.0)
        rectified = builder.and_(builder.not_(self.leaks), builder.fcmp_ordered("<", before, zero))
        gone = builder.select(builder.fcmp_ordered("==", state, zero), one, zero)
        kept = builder.or_(rectified, builder.fcmp_ordered("==", before, zero))
        return builder.select(kept, zero, gone)

    def square(self, size: ir.Value) -> ir.Value:
        """The squares of scaled sizes, none of them subnormal."""
        code, builder = self.code, self.code.builder
        negligible = builder.fcmp_ordered("<", size, code.constant(SQUARE_ROOT_OF_TINY))
        return builder.select(negligible, code.constant(0.0), builder.fmul(size, size))
