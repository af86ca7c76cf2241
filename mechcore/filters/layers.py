"""Which tensors are spatial convolutions, and their kernels in one order of axes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechcore.errors import MechcoreError, shown
from mechcore.filters.formats.tensors import FLOATS, Tensor
from mechcore.io.arrays import refuse_extremes

Kernels = NDArray[np.floating]

LARGEST_KERNEL = 31
"""Longest kernel axis, in px, where nothing says that a tensor is a weight: the longest in use are
31 (RepLKNet); what is longer are channels or positions."""

MOST_TAPS = 4096
"""Taps of one kernel: the matrix of its spectrum grows with the square, to 134 MB."""

RANKS = {0: "scalar", 1: "vector", 2: "matrix"}

NOT_KERNELS = ("embed", "token", "position", "bias", "mask", "running_", "moving_", "gamma")
"""Parts of the last word of a name that no kernel has, as in ``pos_embed``."""

OPTIMISER_STATES = ("exp_avg", "max_exp_avg", "momentum_buffer", "square_avg", "acc_delta")
"""Starts of the last word of the names of averages in the shapes of weights."""

NO_LINE = "3 axes, but not the weight of a conv by its name"

KERNEL_ENDINGS = ("weight", "weight_orig", "kernel", "0")
"""Last words of the names of kernels, where the file does not state its convolutions; ``vars/0`` is
that of Keras."""


@dataclass(frozen=True)
class AxisOrder:
    """An order of the axes of kernels."""

    kernel: slice
    """Axes of the kernel."""
    ending: str
    """Last word of the names of such tensors; empty for orders that are never guessed."""
    channels: dict[str, tuple[int, int]]
    """Axes of the outputs and of the inputs, by kind of layer."""

    def kernel_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the lengths of the kernel's axes; (0,) if there is none."""
        return shape[self.kernel] or (0,)


AXIS_ORDERS: dict[str, AxisOrder] = {
    "torch": AxisOrder(
        kernel=slice(2, None),
        ending="weight",
        channels={"convolution": (0, 1), "transposed": (1, 0)},
    ),
    "keras": AxisOrder(
        kernel=slice(None, -2),
        ending="kernel",
        channels={"convolution": (-1, -2), "depthwise": (-2, -1), "transposed": (-2, -1)},
    ),
    "ohwi": AxisOrder(
        kernel=slice(1, -1),
        ending="",
        channels=dict.fromkeys(("convolution", "depthwise", "transposed"), (0, -1)),
    ),
}
"""Orders of axes by name of the layout; where nothing else decides, the first is taken."""


@dataclass(frozen=True, eq=False)
class Layer:
    """The kernels of a spatial convolution."""

    name: str
    kernels: Kernels
    """Shape (out, in, planes, kh, kw), in the convolution convention; float64 if the file holds
    that, else float32. 2-D convolutions have one plane, 1-D ones also have ``kh = 1``, as have 3-D
    ones along the first axis alone."""
    spacing: tuple[float, float] = (1.0, 1.0)
    """Distance between taps, in pixels of the layer's input: down and to the right."""
    fixed: bool = False
    """Whether the file says that training leaves it as it is."""


@dataclass(frozen=True)
class Skipped:
    """A tensor that is no spatial convolution."""

    name: str
    shape: tuple[int, ...]
    reason: str


def recognise(tensor: Tensor, layout: str = "auto") -> Layer | Skipped:
    """Read the kernels of a tensor of an open file if it belongs to a spatial convolution."""
    reason = reason_to_skip(tensor, layout)
    if reason:
        return Skipped(tensor.name, tensor.shape, reason)
    if tensor.dtype not in FLOATS:
        readable = ", ".join(FLOATS)
        raise MechcoreError(
            f"{shown(tensor.name)} is a kernel of {tensor.dtype}, expected {readable}"
        )
    values = _channels_first(tensor, layout)
    kernels = _convolved(values, tensor)
    if tensor.output_scale:
        factors = tensor.output_scale()
        # Else it is that of something between.
        if factors.size == len(kernels):
            kernels *= factors.reshape(-1, 1, 1, 1, 1)
    bad = kernels.size - np.count_nonzero(np.isfinite(kernels))
    if bad:
        counts = f"{bad} of {kernels.size} weights are infinite or not a number"
        raise MechcoreError(f"{shown(tensor.name)}: {counts}")
    refuse_extremes(kernels, shown(tensor.name))
    return Layer(tensor.name, kernels, _spacing(tensor, values.shape[2:]), tensor.fixed)


