"""Moments of kernels: how much each input channel gives, how far away it lies, and how spread.

Six moments of a position r = (x, y) are in one order everywhere: 1, x, y, x^2, y^2, x y.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mechcore.networks.operators import Call, interpolated
from mechcore.networks.windows import Array, Window

ORDERS = ((0, 0), (1, 0), (0, 1), (2, 0), (0, 2), (1, 1))
"""Exponents of x and y in the six moments."""


def monomials(x: Array, y: Array) -> Array:
    """Return the six monomials of positions along a first axis."""
    return np.stack(
        [np.ones(np.broadcast_shapes(x.shape, y.shape)) * x**i * y**j for i, j in ORDERS]
    )


def moments_of(weights: Array, x: Array, y: Array) -> Array:
    """Return (6, groups, out, in), the moments of (groups, out, in, y, x) kernels."""
    products = np.tensordot(monomials(x, y[:, np.newaxis]), weights, axes=((1, 2), (3, 4)))
    return np.asarray(products)


def conv(call: Call, power: int) -> Array:
    """Taps of a convolution, as it reads its input."""
    groups = call.step.attributes.get("group", 1)
    weights = call.weights.reshape(groups, -1, *call.weights.shape[1:])
    return moments_of(weights**power, *_offsets(call, call.window()))


def conv_transpose(call: Call, power: int) -> Array:
    """Taps of a transposed convolution, in the mean over the units between two of its input."""
    groups = call.step.attributes.get("group", 1)
    window = call.transposed_window()
    weights = call.weights.reshape(groups, -1, *call.weights.shape[1:]).swapaxes(1, 2)
    x, y = _offsets(call, window)
    down, across = window.strides
    return moments_of(weights**power / (across * down), -x / across, -y / down)


def pool(call: Call, power: int) -> Array:
    """Equal taps."""
    window = call.window()
    return _equal(*_offsets(call, window), power)


def whole(call: Call, power: int) -> Array:
    """Equal taps over all units of the input."""
    return _equal(*_centred(call), power)


def dense(call: Call, power: int) -> Array:
    """A matrix after flattening: a kernel over all units of the input."""
    x, y = _centred(call)
    weights = call.weights if call.step.attributes.get("transB") else call.weights.T
    kernels = weights.reshape(1, len(weights), -1, len(y), len(x))
    return moments_of((kernels * call.step.attributes.get("alpha", 1.0)) ** power, x, y)


def resize(call: Call, power: int) -> Array:
    """Interpolation, in the mean over the units between two of its input."""
    x, y = (_line(call, axis, power) for axis in (0, 1))
    return np.array([x[i] * y[j] for i, j in ORDERS]).reshape(6, 1, 1, 1)


def _line(call: Call, axis: int, power: int) -> list[float]:
    """Mean moments of the rows of an interpolation matrix about the units' own positions."""
    matrix = call.interpolation()[axis]
    grid = call.source
    own = interpolated(call).axis(axis)
    apart = grid.axis(axis) - own[:, np.newaxis]
    inner = slice(len(own) // 4, len(own) - len(own) // 4)
    return [float((matrix**power * apart**order).sum(axis=1)[inner].mean()) for order in range(3)]


def _equal(x: Array, y: Array, power: int) -> Array:
    share = np.full((1, 1, 1, len(y), len(x)), 1 / (len(x) * len(y)))
    return moments_of(share**power, x, y)


def _offsets(call: Call, window: Window) -> tuple[Array, Array]:
    """Positions of taps about their centre, in px."""
    across, down = (
        spacing * dilation * (np.arange(size) - (size - 1) / 2)
        for spacing, dilation, size in zip(
            call.source.spacing, window.dilations[::-1], window.kernel[::-1], strict=True
        )
    )
    return across, down


def _centred(call: Call) -> tuple[Array, Array]:
    grid = call.source
    across, down = (
        spacing * (np.arange(count) - (count - 1) / 2)
        for spacing, count in zip(grid.spacing, grid.counts, strict=True)
    )
    return across, down


TAPS: dict[str, Callable[[Call, int], Array]] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "Gemm": dense,
    "MatMul": dense,
    "AveragePool": pool,
    "MaxPool": pool,
    "GlobalAveragePool": whole,
    "ReduceMean": whole,
    "Resize": resize,
}
"""Moments of the kernel, or of its square (power 2), by operator: (6, groups, out, in)."""
