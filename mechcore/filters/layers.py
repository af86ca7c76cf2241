"""Tells spatial convolutions from other tensors, and brings their kernels into one order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechcore.errors import MechcoreError, choose, shown
from mechcore.experiment.weights import LAYOUTS
from mechcore.filters.formats.tensors import FLOATS, Tensor

__all__ = ["LAYOUTS", "Layer", "Skipped", "reason_to_skip", "recognise"]

Kernels = NDArray[np.float32] | NDArray[np.float64]

LARGEST_KERNEL = 31
"""Longest kernel axis, in px, where the file does not tell its convolutions: the longest in use are
31 (RepLKNet); what is longer are channels or positions."""

RANKS = {0: "scalar", 1: "vector", 2: "matrix"}
"""What arrays with too few axes are."""

NOT_KERNELS = ("embed", "token", "position", "bias", "mask", "running_", "moving_", "gamma")
"""What the last word of a name tells that is no kernel's, as in ``pos_embed``."""

LINE_ENDINGS = ("weight", "kernel", "0")
"""Last words of the names of 1-D kernels, where the file does not tell its convolutions; ``vars/0``
is that of Keras."""


@dataclass(frozen=True)
class Order:
    """An order of axes.

    Parameters
    ----------
    kernel_first : bool
        Whether the kernel's axes come before the channels.
    ending : str
        Last word of the names of its kernels.
    channels : dict
        Axes of the outputs and of the inputs, by kind of layer.
    """

    kernel_first: bool
    ending: str
    channels: dict[str, tuple[int, int]]


ORDERS: dict[str, Order] = {
    "torch": Order(
        kernel_first=False,
        ending="weight",
        channels={"convolution": (0, 1), "transposed": (1, 0)},
    ),
    "keras": Order(
        kernel_first=True,
        ending="kernel",
        channels={"convolution": (-1, -2), "depthwise": (-2, -1), "transposed": (-2, -1)},
    ),
}
"""Orders of axes by name; where nothing else decides, the first is taken."""


@dataclass(frozen=True, eq=False)
class Layer:
    """The kernels of a spatial convolution.

    Parameters
    ----------
    name : str
        Name of the tensor.
    kernels : (out, in, planes, kh, kw) ndarray
        In the convention of convolutions: networks correlate, so their kernels are turned by 180
        degrees, those of transposed convolutions are not. float64 if the file holds that, else
        float32. ``in`` counts the inputs of a group; 2-D convolutions have one plane, 1-D ones also
        have ``kh = 1``.
    """

    name: str
    kernels: Kernels


@dataclass(frozen=True)
class Skipped:
    """A tensor that is no spatial convolution.

    Parameters
    ----------
    name : str
        Its name.
    shape : tuple of int
        Its shape; empty where it has none.
    reason : str
        A few words.
    """

    name: str
    shape: tuple[int, ...]
    reason: str


def recognise(tensor: Tensor, layout: str = "auto") -> Layer | Skipped:
    """Read the kernels of a tensor if it belongs to a spatial convolution.

    Parameters
    ----------
    tensor : Tensor
        Of a file that is open.
    layout : {"auto", "torch", "keras"}, optional
        Order of the axes, over what the format tells.

    Returns
    -------
    Layer or Skipped
        The kernels, or why there are none.

    Raises
    ------
    InvalidValue
        If the layout is none of these.
    MechcoreError
        If a kernel is of a type that cannot be read, or is not finite.

    Examples
    --------
    >>> values = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
    >>> recognise(Tensor("conv.weight", values.shape, "float32", lambda: values)).kernels[0, 0, 0]
    array([[8., 7., 6.],
           [5., 4., 3.],
           [2., 1., 0.]], dtype=float32)
    >>> recognise(Tensor("conv.bias", (1,), "float32", lambda: values[0, 0, 0, :1])).reason
    'vector'
    """
    reason = reason_to_skip(tensor, layout)
    if reason:
        return Skipped(tensor.name, tensor.shape, reason)
    if tensor.dtype not in FLOATS:
        readable = ", ".join(FLOATS)
        raise MechcoreError(
            f"{shown(tensor.name)} is a kernel of {tensor.dtype}, expected {readable}"
        )
    kernels = _turned(_channels_first(tensor, layout), tensor)
    finite = np.count_nonzero(np.isfinite(kernels))
    if finite < kernels.size:
        bad = f"{kernels.size - finite} of {kernels.size} weights are infinite or not a number"
        raise MechcoreError(f"{shown(tensor.name)}: {bad}")
    return Layer(tensor.name, kernels)


