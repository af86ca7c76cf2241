"""What each operator does to evidence: a table from operators to rules.

Evidence is what pixels contribute to a unit. Operators mix it (linear), multiply it (gate), take it
from one unit (choice) or only put it elsewhere (rearrangement).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from mechcore.filters.formats.tensors import output_factors
from mechcore.networks import interpolation
from mechcore.networks.checks import refused
from mechcore.networks.grid import Grid
from mechcore.networks.step import LAYERS, Step
from mechcore.networks.windows import Array, Values, Window

BIASED = ("Conv", "ConvTranspose", "Gemm")
"""Operators whose inputs are data, kernels and a bias."""


@dataclass(eq=False)
class Tensor:
    """A tensor of one image."""

    value: Values
    grid: Grid | None = None
    """Where its units are; None for what does not depend on the image."""
    carried: tuple[Any, ...] = ()
    """What each flow knows of its units."""
    is_factor: bool = False
    """Whether it is behind a function with limits, as a sigmoid."""
    depth: int = 0
    """Layers on the longest path to it."""


@dataclass(eq=False)
class Call:
    """A node, what it was given, and what it made."""

    step: Step
    inputs: list[Tensor | None]
    value: Values
    places: Values | None = None
    """Which units a MaxPool took, as places in its flattened input."""

    @property
    def is_constant(self) -> bool:
        """Whether the image does not matter, but for its size."""
        known = (each is None or each.grid is None for each in self.inputs)
        return self.step.kind == "Shape" or all(known)

    @cached_property
    def rule(self) -> Rule:
        """What the node does to evidence."""
        several = sum(each is not None and each.grid is not None for each in self.inputs) > 1
        rule = (JOINTS if several else RULES)[self.step.kind]
        if rule.kind == "gate" and len(self.data) != 1:
            raise refused(self.step.node, "this operator of several tensors is not supported")
        return rule

    @property
    def depth(self) -> int:
        """Layers on the longest path to what it made."""
        return max(each.depth for each in self.data) + (self.step.kind in LAYERS)

    @cached_property
    def grid(self) -> Grid:
        """Where the units that it made are."""
        return self.rule.grid(self)

    @cached_property
    def data(self) -> list[Tensor]:
        """The inputs that evidence comes from."""
        computed = [each for each in self.inputs if each is not None and each.grid is not None]
        if self.step.kind == "Mul" and len(computed) > 1:
            computed = [each for each in computed if not each.is_factor]
        return computed

    @property
    def source(self) -> Grid:
        """Grid of the first of them."""
        grid = self.data[0].grid
        assert grid is not None
        return grid

    @property
    def weights(self) -> Array:
        """The kernels of a layer."""
        return self.constant(1)

    def constant(self, place: int) -> Values:
        """Return an input that must not depend on the image."""
        given = self.inputs[place]
        if given is None or given.grid is not None:
            raise refused(self.step.node, f"input {place} must not depend on the image")
        return given.value

    def window(self) -> Window:
        """Return what a convolution or a pool looks through."""
        attributes = self.step.attributes
        kernel = attributes.get("kernel_shape") or self.weights.shape[2:]
        return Window.of(self.data[0].value.shape[2:], kernel, attributes)

    def transposed_window(self) -> Window:
        """Return the window that a ConvTranspose is the transpose of."""
        shape = self.data[0].value.shape[2:]
        return Window.transposed(shape, self.weights.shape[2:], self.step.attributes)

    def interpolation(self) -> tuple[Array, Array]:
        """Return the matrices of a Resize."""
        given = [each.value if each is not None else None for each in self.inputs[2:]]
        scales, sizes = [*given, None][:2]
        return interpolation.matrices(self.data[0].value.shape, scales, sizes, self.step.attributes)

    def run(self, fields: list[Array], weights: Array | None = None) -> Array:
        """Run the node without its bias on fields in the place of its data."""
        inputs = [None if each is None else each.value for each in self.inputs]
        if self.step.kind in BIASED:
            inputs[1:] = [
                weights if weights is not None else inputs[1],
                *map(np.zeros_like, inputs[2:]),
            ]
        left = iter(fields)
        for place, given in enumerate(self.inputs):
            if any(given is each for each in self.data):
                inputs[place] = next(left)
        return np.asarray(self.step(*inputs)[0])


def _through(call: Call) -> Grid:
    return call.source.through(call.window())


def _whole(call: Call) -> Grid:
    return call.source.whole()


def _mean(call: Call) -> Grid:
    channels = call.data[0].value.shape[1]
    if call.value.shape not in ((1, channels), (1, channels, 1, 1)):
        raise refused(call.step.node, "only a mean over all of y and x is supported")
    return call.source.whole()


def _joined(call: Call) -> Grid:
    grid = call.source
    for other in call.data[1:]:
        assert other.grid is not None
        grid = grid.joined(other.grid)
    return grid


def interpolated(call: Call) -> Grid:
    """Return the grid of what a Resize makes."""
    if call.step.attributes.get("mode", "nearest") not in ("nearest", "linear"):
        raise refused(call.step.node, "only nearest and linear interpolation are supported")
    mode = call.step.attributes.get("coordinate_transformation_mode")
    return call.source.interpolated(*call.interpolation(), mode == "align_corners")


def _flattened(call: Call) -> Grid:
    given, made = call.data[0].value.shape, call.value.shape
    in_place = len(made) == 2 or made == given or call.source.counts == (1, 1)
    if made[0] != 1 or not in_place:
        raise refused(call.step.node, f"from {given} to {made}, but only flattening is supported")
    return call.source


def _padded(call: Call) -> Grid:
    pads = call.constant(1)
    filled = len(call.inputs) > 2 and call.inputs[2] is not None and call.constant(2).any()
    if len(pads) != 8 or pads[[0, 1, 4, 5]].any() or filled:
        raise refused(call.step.node, "only zeros around y and x are supported")
    height, width = call.value.shape[2:]
    return call.source.padded(np.array([pads[3], pads[2]], float), (width, height))


def _value_over_input(call: Call) -> Array:
    """The factor of a function of one number: its value over its argument, 0 where that is 0."""
    given = call.data[0].value
    return np.divide(call.value, given, out=np.zeros_like(call.value), where=given != 0)


def _one(call: Call) -> Array:
    return np.ones((1,) * call.value.ndim)


def _sign(call: Call) -> Array:
    """The factor of a difference: -1 if the data are what is subtracted."""
    return _one(call) if call.inputs[0] is call.data[0] else -_one(call)


def _other(call: Call) -> Array:
    """What the data are multiplied by."""
    others = [each for each in call.inputs if each is not None and each is not call.data[0]]
    return np.asarray(others[0].value)


def _inverse(call: Call) -> Array:
    return np.asarray(1 / call.constant(1))


def _normalisation(call: Call) -> Array:
    epsilon = call.step.attributes.get("epsilon", 1e-5)
    factor = output_factors(call.constant(1), call.constant(4), epsilon)
    return np.asarray(factor.reshape(1, -1, *[1] * (call.value.ndim - 2)))


def _reshaped(call: Call, fields: list[Array]) -> Array:
    return fields[0].reshape(len(fields[0]), *call.value.shape[1:])


@dataclass(frozen=True)
class Rule:
    """What an operator does to evidence."""

    kind: Literal["linear", "gate", "choice", "rearrangement"]
    """Units are sums of others with weights that no image changes; others times a factor that is
    kept as the image made it; each one of others; or others in another place."""
    grid: Callable[[Call], Grid] = lambda call: call.source
    weighted: bool = False
    """For sums: whether the weights are an input and may be negative."""
    factor: Callable[[Call], Array] = _one
    """For gates."""
    constant: bool = False
    """For gates: whether the factor is the same for all images."""
    move: Callable[[Call, list[Array]], Array] = lambda _, fields: fields[0]
    """For rearrangements."""


FUNCTION = Rule("gate", factor=_value_over_input)
RESHAPED = Rule("rearrangement", _flattened, move=_reshaped)
UNCHANGED = Rule("rearrangement")
DENSE = Rule("linear", _whole, weighted=True)

RULES: dict[str, Rule] = {
    "Conv": Rule("linear", _through, weighted=True),
    "ConvTranspose": Rule(
        "linear", lambda call: call.source.spread(call.transposed_window()), weighted=True
    ),
    **dict.fromkeys(("Gemm", "MatMul"), DENSE),
    "AveragePool": Rule("linear", _through),
    "GlobalAveragePool": Rule("linear", _whole),
    "ReduceMean": Rule("linear", _mean),
    "Resize": Rule("linear", interpolated),
    "MaxPool": Rule("choice", _through),
    "BatchNormalization": Rule("gate", factor=_normalisation, constant=True),
    "Add": Rule("gate", constant=True),
    "Sub": Rule("gate", factor=_sign, constant=True),
    "Mul": Rule("gate", factor=_other, constant=True),
    "Div": Rule("gate", factor=_inverse, constant=True),
    **dict.fromkeys(("Relu", "LeakyRelu", "PRelu", "Clip"), FUNCTION),
    **dict.fromkeys(("Sigmoid", "HardSigmoid", "Tanh", "Erf"), FUNCTION),
    **dict.fromkeys(("Gelu", "Swish", "HardSwish"), FUNCTION),
    **dict.fromkeys(("Identity", "Dropout"), UNCHANGED),
    **dict.fromkeys(("Flatten", "Reshape", "Squeeze", "Unsqueeze"), RESHAPED),
    "Pad": Rule("rearrangement", _padded, move=Call.run),
}
"""Rules of operators with one input that depends on the image."""

JOINTS: dict[str, Rule] = {
    "Add": Rule("linear", _joined),
    "Concat": Rule("rearrangement", _joined, move=Call.run),
    "Mul": Rule("gate", factor=_other),
}
"""Rules of operators with several."""

FACTORS = ("Sigmoid", "HardSigmoid", "Tanh", "Erf", "Clip")
"""Functions with limits: where a tensor is multiplied by one of them, that one is the gate."""
