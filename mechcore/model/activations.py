"""Pointwise activations: one table, each entry in numpy (reference) and scalar (compiled) form."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mechcore.io.arrays import Array

LEAK = 0.01
"""Slope of ``leaky_relu`` on x < 0, the default of the common deep learning frameworks."""

SQRT_HALF = math.sqrt(0.5)


@dataclass(frozen=True)
class Activation:
    """A pointwise function and what the engines may assume of it.

    Parameters
    ----------
    formula : str
        The function as a reader would write it.
    array : callable
        Array in, array out: the definition.
    scalar : callable or None
        The same function of one float in plain Python, which the compiled engine translates.
        Comparisons are written so that NaN stays NaN. None for a user's own function, which is
        called for every block of rows.
    negative_slope : float or None
        For a function that is x for x >= 0 and a multiple of x below: that multiple. None for a
        curved function.
    lipschitz : float
        The smallest L with abs(f(x) - f(y)) <= L abs(x - y).
    """

    formula: str
    array: Callable[[Array], Array]
    scalar: Callable[[float], float] | None = None
    negative_slope: float | None = None
    lipschitz: float = 1.0

    @property
    def homogeneous(self) -> bool:
        """Whether f(a x) = a f(x) for a > 0: a normalisation cannot change the trajectory."""
        return self.negative_slope is not None

    @property
    def identity_on_positive(self) -> bool:
        """Whether f(x) = x for x >= 0: the condition of the exact theory."""
        return self.negative_slope is not None

    @property
    def multiplicative(self) -> bool:
        """Whether f(a b) = f(a) f(b) for all a and b."""
        return self.negative_slope in (1.0, -1.0)

    @property
    def keeps_zero(self) -> bool:
        """Whether f(0) = 0; otherwise the whole light cone fills at the first layer."""
        at_zero = self.scalar(0.0) if self.scalar else self.array(np.zeros(1))[0]
        return float(at_zero) == 0.0


def _gelu_array(x: Array) -> Array:
    # Imported here because scipy.special costs more than a small simulation.
    from scipy.special import erfc

    return 0.5 * x * erfc(-SQRT_HALF * x)


def _identity(x: float) -> float:
    return x


def _relu(x: float) -> float:
    return 0.0 if x < 0.0 else x


def _modulus(x: float) -> float:
    return abs(x)


def _leaky_relu(x: float) -> float:
    return LEAK * x if x < 0.0 else x


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _gelu(x: float) -> float:
    # erfc keeps its relative precision in the negative tail, where 1 + erf cancels.
    return 0.5 * x * math.erfc(-SQRT_HALF * x)


def _tanh(x: float) -> float:
    return math.tanh(x)


ACTIVATIONS: dict[str, Activation] = {
    "identity": Activation("x", lambda x: x, _identity, negative_slope=1.0),
    "relu": Activation("max(x, 0)", lambda x: np.where(x < 0, 0.0, x), _relu, negative_slope=0.0),
    "modulus": Activation("|x|", np.abs, _modulus, negative_slope=-1.0),
    "leaky_relu": Activation(
        f"x if x >= 0 else {LEAK} x",
        lambda x: np.where(x < 0, LEAK * x, x),
        _leaky_relu,
        negative_slope=LEAK,
    ),
    "softplus": Activation(
        "log(1 + exp(x))",
        lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))),
        _softplus,
    ),
    "gelu": Activation(
        "x Phi(x), Phi the normal distribution function",
        _gelu_array,
        _gelu,
        # max of Phi(x) + x phi(x), reached at x = sqrt(2): 1.128904...
        lipschitz=1.1290,
    ),
    "tanh": Activation("tanh(x)", np.tanh, _tanh),
}
"""Activations by name. A new one is one entry here: engines, grid and tests all read it."""