def reason_to_skip(tensor: Tensor, layout: str = "auto") -> str:
    """Tell why a tensor is no spatial convolution, without reading it.

    Parameters
    ----------
    tensor : Tensor
        Any.
    layout : {"auto", "torch", "keras"}, optional
        Order of the axes, over what the format tells.

    Returns
    -------
    str
        A few words, or an empty text for a convolution.

    Raises
    ------
    InvalidValue
        If the layout is none of these.

    Examples
    --------
    >>> reason_to_skip(Tensor("head.weight", (10, 512), "float32", lambda: np.zeros((10, 512))))
    'matrix'
    """
    kernel = _kernel_of(tensor, _chosen(tensor, layout))
    known = tensor.kind is not None
    rank = len(tensor.shape)
    other = not known and _is_named_otherwise(tensor.name)
    line = known or rank != 3 or _is_line_by_name(tensor.name)
    reasons = [
        (tensor.reason, bool(tensor.reason)),
        (RANKS.get(rank, f"{rank} axes"), rank not in (3, 4, 5)),
        ("empty", 0 in tensor.shape),
        (f"{tensor.dtype} values", "float" not in tensor.dtype),
        ("something else by its name", other),
        ("3 axes, but not the weight of a conv by its name", not line),
        ("kernel of one tap", max(kernel) == 1),
        (f"axes longer than {LARGEST_KERNEL}", not known and max(kernel) > LARGEST_KERNEL),
    ]
    return next((reason for reason, holds in reasons if holds), "")


def _last_word(name: str) -> str:
    return name.removesuffix(":0").replace("/", ".").split(".")[-1].lower()


def _is_named_otherwise(name: str) -> bool:
    return any(word in _last_word(name) for word in NOT_KERNELS)


def _is_line_by_name(name: str) -> bool:
    return "conv" in name.lower() and _last_word(name) in LINE_ENDINGS


def _kernel_of(tensor: Tensor, order: Order) -> tuple[int, ...]:
    kernel = tensor.shape[:-2] if order.kernel_first else tensor.shape[2:]
    # Arrays without any are told by their number of axes.
    return kernel or (0,)


def _chosen(tensor: Tensor, layout: str) -> Order:
    choose(LAYOUTS, "layout", layout)
    # What a graph or a class tells is never overridden.
    asked = tensor.kind is None and layout != "auto"
    told = layout if asked else tensor.layout
    return ORDERS[told] if told else _guessed(tensor)


def _guessed(tensor: Tensor) -> Order:
    orders = list(ORDERS.values())
    kernels = {order.ending: _kernel_of(tensor, order) for order in orders}
    short = [order for order in orders if max(kernels[order.ending]) <= LARGEST_KERNEL]
    square = [order for order in orders if _is_square(kernels[order.ending])]
    named = [order for order in orders if _last_word(tensor.name) == order.ending]
    # A pair of ones says nothing: a pointwise convolution is as likely as a kernel of one channel.
    both = len(short) == len(orders) and all(max(kernel) > 1 for kernel in kernels.values())
    # The name comes first: kernels of 1 x 7 px have square pairs of channels, and a kernel that is
    # too long is skipped, and told, instead of read as the channels of another order.
    for candidates in (named, square if both else [], short):
        if len(candidates) == 1:
            return candidates[0]
    return orders[0]


def _is_square(kernel: tuple[int, ...]) -> bool:
    return len(kernel) > 1 and kernel[-1] == kernel[-2]


def _channels_first(tensor: Tensor, layout: str) -> NDArray[np.generic]:
    """Return the values as (out, in, *kernel), not copied."""
    values, kind = tensor.read(), tensor.kind or "convolution"
    chosen = _chosen(tensor, layout)
    first = np.moveaxis(values, chosen.channels[kind], (0, 1))
    if kind == "depthwise":
        return first.reshape(-1, 1, *first.shape[2:])
    if tensor.groups > 1 and kind == "transposed":
        # Each group has its own inputs, but the file puts the outputs of all side by side.
        split = first.reshape(first.shape[0], tensor.groups, -1, *first.shape[2:])
        return split.swapaxes(0, 1).reshape(-1, *split.shape[2:])
    return first


def _turned(values: NDArray[np.generic], tensor: Tensor) -> Kernels:
    kernel = (1,) * (5 - values.ndim) + values.shape[2:]
    planes = values.reshape(*values.shape[:2], *kernel)
    if tensor.kind != "transposed":
        planes = planes[..., ::-1, ::-1]
    # Signalling NaNs and infinities of small types are told afterwards, with their number.
    with np.errstate(invalid="ignore"):
        if tensor.dtype == "float64":
            return planes.astype(np.float64, order="C")
        return planes.astype(np.float32, order="C")
