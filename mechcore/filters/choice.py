"""Which tensors of a file count: those that are asked for, and of copies one."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechcore.errors import shown
from mechcore.experiment.weights import Reading
from mechcore.filters.batchnorm import with_batchnorm
from mechcore.filters.formats.tensors import Tensor

Values = NDArray[Any]


def chosen(tensors: list[Tensor], reading: Reading) -> list[Tensor]:
    """Put weights together from their parts, and give the tensors that do not count a reason."""
    wanted = [
        tensor if tensor.reason else replace(tensor, reason=_unwanted(tensor.name, reading))
        for tensor in _put_together(tensors)
    ]
    if reading.fold_batchnorm:
        return _one_of_copies(with_batchnorm(wanted))
    return _one_of_copies([replace(tensor, output_scale=None) for tensor in wanted])


def _unwanted(name: str, reading: Reading) -> str:
    if reading.select and not _matches(name, reading.select):
        return "not selected"
    return "excluded" if _matches(name, reading.exclude) else ""


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _normalised(length: Values, direction: Values) -> Values:
    """Weight norm: g v / |v|, where g has one number for all that the norm runs over."""
    if np.broadcast_shapes(length.shape, direction.shape) != direction.shape:
        message = f"weight norm of shapes {shown(length.shape)} and {shown(direction.shape)}"
        raise ValueError(message)
    lengths = (1,) * (direction.ndim - length.ndim) + length.shape
    axes = tuple(axis for axis, size in enumerate(lengths) if size == 1)
    wide = direction.astype(np.float64)
    with np.errstate(invalid="ignore"):
        scaled: Values = length * wide / np.sqrt(np.square(wide).sum(axes, keepdims=True))
    return scaled


PARTS: tuple[tuple[str, str, Callable[[Values, Values], Values]], ...] = (
    ("weight_g", "weight_v", _normalised),
    ("parametrizations.weight.original0", "parametrizations.weight.original1", _normalised),
    ("weight_mask", "weight_orig", np.multiply),
)
"""Ends of the names of two tensors that together are a weight of torch, which has the shape of the
second: weight norm, old and new, and pruning."""


def _put_together(tensors: list[Tensor]) -> list[Tensor]:
    by_name = {tensor.name: tensor for tensor in tensors}
    for first, second, combine in PARTS:
        for name in [name for name in by_name if name.endswith(first)]:
            owner = name.removesuffix(first)
            if owner + second in by_name:
                parts = by_name.pop(name), by_name[owner + second]
                by_name[owner + second] = _whole(f"{owner}weight", *parts, combine)
    return list(by_name.values())


def _whole(
    name: str, first: Tensor, second: Tensor, combine: Callable[[Values, Values], Values]
) -> Tensor:
    def read() -> Values:
        # Types of a few bits are no numbers to numpy.
        return combine(*(part.read().astype(np.float64) for part in (first, second)))

    # Only convolutions and dense layers have such weights.
    kind = "convolution" if len(second.shape) > 2 else None
    return replace(second, name=name, read=read, layout="torch", kind=kind)


AVERAGED, BEST, PLAIN, LAST = range(4)
"""Copies of a network; the first that a file holds counts."""

COPIES = dict.fromkeys(("ema", "swa", "averaged", "shadow"), AVERAGED)
COPIES |= {"best": BEST, "last": LAST, "latest": LAST}
"""Words that name copies; all other weights are plain."""

CONTAINERS = {"state", "dict", "model", "module", "params", "parameters", "net", "network"}
"""Words that name a network as a whole; a name is the same without them."""


def _one_of_copies(tensors: list[Tensor]) -> list[Tensor]:
    """Keep one of tensors whose names differ by the word of a copy alone."""
    copies: dict[object, set[int]] = defaultdict(set)
    places = [_without_copy(tensor.name) for tensor in tensors]
    for tensor, (name, number) in zip(tensors, places, strict=True):
        if not tensor.reason:
            copies[name, tensor.shape].add(number)
    return [
        replace(tensor, reason="another copy of a layer")
        if not tensor.reason and number > min(copies[name, tensor.shape])
        else tensor
        for tensor, (name, number) in zip(tensors, places, strict=True)
    ]


def _without_copy(name: str) -> tuple[str, int]:
    """The name of a tensor in its network, and the number of the copy."""
    parts, number = name.replace("/", ".").split("."), PLAIN
    while len(parts) > 1:
        words = re.split("[_-]", parts[0].lower())
        copy = next((word for word in words if word in COPIES), "")
        others = [word for word in words if word != copy]
        whole = CONTAINERS.issuperset(others)
        # `g_ema` averages a part of a network, but `conv_last` is a layer.
        if copy and (whole or COPIES[copy] == AVERAGED):
            number, parts[0] = COPIES[copy], "_".join(others)
        if not whole:
            break
        del parts[0]
    # Averages of some libraries have names without dots.
    return "".join(parts), number
