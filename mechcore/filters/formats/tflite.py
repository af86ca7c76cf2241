"""Reads TFLite: a flatbuffer, of which only the tables of convolutions are looked at."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechcore.filters.formats.tensors import Tensor, dequantised, unread

TYPES = {0: "float32", 1: "float16", 2: "int32", 3: "uint8", 4: "int64", 7: "int16", 9: "int8"}
"""Types of values by their number in the schema."""

DEQUANTISE = 6

MOST_TABLES = 100_000
"""Tables of one kind: networks have some thousand tensors."""


@dataclass(frozen=True)
class _Use:
    """What an operator does with its second input, and where its options have strides."""

    kind: str
    strides: tuple[int, int] = (2, 1)
    """Fields of its options: downwards and to the right."""
    dilations: tuple[int, ...] = ()


USES = {
    3: _Use("convolution", dilations=(5, 4)),
    4: _Use("depthwise", dilations=(6, 5)),
    67: _Use("transposed"),
}
"""Operators with a kernel, by their number in the schema."""


@dataclass(frozen=True)
class _Table:
    """A table of a flatbuffer; its fields have numbers."""

    data: NDArray[np.uint8]
    start: int

    def _place(self, field: int) -> int:
        """Return where a field is; 0 if it is left out."""
        directory = self.start - self._number(self.start, "<i4")
        inside = 4 + 2 * field
        if inside >= self._number(directory, "<u2"):
            return 0
        offset = self._number(directory + inside, "<u2")
        return self.start + offset if offset else 0

    def _number(self, place: int, dtype: str) -> int:
        size = np.dtype(dtype).itemsize
        return int(self.data[place : place + size].view(dtype)[0])

    def _behind(self, place: int) -> int:
        return place + self._number(place, "<u4")

    def number(self, field: int, dtype: str, default: int = 0) -> int:
        """Return a field that is a number."""
        place = self._place(field)
        return self._number(place, dtype) if place else default

    def array(self, field: int, dtype: str) -> NDArray[Any]:
        """Return a field that is a vector of numbers, not copied."""
        place = self._place(field)
        if not place:
            return np.empty(0, dtype)
        start = self._behind(place)
        size = self._number(start, "<u4") * np.dtype(dtype).itemsize
        return self.data[start + 4 : start + 4 + size].view(dtype)

    def table(self, field: int) -> _Table | None:
        """Return a field that is a table."""
        place = self._place(field)
        return _Table(self.data, self._behind(place)) if place else None

    def tables(self, field: int) -> list[_Table]:
        """Return a field that is a vector of tables."""
        offsets = self.array(field, "<u4")
        if len(offsets) > MOST_TABLES:
            message = f"{len(offsets)} tables, more than {MOST_TABLES}"
            raise ValueError(message)
        first = self._behind(self._place(field)) + 4 if len(offsets) else 0
        places = first + 4 * np.arange(len(offsets)) + offsets
        return [_Table(self.data, int(place)) for place in places]


@contextmanager
def open_tensors(path: Path) -> Generator[list[Tensor]]:
    """Open a TFLite file."""
    data = np.memmap(path, np.uint8, "r")
    model = _Table(data, int(data[:4].view("<u4")[0]))
    codes = [max(code.number(0, "i1"), code.number(3, "<i4")) for code in model.tables(1)]
    buffers = model.tables(4)
    yield [
        _tensor(tensor, use, options, buffers)
        for graph in model.tables(2)
        for tensor, use, options in _used(graph, codes)
    ]


def _used(graph: _Table, codes: Sequence[int]) -> list[tuple[_Table, _Use | None, _Table | None]]:
    """Tensors with what uses them as its kernel, and its options; first the kernels, in order."""
    kernels: dict[int, tuple[_Use, _Table | None]] = {}
    before: dict[int, int] = {}
    for operator in graph.tables(3):
        code, inputs = codes[operator.number(0, "<u4")], operator.array(1, "<i4").tolist()
        if code == DEQUANTISE:
            before[operator.array(2, "<i4").tolist()[0]] = inputs[0]
        elif code in USES:
            kernels.setdefault(before.get(inputs[1], inputs[1]), (USES[code], operator.table(4)))
    tensors = graph.tables(0)
    others = [tensor for place, tensor in enumerate(tensors) if place not in kernels]
    return [
        *((tensors[place], *use) for place, use in kernels.items()),
        *((tensor, None, None) for tensor in others),
    ]


def _tensor(
    tensor: _Table, use: _Use | None, options: _Table | None, buffers: list[_Table]
) -> Tensor:
    name = tensor.array(3, "u1").tobytes().decode(errors="replace")
    shape = tuple(tensor.array(0, "<i4").tolist())
    if use is None:
        return unread(name, "not the kernel of a convolution", shape)
    stored = TYPES.get(tensor.number(1, "i1"), "unknown")
    scales = tensor.table(4)
    quantised = "float" not in stored and scales is not None and scales.array(2, "<f4").size > 0
    buffer = buffers[tensor.number(2, "<u4")]
    return Tensor(
        name,
        shape,
        "float32" if quantised else stored,
        partial(_values, buffer, stored, shape, scales if quantised else None),
        layout="ohwi",
        kind=use.kind,
        dilations=_steps(options, use.dilations),
        strides=_steps(options, use.strides),
    )


def _steps(options: _Table | None, fields: tuple[int, ...]) -> tuple[int, ...]:
    # A model that divides by zero is damaged, and 0 stands for fields that are left out.
    return tuple(max(1, options.number(field, "<i4", 1)) for field in fields) if options else ()


def _values(
    buffer: _Table, dtype: str, shape: tuple[int, ...], scales: _Table | None
) -> NDArray[Any]:
    bits = buffer.array(0, "u1")
    if offset := buffer.number(1, "<u8"):
        # Of models of more than 2 GB, values follow the flatbuffer.
        bits = buffer.data[offset : offset + buffer.number(2, "<u8")]
    values = bits.view(dtype).reshape(shape)
    if scales is None:
        return values
    zero_point = scales.array(3, "<i8")
    zero_point = zero_point if zero_point.size else np.zeros(1)
    return dequantised(values, scales.array(2, "<f4"), zero_point, scales.number(6, "<i4"))
