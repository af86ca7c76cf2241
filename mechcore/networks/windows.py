"""The windows that convolutions and pools look through: padding, strides, dilation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

Values = NDArray[Any]

Pair = tuple[int, int]
"""Numbers of the axes y, x."""


@dataclass(frozen=True)
class Window:
    """A window and its steps over an image."""

    lengths: Pair
    """Lengths of the image."""
    kernel: Pair
    strides: Pair
    dilations: Pair
    before: Pair
    """Padding at the start of each axis."""
    after: Pair
    counts: Pair
    """Units of the output."""

    @classmethod
    def of(
        cls, lengths: Sequence[int], kernel: Sequence[int], attributes: Mapping[str, Any]
    ) -> Window:
        """Return the window that the attributes of a Conv or a pool describe."""
        axes = [
            _along(length, size, stride, dilation, pads, attributes)
            for length, size, stride, dilation, pads in zip(
                lengths,
                kernel,
                attributes.get("strides") or [1] * len(kernel),
                attributes.get("dilations") or [1] * len(kernel),
                _pairs(attributes.get("pads") or [0] * 2 * len(kernel)),
                strict=True,
            )
        ]
        return cls(_pair(lengths), _pair(kernel), *map(_pair, zip(*axes, strict=True)))

    @classmethod
    def transposed(
        cls, lengths: Sequence[int], kernel: Sequence[int], attributes: Mapping[str, Any]
    ) -> Window:
        """Return the window of the convolution that a ConvTranspose is the transpose of."""
        strides = _pair(attributes.get("strides") or (1, 1))
        dilations = _pair(attributes.get("dilations") or (1, 1))
        top, left, bottom, right = attributes.get("pads") or (0, 0, 0, 0)
        extra = _pair(attributes.get("output_padding") or (0, 0))
        height, width = (
            (length - 1) * stride + (size - 1) * dilation + 1 + more - padding
            for length, stride, size, dilation, more, padding in zip(
                lengths,
                strides,
                kernel,
                dilations,
                extra,
                (top + bottom, left + right),
                strict=True,
            )
        )
        return cls(
            (height, width),
            _pair(kernel),
            strides,
            dilations,
            (top, left),
            (bottom, right),
            _pair(lengths),
        )

    def padded(self, image: Values, value: float = 0) -> Values:
        """Return (..., y, x) with all pixels that a window covers."""
        needed = [
            (count - 1) * stride + (size - 1) * dilation + 1
            for count, stride, size, dilation in zip(
                self.counts, self.strides, self.kernel, self.dilations, strict=True
            )
        ]
        widths = [
            (before, max(0, length - before - own))
            for before, length, own in zip(self.before, needed, self.lengths, strict=True)
        ]
        if not np.any(widths):
            return image
        axes = [(0, 0)] * (image.ndim - len(widths)) + widths
        return np.pad(image, axes, constant_values=value)

    def parts(self, padded: Values) -> Iterator[tuple[Pair, Values]]:
        """Yield each tap with what all units see through it."""
        for tap in np.ndindex(*self.kernel):
            down, across = (self._slice(axis, place) for axis, place in enumerate(tap))
            yield _pair(tap), padded[..., down, across]

    def _slice(self, axis: int, place: int) -> slice:
        start, stride = place * self.dilations[axis], self.strides[axis]
        return slice(start, start + (self.counts[axis] - 1) * stride + 1, stride)


def _pair(values: Sequence[int]) -> Pair:
    down, across = values
    return down, across


def _pairs(pads: Sequence[int]) -> list[tuple[int, int]]:
    half = len(pads) // 2
    return list(zip(pads[:half], pads[half:], strict=True))


def _along(
    length: int,
    size: int,
    stride: int,
    dilation: int,
    pads: tuple[int, int],
    attributes: Mapping[str, Any],
) -> tuple[int, int, int, int, int]:
    """Stride, dilation, padding before and after, and number of units along an axis."""
    extent = (size - 1) * dilation + 1
    if attributes.get("auto_pad", "NOTSET").startswith("SAME"):
        count = -(-length // stride)
        missing = max(0, (count - 1) * stride + extent - length)
        small, large = missing // 2, missing - missing // 2
        before, after = (small, large) if attributes["auto_pad"] == "SAME_UPPER" else (large, small)
        return stride, dilation, before, after, count
    before, after = (0, 0) if attributes.get("auto_pad") == "VALID" else pads
    steps = (length + before + after - extent) / stride
    count = (math.ceil if attributes.get("ceil_mode") else math.floor)(steps) + 1
    if attributes.get("ceil_mode") and (count - 1) * stride >= length + before:
        # The last window would lie in the padding alone.
        count -= 1
    return stride, dilation, before, after, count
