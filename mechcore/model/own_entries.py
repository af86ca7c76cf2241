"""What a user gives as an entry of a table becomes one that is checked, now and whenever used."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import numpy as np

from mechcore.errors import MechcoreError, one_line
from mechcore.io.arrays import Array
from mechcore.model.activations import Activation
from mechcore.model.geometry import centred_coordinates, unit_vector
from mechcore.model.kernels import Family, Kernel, Shape, steered
from mechcore.model.patterns import Image, Pattern

NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")

RESERVED = ("all",)
"""Stands for every family in tables."""

ROUNDING = 1e-9
"""Of the largest tap: parts that are even but for rounding are even, and miss by 1e-15."""

ANGLES = (0.0, 45.0, 90.0, 200.0)
"""Degrees at which an odd part is checked when it is loaded: along both axes, and between."""

SIZES_TRIED = 3
"""Sizes of a family that are tried when it is loaded; all others are checked when they are used."""

NEAR = np.linspace(-40, 40, 1601)
FAR = np.logspace(-300, 300, 601)
SAMPLES = np.concatenate([NEAR, -FAR, FAR])
"""Where an activation is looked at: on the numbers that states have, and on all others."""


def own_name(name: object, taken: Collection[str]) -> str:
    """Return the name of an entry, or refuse it: it becomes part of file names."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise MechcoreError("expected a name of lower-case letters, digits and _, at most 32")
    if name in taken or name in RESERVED:
        raise MechcoreError("the package has this name already, expected another")
    return name


def own_family(name: str, given: object) -> Family:
    """Return a family; two functions of the size are its even part, and its odd one along x."""
    family = given if isinstance(given, Family) else _family_of_two(name, given)
    checked = replace(
        family,
        even=_checked_even(family.even),
        odd=_checked_odd(family.odd, by_parity=family.by_parity),
    )
    sizes = (size for size in range(family.smallest, family.smallest + 9) if family.has_size(size))
    for size, _ in zip(sizes, range(SIZES_TRIED), strict=False):
        shape = (size, size)
        _refuse_chance(checked.even, shape, 0)
        for angle in ANGLES:
            _refuse_chance(checked.odd, shape, 0, angle)
            _check_orthogonal(checked.even(shape, 0), checked.odd(shape, 0, angle))
    return checked


def own_activation(name: str, given: object) -> Activation:
    """Return an activation of a function of arrays, and what the engines may assume of it."""
    if not isinstance(given, Activation):
        if not callable(given):
            raise MechcoreError("expected a function of an array, or an Activation")
        given = Activation(name, given, lipschitz=math.inf)

    def values(x: Array) -> Array:
        with np.errstate(all="ignore"):
            return _real(_called(given.array, x.copy()), x.shape)

    f = values(SAMPLES)
    if not np.all(np.isfinite(values(NEAR))):
        raise MechcoreError("not finite between -40 and 40")
    # Libraries round the same number differently by its place in a vector.
    few = values(SAMPLES[::50, np.newaxis])[:, 0]
    if not np.allclose(few, f[::50], rtol=1e-12, atol=0, equal_nan=True):
        raise MechcoreError("not pointwise: what it makes of a number depends on the others")
    if not np.isnan(values(np.array([np.nan]))[0]):
        raise MechcoreError(
            "NaN must stay NaN: write np.where(x < 0, 0, x), not np.where(x > 0, x, 0)"
        )
    slope = _negative_slope(f)
    if slope is None:
        _check_lipschitz(values(NEAR), given.lipschitz)
    steepest = given.lipschitz if slope is None else max(1.0, abs(slope))
    return replace(given, scalar=None, negative_slope=slope, lipschitz=steepest)


def own_pattern(name: str, given: object) -> Pattern:
    """Return a pattern; a function with default values makes the image of its arguments."""
    if not isinstance(given, Pattern):
        given = _pattern_of(name, given)
    image, side = given.image, given.side

    def checked(**arguments: float) -> Image:
        made = _real(_called(image, **arguments))
        if made.ndim != 2 or made.shape != (side(**arguments),) * 2 or not made.any():
            raise MechcoreError(f"pattern {name}: expected a square image, not all zero")
        _check_finite(made)
        return made

    pattern = replace(given, image=checked)
    _refuse_chance(lambda: checked(**pattern.defaults))
    return pattern


def _family_of_two(name: str, given: object) -> Family:
    if not (isinstance(given, tuple) and len(given) == 2 and all(map(callable, given))):
        raise MechcoreError("expected two functions of the size, (even, odd), or a Family")
    even, odd = given

    def along_x(shape: Shape, _seed: int) -> Kernel:
        part = _part(_called(odd, shape[0]), shape, "odd")
        _check_direction(part, 0.0)
        return part

    return Family(name, lambda shape, _seed: even(shape[0]), steered(along_x))


