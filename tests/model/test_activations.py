"""Activations: definitions against scipy, both forms of each, and what the engines assume."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtr

from mechcore.model.activations import ACTIVATIONS, LEAK
from tests.helpers.oracles import Array

each_activation = pytest.mark.parametrize("name", list(ACTIVATIONS))

GRID = np.concatenate([np.linspace(-40, 40, 16001), np.linspace(-2, 2, 4001), [0.0, -0.0]])

DEFINITIONS = {
    "identity": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "modulus": np.abs,
    "leaky_relu": lambda x: np.maximum(x, LEAK * x),
    "softplus": lambda x: np.logaddexp(0, x),
    "gelu": lambda x: x * ndtr(x),
    "tanh": lambda x: 1 - 2 / (np.exp(2 * x) + 1),
}


def scalar_form(name: str, x: Array) -> Array:
    return np.array([ACTIVATIONS[name].scalar(float(value)) for value in x])


def test_every_activation_has_a_definition_here() -> None:
    assert list(DEFINITIONS) == list(ACTIVATIONS)


@each_activation
def test_array_form_is_the_definition(name: str) -> None:
    # 1e-13 relative: exponentials of arguments up to 40, and the tail of ndtr at -40; 1e-15
    # absolute: the definition of tanh above cancels near zero.
    expected = DEFINITIONS[name](GRID)
    np.testing.assert_allclose(ACTIVATIONS[name].array(GRID), expected, rtol=2e-13, atol=1e-15)


@each_activation
def test_scalar_form_equals_array_form(name: str) -> None:
    # 1e-13 relative, also in the far tail of gelu: two libraries' erfc at -28.
    array = ACTIVATIONS[name].array(GRID)
    np.testing.assert_allclose(scalar_form(name, GRID), array, rtol=1e-13, atol=1e-300)


@each_activation
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324])
def test_both_forms_agree_at_the_edges_of_numbers(name: str, value: float) -> None:
    with np.errstate(invalid="ignore"):  # gelu(-inf) is -inf times zero
        array = ACTIVATIONS[name].array(np.array([value]))[0]
    np.testing.assert_allclose(ACTIVATIONS[name].scalar(value), array, rtol=1e-15)
    assert np.isnan(array) or not np.isnan(value)


@each_activation
def test_lipschitz_constant_holds_and_is_tight(name: str) -> None:
    x = np.linspace(-10, 10, 200_001)
    slopes = np.abs(np.diff(ACTIVATIONS[name].array(x)) / np.diff(x))
    # 1e-9: differences of values near 10 with 16 digits over steps of 1e-4.
    assert slopes.max() <= ACTIVATIONS[name].lipschitz + 1e-9
    # 1e-4: gelu's constant is given with four decimals, and a slope is a mean over a step.
    assert slopes.max() >= ACTIVATIONS[name].lipschitz - 2e-4


@each_activation
def test_declared_properties_are_true(name: str) -> None:
    activation, x = ACTIVATIONS[name], np.linspace(-5, 5, 101)
    # Powers of two scale without rounding.
    scales = activation.array(0.25 * x) == 0.25 * activation.array(x)
    assert bool(np.all(scales)) == activation.homogeneous
    x = np.concatenate([[0.0], np.logspace(-300, 300, 601)])
    assert bool(np.all(activation.array(x) == x)) == activation.identity_on_positive