def reason_to_skip(tensor: Tensor, layout: str = "auto") -> str:
    """Return why a tensor is no spatial convolution, without reading it; empty if it is one."""
    kernel = _axis_order(tensor, layout).kernel_shape(tensor.shape)
    longest, taps = max(kernel), math.prod(kernel)
    rank, guessed, word = len(tensor.shape), tensor.kind is None, _last_word(tensor.name)
    named_otherwise = any(part in word for part in NOT_KERNELS)
    kernel_by_name = word in KERNEL_ENDINGS
    line_by_name = "conv" in tensor.name.lower() and kernel_by_name
    reasons = [
        (tensor.reason, bool(tensor.reason)),
        (RANKS.get(rank, f"{rank} axes"), rank not in (3, 4, 5)),
        ("empty", 0 in tensor.shape),
        (f"{tensor.dtype} values", "float" not in tensor.dtype),
        ("a state of the optimiser", guessed and word.startswith(OPTIMISER_STATES)),
        ("something else by its name", guessed and named_otherwise),
        (NO_LINE, guessed and rank == 3 and not line_by_name),
        ("kernel of one tap", longest == 1),
        (
            f"axes longer than {LARGEST_KERNEL}",
            guessed and longest > LARGEST_KERNEL and not kernel_by_name,
        ),
        (f"kernel of more than {MOST_TAPS} taps", taps > MOST_TAPS),
    ]
    return next((reason for reason, holds in reasons if holds), "")


def _last_word(name: str) -> str:
    return name.removesuffix(":0").replace("/", ".").split(".")[-1].lower()


def _axis_order(tensor: Tensor, layout: str) -> AxisOrder:
    # What a graph or a class states is never overridden.
    if tensor.kind is None and layout != "auto":
        return AXIS_ORDERS[layout]
    return AXIS_ORDERS[tensor.layout] if tensor.layout else _guessed_order(tensor)


def _guessed_order(tensor: Tensor) -> AxisOrder:
    orders = [order for order in AXIS_ORDERS.values() if order.ending]
    kernels = {order.ending: order.kernel_shape(tensor.shape) for order in orders}
    short = [order for order in orders if max(kernels[order.ending]) <= LARGEST_KERNEL]
    square = [order for order in orders if len(set(kernels[order.ending][-2:])) == 1]
    named = [order for order in orders if _last_word(tensor.name) == order.ending]
    # A pair of ones says nothing: a pointwise convolution is as likely as a kernel of one channel.
    both = len(short) == len(orders) and all(max(kernel) > 1 for kernel in kernels.values())
    # The name comes first: kernels of 1 x 7 px have square pairs of channels, and a kernel that is
    # too long is skipped for that reason instead of read as the channels of another order.
    for candidates in (named, square if both else [], short):
        if len(candidates) == 1:
            return candidates[0]
    return orders[0]


def _channels_first(tensor: Tensor, layout: str) -> NDArray[np.generic]:
    """Return the values as (out, in, *kernel), not copied."""
    kind = tensor.kind or "convolution"
    channels = _axis_order(tensor, layout).channels[kind]
    values = np.moveaxis(tensor.read(), channels, (0, 1))
    if kind == "depthwise":
        return values.reshape(-1, 1, *values.shape[2:])
    if tensor.groups > 1 and kind == "transposed":
        # Each group has its own inputs, but the file puts the outputs of all side by side.
        split = values.reshape(values.shape[0], tensor.groups, -1, *values.shape[2:])
        return split.swapaxes(0, 1).reshape(-1, *split.shape[2:])
    return values


def _convolved(values: NDArray[np.generic], tensor: Tensor) -> Kernels:
    """Return (out, in, *kernel) as planes in the convolution convention.

    Networks correlate, so their kernels are turned by 180 degrees, but for transposed convolutions.
    """
    planes = values.reshape(*values.shape[:2], *_as_planes(values.shape[2:], values.shape[2:]))
    if tensor.kind != "transposed":
        planes = planes[..., ::-1, ::-1]
    dtype: type[np.floating] = np.float64 if tensor.dtype == "float64" else np.float32
    # Signalling NaNs and infinities of small types are counted afterwards.
    with np.errstate(invalid="ignore"):
        return planes.astype(dtype, order="C")


def _as_planes(values: tuple[int, ...], kernel: tuple[int, ...]) -> tuple[int, ...]:
    """Return a number for each axis of a kernel as (planes, y, x), with 1 for axes that it lacks.

    A kernel along the first of three axes, as time in a film, would be planes of one tap: it is
    laid along x.
    """
    full = (1,) * (3 - len(values)) + values
    return full[::-1] if len(kernel) == 3 and kernel[1:] == (1, 1) else full


def _spacing(tensor: Tensor, kernel: tuple[int, ...]) -> tuple[float, float]:
    """Dilation; transposed convolutions fit as many taps between two pixels as their stride."""
    ones = (1,) * len(kernel)
    strides = tensor.strides if tensor.kind == "transposed" and tensor.strides else ones
    apart = _as_planes(tensor.dilations or ones, kernel)
    _, y, x = (
        taps / stride for taps, stride in zip(apart, _as_planes(strides, kernel), strict=True)
    )
    return y, x
