"""Test patterns: the state at layer 0, an image centred on the origin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mechcore.errors import InvalidValue, choose
from mechcore.io.arrays import Array, load_array, real_array, refuse_extremes
from mechcore.io.pictures import read_picture
from mechcore.model.geometry import centred_coordinates
from mechcore.model.kernels import LARGEST_SEED

Image = Array

LARGEST_RADIUS = 2000
"""A guard against typing errors, in px."""

MOST_PIXELS = (2 * LARGEST_RADIUS + 1) ** 2
"""Pixels of a pattern: as many as the largest disc has, 128 MB."""


@dataclass(frozen=True)
class Pattern:
    """A test pattern.

    Parameters
    ----------
    summary : str
        One line for people.
    side : callable
        Keyword arguments in, side of the image in px out.
    image : callable
        Keyword arguments in, (h, w) array out.
    defaults : mapping
        Names and default values of the arguments.
    """

    summary: str
    side: Callable[..., int]
    image: Callable[..., Image]
    defaults: Mapping[str, float] = field(default_factory=dict)


TAIL = 5
"""Standard deviations of a Gaussian: 6e-7 of the mass is cut off."""


def _around(radius: float, between: int = 0) -> int:
    """Side of the square around a circle, whose centre is a pixel or lies between four."""
    return 2 * int(np.ceil(radius)) + 1 - between


def _radius_squared(radius: float, between: int = 0) -> Image:
    coordinates = centred_coordinates(_around(radius, between))
    return coordinates**2 + coordinates[:, np.newaxis] ** 2


def _delta() -> Image:
    return np.ones((1, 1))


def _disc(radius: float, between: int) -> Image:
    return (_radius_squared(radius, between) <= radius**2).astype(np.float64)


def _gaussian(sigma: float) -> Image:
    return np.exp(-_radius_squared(TAIL * sigma) / (2 * sigma**2))


def _square(side: int) -> Image:
    return np.ones((side, side))


def _random(side: int, seed: int) -> Image:
    return np.random.default_rng(seed).random((side, side))


def _noise(side: int, seed: int) -> Image:
    return np.random.default_rng(seed).standard_normal((side, side))


PATTERNS: dict[str, Pattern] = {
    "delta": Pattern("one pixel", lambda: 1, _delta),
    "disc": Pattern(
        "the circular test pattern of the paper, centred on a pixel or between four",
        _around,
        _disc,
        {"radius": 8.0, "between": 0},
    ),
    "gaussian": Pattern(
        "a Gaussian blob", lambda sigma: _around(TAIL * sigma), _gaussian, {"sigma": 3.0}
    ),
    "square": Pattern("a filled square", lambda side: side, _square, {"side": 15}),
    "random": Pattern(
        "uniform noise in a square", lambda side, **_: side, _random, {"side": 15, "seed": 0}
    ),
    "noise": Pattern(
        "normal deviates in a square, of both signs",
        lambda side, **_: side,
        _noise,
        {"side": 15, "seed": 0},
    ),
}
"""Patterns by name. A new one is one entry; arguments with an integer default are integers."""

ALSO = ", or a .npy or .png file"
"""What else a pattern may be, for messages."""

RANGES: dict[str, tuple[float, float]] = {
    "radius": (0.5, LARGEST_RADIUS),
    "sigma": (0.5, LARGEST_RADIUS),
    "side": (1, LARGEST_RADIUS),
    "between": (0, 1),
    "seed": (0, LARGEST_SEED),
}
"""Ranges of the arguments; all are px, except the last two."""

OWN_RANGE = (-LARGEST_RADIUS, LARGEST_RADIUS)
"""Range of other arguments, which only patterns of the user's own have."""


def pattern_image(name: str = "delta", **arguments: float) -> Image:
    """Return a test pattern.

    Parameters
    ----------
    name : str
        Key of `PATTERNS`, or the path of a file: a ``.npy`` array or a grey ``.png``.
    **arguments : float
        Arguments of the pattern, see `PATTERNS`; none for a file.

    Returns
    -------
    (h, w) ndarray
        The image, centred on the origin; non-negative, except for noise.

    Raises
    ------
    InvalidValue
        If the name, an argument or the content of the file is not usable.

    Examples
    --------
    >>> pattern_image("disc", radius=1)
    array([[0., 1., 0.],
           [1., 1., 1.],
           [0., 1., 0.]])
    """
    if is_file_name(name):
        _refuse_arguments(name, arguments, {})
        path = Path(name)
        return as_pattern(READERS[path.suffix.lower()](path))
    pattern_shape(name, **arguments)
    entry = PATTERNS[name]
    return entry.image(**{**entry.defaults, **arguments})


def pattern_shape(name: str = "delta", **arguments: float) -> tuple[int, int]:
    """Return height and width of a test pattern, px; only files are read for it."""
    if is_file_name(name):
        height, width = pattern_image(name, **arguments).shape
        return height, width
    entry = choose(PATTERNS, "pattern", name, ALSO)
    _refuse_arguments(name, arguments, entry.defaults)
    side = entry.side(**{**entry.defaults, **arguments})
    if side**2 > MOST_PIXELS:
        raise InvalidValue(f"pattern {name}", f"{side} x {side} px", f"at most {MOST_PIXELS} px")
    return side, side


def is_file_name(name: object) -> bool:
    """Return whether the name of a pattern is that of a ``.npy`` or ``.png`` file."""
    return isinstance(name, str) and Path(name).suffix.lower() in READERS


def as_pattern(values: object, key: str = "pattern") -> Image:
    """Return an array as a pattern, (h, w), finite, >= 0 and not all zero; refuse others."""
    image = real_array(values, key)
    if image.ndim != 2 or image.size == 0:
        raise InvalidValue(
            key, image, "a grey image", description=f"an array of shape {image.shape}"
        )
    if not np.all(np.isfinite(image)) or image.min() < 0 or image.max() == 0:
        raise InvalidValue(
            key,
            image,
            "finite values >= 0, not all zero",
            description="an image with negative, infinite or missing values, or all zero",
        )
    refuse_extremes(image, key)
    return image


def _read_png(path: Path) -> NDArray[np.generic]:
    image = read_picture(path, "pattern", ["PNG"], MOST_PIXELS)
    plain = image.mode in ("L", "I", "I;16", "1")
    return np.asarray(image if plain else image.convert("L"))


READERS: dict[str, Callable[[Path], NDArray[np.generic]]] = {
    ".npy": lambda path: load_array(path, "pattern", MOST_PIXELS),
    ".png": _read_png,
}
"""Readers of pattern files by suffix."""


def _refuse_arguments(
    name: str, arguments: Mapping[str, float], known: Mapping[str, float]
) -> None:
    names = list(known)
    for key, value in arguments.items():
        if key not in names:
            allowed = f"one of {', '.join(names)}" if names else "no argument"
            raise InvalidValue(f"pattern {name}", key, allowed)
        integral = isinstance(known[key], int)
        lowest, highest = RANGES.get(key, OWN_RANGE)
        number = isinstance(value, int if integral else int | float) and not isinstance(value, bool)
        if not number or not lowest <= value <= highest:
            kind = "an integer" if integral else "a number"
            raise InvalidValue(
                f"pattern {name}: {key}", value, f"{kind} from {lowest} to {highest}"
            )
