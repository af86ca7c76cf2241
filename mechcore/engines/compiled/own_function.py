"""A user's own activation in machine code: a call back into Python for every block of rows."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from mechcore.engines.compiled.vector_code import INDEX, NUMBER
from mechcore.io.arrays import Array
from mechcore.model.activations import ACTIVATIONS

_BLOCK_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, *[ctypes.c_int64] * 3)


class OwnFunction:
    """A function of arrays that machine code calls by its address, as long as this lives."""

    def __init__(self, function: Callable[[Array], Array]) -> None:
        self._function = function
        self._failure: BaseException | None = None
        self._callback = _BLOCK_FUNCTION(self._apply)
        self.address = ctypes.cast(self._callback, ctypes.c_void_p).value or 0

    def _apply(self, first: int, rows: int, columns: int, stride: int) -> None:
        memory = memoryview((ctypes.c_char * (rows * stride)).from_address(first))
        block = np.ndarray((rows, columns), buffer=memory, strides=(stride, 8))
        try:
            block[:] = self._function(block.copy())
        # Machine code cannot pass an exception on, also not that of Ctrl-C.
        except BaseException as error:
            self._failure, block[:] = error, np.nan

    def check(self) -> None:
        """Raise what the function raised."""
        if self._failure is not None:
            raise self._failure


def own_function(activation: str) -> OwnFunction | None:
    """Return what machine code calls for an activation, if the package has no code for it."""
    entry = ACTIVATIONS[activation]
    own = entry.scalar is None and entry.negative_slope is None
    return OwnFunction(entry.array) if own else None


@intrinsic
def _call_at(_typing, address, block):  # type: ignore[no-untyped-def]
    """Call the function at an address with a block of rows: its first number, shape and stride."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        array = context.make_array(signature.args[1])(context, builder, values[1])
        rows, columns = cgutils.unpack_tuple(builder, array.shape)
        stride, _ = cgutils.unpack_tuple(builder, array.strides)
        kind = ir.FunctionType(ir.VoidType(), [NUMBER.as_pointer(), *[INDEX] * 3])
        function = builder.inttoptr(values[0], kind.as_pointer())
        builder.call(function, [array.data, rows, columns, stride])
        return context.get_dummy_value()

    return types.void(address, block), generate


call_at: Callable[..., None] = _call_at