def _checked_even(even: Callable[..., Kernel]) -> Callable[..., Kernel]:
    def checked(shape: Shape, seed: int) -> Kernel:
        part = _part(_called(even, shape, seed), shape, "even")
        _check_parity(part, 1, "even")
        return part

    return checked


def _checked_odd(odd: Callable[..., Kernel], *, by_parity: bool) -> Callable[..., Kernel]:
    def checked(shape: Shape, seed: int, angle: float) -> Kernel:
        part = _part(_called(odd, shape, seed, angle), shape, "odd")
        if by_parity:
            _check_parity(part, -1, "odd")
            _check_direction(part, angle)
        return part

    return checked


def _part(made: object, shape: Shape, which: str) -> Kernel:
    part = _real(made, shape)
    _check_finite(part)
    if not part.any():
        raise MechcoreError(f"the {which} part of size {_sides(shape)} is zero")
    return part


def _check_parity(part: Kernel, sign: int, which: str) -> None:
    if np.abs(part - sign * part[::-1, ::-1]).max() > ROUNDING * np.abs(part).max():
        law = "K(-r) = K(r)" if sign > 0 else "K(-r) = -K(r)"
        size = _sides(part.shape)
        raise MechcoreError(f"the {which} part of size {size} is not {which}, expected {law}")


def _check_direction(part: Kernel, angle: float) -> None:
    y, x = (centred_coordinates(side) for side in part.shape)
    moment = np.array([np.sum(part * x), np.sum(part * y[:, np.newaxis])])
    along, across = moment @ unit_vector(angle), moment @ unit_vector(angle + 90)
    least = ROUNDING * np.abs(part).sum() * max(part.shape)
    if along < -least or abs(across) > least:
        size, moment = _sides(part.shape), np.round(moment, 6) + 0.0
        raise MechcoreError(
            f"the odd part of size {size} has the first moment ({moment[0]:g}, {moment[1]:g}), "
            f"expected one along {angle:g} degrees: x points right, y down"
        )


def _check_orthogonal(even: Kernel, odd: Kernel) -> None:
    if abs(np.sum(even * odd)) > ROUNDING * np.linalg.norm(even) * np.linalg.norm(odd):
        raise MechcoreError(
            "the parts are not orthogonal, so beta^2 would not be a share of energy"
        )


def _negative_slope(f: Array) -> float | None:
    """The multiple of x that a function is below zero, if it is x above."""
    positive, negative = SAMPLES >= 0, SAMPLES < 0
    slope = float(f[SAMPLES == -1.0][0]) * -1.0
    straight = np.where(negative, slope * SAMPLES, SAMPLES)
    exact = np.array_equal(f[positive], SAMPLES[positive])
    return slope + 0.0 if exact and np.allclose(f, straight, rtol=1e-14, atol=0) else None


def _check_lipschitz(f: Array, stated: float) -> None:
    steepest = float(np.abs(np.diff(f) / np.diff(NEAR)).max())
    # 1e-9: differences of numbers near 40 with 16 digits, over steps of 0.05.
    if steepest > stated + 1e-9:
        raise MechcoreError(f"lipschitz is {stated:g}, but it has a slope of {steepest:.4g}")


def _pattern_of(name: str, given: object) -> Pattern:
    if not callable(given):
        raise MechcoreError("expected a function that returns an image, or a Pattern")
    defaults = {key: value.default for key, value in inspect.signature(given).parameters.items()}
    for key, value in defaults.items():
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise MechcoreError(f"the argument {key} needs a number as its default")
    return Pattern(name, lambda **arguments: len(np.asarray(given(**arguments))), given, defaults)


def _refuse_chance(make: Callable[..., Array], *arguments: Any) -> None:
    if not np.array_equal(make(*arguments), make(*arguments)):
        raise MechcoreError("differs from call to call, expected chance from a seed alone")


def _called(function: Callable[..., object], *arguments: Any, **named: Any) -> object:
    """What a function of the user returns."""
    try:
        return function(*arguments, **named)
    except MechcoreError:
        raise
    except (Exception, SystemExit) as error:
        raise MechcoreError(one_line(f"{type(error).__name__}: {error}")) from error


def _real(made: object, shape: tuple[int, ...] | None = None) -> Array:
    array = np.asarray(made)
    if array.dtype.kind not in "fiub" or shape not in (None, array.shape):
        expected = "real numbers" if shape is None else f"real numbers of shape {shape}"
        raise MechcoreError(f"returns {array.dtype} of shape {array.shape}, expected {expected}")
    return array.astype(np.float64)


def _check_finite(array: Array) -> None:
    if not np.all(np.isfinite(array)):
        raise MechcoreError("returns NaN or infinity, expected finite numbers")


def _sides(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
