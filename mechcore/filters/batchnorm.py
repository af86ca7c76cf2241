"""Batch normalisation that follows a convolution: of which one, and its factors."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from mechcore.filters.formats.tensors import Tensor, output_factors


@dataclass(frozen=True)
class _Names:
    """Ends of the names of the variables of a batch normalisation."""

    variance: str
    scale: str
    epsilon: float
    """The default of the library: files of weights do not state it."""
    owner: str = ""
    """Part of the name before them."""


NAMES = (
    _Names(".running_var", ".weight", 1e-5),
    _Names("/moving_variance:0", "/gamma:0", 1e-3),
    _Names("/moving_variance", "/gamma", 1e-3),
    _Names("/vars/3", "/vars/0", 1e-3, owner="batch_normalization"),
)


def with_batchnorm(tensors: list[Tensor]) -> list[Tensor]:
    """Give kernels the factors of the batch normalisation that follows them.

    A graph has stated them. Files of torch and Keras keep the order of the network; in others the
    names tell: bn1 follows conv1, and features.1 features.0.
    """
    by_name = {tensor.name: tensor for tensor in tensors}
    found: dict[str, Callable[[], NDArray[np.float64]]] = {}
    before = ""
    for tensor in tensors:
        before = tensor.name if len(tensor.shape) > 1 else before
        for names in NAMES:
            owner = tensor.name.removesuffix(names.variance)
            if owner != tensor.name and names.owner in owner:
                scale = by_name.get(f"{owner}{names.scale}")
                kernel = before if tensor.layout else _kernel_by_name(owner)
                found.setdefault(kernel, partial(_factors, scale, tensor, names.epsilon))
    return [
        replace(tensor, output_scale=found.get(tensor.name, tensor.output_scale))
        for tensor in tensors
    ]


def _kernel_by_name(owner: str) -> str:
    head, dot, last = owner.rpartition(".")
    if last.isdecimal():
        return f"{head}{dot}{int(last) - 1}.weight"
    return f"{head}{dot}{re.sub('batch_?norm|norm|bn', 'conv', last)}.weight"


def _factors(scale: Tensor | None, variance: Tensor, epsilon: float) -> NDArray[np.float64]:
    return output_factors(scale.read() if scale else np.ones(1), variance.read(), epsilon)
