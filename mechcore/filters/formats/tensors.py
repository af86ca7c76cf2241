"""What every reader of weight files returns: named arrays that are loaded when they are needed."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

FLOATS: dict[str, type[np.generic]] = {
    "float64": np.float64,
    "float32": np.float32,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "float8_e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8_e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "float8_e5m2": ml_dtypes.float8_e5m2,
    "float8_e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
}
"""Types of weights by name; float32 holds the values of all but the first exactly."""


@dataclass(frozen=True)
class Tensor:
    """A named array of a weight file."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """Type of the values: a key of `FLOATS`, or the name of a type that weights do not have."""
    read: Callable[[], NDArray[np.generic]]
    """Returns the values; only while the file is open."""
    layout: str | None = None
    """Order of the axes where the format states it: (out, in, ...) or (..., in, out)."""
    kind: str | None = None
    """The layer that uses it, where the file states it. Only Keras has arrays of their own for
    depthwise convolutions: (..., in, multiplier)."""
    groups: int = 1
    """Groups of a transposed convolution in the order of torch: (in, out / groups, ...)."""
    dilations: tuple[int, ...] = ()
    """Dilation of each axis of the kernel, where the file states it; else 1."""
    strides: tuple[int, ...] = ()
    output_scale: Callable[[], NDArray[np.float64]] | None = None
    """Returns the factors by which batch normalisation multiplies the outputs, if it follows."""
    reason: str = ""
    fixed: bool = False
    """Whether the file says that training leaves it as it is."""


def unread(name: str, reason: str, shape: tuple[int, ...] = ()) -> Tensor:
    """Return a tensor that is skipped for a reason and never read."""
    return Tensor(name, shape, "unknown", lambda: np.empty(0), reason=reason)


def dequantised(
    values: NDArray[Any], scale: NDArray[Any], zero_point: NDArray[Any], axis: int
) -> NDArray[Any]:
    """Return (q - z) s of quantised values, with one scale or one for each index along an axis."""
    shape = [1] * values.ndim
    shape[axis] = -1
    if {scale.size, zero_point.size} - {1, values.shape[axis]}:
        message = f"{values.shape[axis]} filters, but {scale.size} scales of their quantisation"
        raise ValueError(message)
    scales, zeros = (each.astype(np.float32).reshape(shape) for each in (scale, zero_point))
    return (values.astype(np.float32) - zeros) * scales


def output_factors(
    scale: NDArray[Any], variance: NDArray[Any], epsilon: float
) -> NDArray[np.float64]:
    """Return what batch normalisation multiplies outputs by: gamma / sqrt(variance + epsilon)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        factors: NDArray[np.float64] = scale / np.sqrt(variance.astype(np.float64) + epsilon)
    return factors


def natural_order(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts names as people do: by the numbers in them, conv2 before conv10."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(int(piece), "") if piece.isdecimal() else (sys.maxsize, piece) for piece in pieces]
