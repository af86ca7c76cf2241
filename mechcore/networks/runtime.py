"""Convolutions and pools in place of those of the reference evaluator of ONNX, which are slow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from onnx.reference.op_run import OpRun

from mechcore.networks.interpolation import Resize
from mechcore.networks.windows import Array, Values, Window


class Conv(OpRun):
    """A product of matrices for each tap."""

    op_domain = ""

    def _run(self, x: Array, w: Array, b: Array | None = None, **attributes: Any) -> tuple[Array]:
        window = Window.of(x.shape[2:], w.shape[2:], attributes)
        result = np.zeros((len(x), len(w), *window.counts), x.dtype)
        for image, target in zip(window.padded(x), result, strict=True):
            for tap, part in window.parts(image):
                _add_product(target, w[:, :, *tap], part, attributes["group"])
        return (result if b is None else result + b[:, np.newaxis, np.newaxis],)


class ConvTranspose(OpRun):
    """A product of matrices for each tap, which the output gathers."""

    op_domain = ""

    def _run(self, x: Array, w: Array, b: Array | None = None, **attributes: Any) -> tuple[Array]:
        window = Window.transposed(x.shape[2:], w.shape[2:], attributes)
        groups = attributes["group"]
        split = w.reshape(groups, -1, *w.shape[1:]).swapaxes(1, 2)
        weights = split.reshape(-1, *split.shape[2:])
        whole = window.padded(np.zeros((len(x), len(weights), *window.lengths), x.dtype))
        for image, target in zip(x, whole, strict=True):
            for tap, part in window.parts(target):
                _add_product(part, weights[:, :, *tap], image, groups)
        (top, left), (height, width) = window.before, window.lengths
        result = whole[..., top : top + height, left : left + width]
        return (result if b is None else result + b[:, np.newaxis, np.newaxis],)


def _add_product(target: Array, weights: Array, part: Array, groups: int) -> None:
    """Add to (out, y, x) the weights (out, in / groups) times (in, y, x)."""
    if groups == len(weights) == len(part):
        target += weights[:, :, np.newaxis] * part
        return
    product = weights.reshape(groups, -1, weights.shape[1]) @ part.reshape(
        groups, weights.shape[1], -1
    )
    target += product.reshape(target.shape)


class MaxPool(OpRun):
    """The largest pixel of each window, and its place in the flattened tensor."""

    op_domain = ""

    def _run(self, x: Array, **attributes: Any) -> tuple[Values, ...]:
        window = Window.of(x.shape[2:], attributes["kernel_shape"], attributes)
        places = np.arange(x.size).reshape(x.shape)
        parts = zip(
            window.parts(window.padded(x, -np.inf)),
            window.parts(window.padded(places)),
            strict=True,
        )
        (_, first), (_, place) = next(parts)
        largest, chosen = first.copy(), place.copy()
        for (_, part), (_, place) in parts:
            better = part > largest
            np.copyto(largest, part, where=better)
            np.copyto(chosen, place, where=better)
        return largest, chosen


class AveragePool(OpRun):
    """The sum over each window over the number of its pixels."""

    op_domain = ""

    def _run(self, x: Array, **attributes: Any) -> tuple[Array]:
        window = Window.of(x.shape[2:], attributes["kernel_shape"], attributes)
        total = np.zeros((*x.shape[:2], *window.counts))
        for _, part in window.parts(window.padded(x)):
            total += part
        return (total / pixel_counts(window, bool(attributes.get("count_include_pad"))),)


def pixel_counts(window: Window, with_padding: bool) -> Array:
    """Return (y, x), over how many pixels each unit of an average pool averages."""
    ones = np.ones(window.lengths)
    if with_padding:
        ones = np.pad(ones, list(zip(window.before, window.after, strict=True)), constant_values=1)
        window = replace(window, lengths=ones.shape, before=(0, 0), after=(0, 0))
    counts = np.zeros(window.counts)
    for _, part in window.parts(window.padded(ones)):
        counts += part
    return counts


NEW_OPS = [Conv, ConvTranspose, MaxPool, AveragePool, Resize]
"""For the parameter `new_ops` of the evaluator."""
