"""Test patterns: the state at layer 0, a non-negative image centred on the origin."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mechcore.arrays import load_array, real_array
from mechcore.errors import InvalidValue, MechcoreError, choose
from mechcore.geometry import centred_coordinates
from mechcore.kernels import LARGEST_SEED

Image = NDArray[np.float64]

LARGEST_RADIUS = 2000
"""A guard against typing errors, in px."""


@dataclass(frozen=True)
class Pattern:
    """A test pattern.

    Parameters
    ----------
    summary : str
        One line for people.
    image : callable
        Keyword arguments in, (h, w) array out.
    defaults : mapping
        Names and default values of the arguments.
    """

    summary: str
    image: Callable[..., Image]
    defaults: Mapping[str, float] = field(default_factory=dict)


def _radius_squared(radius: float) -> Image:
    coordinates = centred_coordinates(2 * int(np.ceil(radius)) + 1)
    return coordinates**2 + coordinates[:, np.newaxis] ** 2


def _delta() -> Image:
    return np.ones((1, 1))


def _disc(radius: float) -> Image:
    return (_radius_squared(radius) <= radius**2).astype(np.float64)


def _gaussian(sigma: float) -> Image:
    # Five standard deviations: what is cut off is 6e-7 of the mass.
    return np.exp(-_radius_squared(5 * sigma) / (2 * sigma**2))


def _square(side: int) -> Image:
    return np.ones((side, side))


def _random(side: int, seed: int) -> Image:
    return np.random.default_rng(seed).random((side, side))


PATTERNS: dict[str, Pattern] = {
    "delta": Pattern("one pixel", _delta),
    "disc": Pattern("the circular test pattern of the paper", _disc, {"radius": 8.0}),
    "gaussian": Pattern("a Gaussian blob", _gaussian, {"sigma": 3.0}),
    "square": Pattern("a filled square", _square, {"side": 15}),
    "random": Pattern("uniform noise in a square", _random, {"side": 15, "seed": 0}),
}
"""Patterns by name. A new one is one entry; an argument is whole if its default is."""

RANGES: dict[str, tuple[float, float]] = {
    "radius": (0.5, LARGEST_RADIUS),
    "sigma": (0.5, LARGEST_RADIUS),
    "side": (1, LARGEST_RADIUS),
    "seed": (0, LARGEST_SEED),
}
"""What the arguments of patterns may be; all are px, except the seed."""


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
        The image, non-negative, centred on the origin.

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
        return as_pattern(_read_image(Path(name)), key="pattern")
    entry = choose(PATTERNS, "pattern", name)
    _refuse_arguments(name, arguments, entry.defaults)
    return entry.image(**{**entry.defaults, **arguments})


def is_file_name(name: object) -> bool:
    """Tell whether a pattern's name is that of a file.

    Parameters
    ----------
    name : object
        Name of a pattern.

    Returns
    -------
    bool
        True for text that ends in ``.npy`` or ``.png``.

    Examples
    --------
    >>> is_file_name("cat.png"), is_file_name("disc")
    (True, False)
    """
    return isinstance(name, str) and Path(name).suffix.lower() in READERS


def as_pattern(values: object, key: str = "pattern") -> Image:
    """Check that an array is usable as a test pattern.

    Parameters
    ----------
    values : array_like
        Two-dimensional, finite, non-negative and not all zero.
    key : str, optional
        Name of the argument, for the error message.

    Returns
    -------
    (h, w) ndarray
        The pattern as float64.

    Raises
    ------
    InvalidValue
        If it is not usable.

    Examples
    --------
    >>> as_pattern([[0, 2]])
    array([[0., 2.]])
    """
    image = real_array(values, key)
    if image.ndim != 2 or image.size == 0:
        raise InvalidValue(key, f"an array of shape {image.shape}", "a grey image")
    if not np.all(np.isfinite(image)) or image.min() < 0 or image.max() == 0:
        raise InvalidValue(
            key,
            "an image with negative, infinite or missing values, or all zero",
            "finite values >= 0, not all zero",
        )
    return image


def file_digest(path: str | Path) -> str:
    """Return the SHA-256 of a pattern file, so that a changed file is a changed cell.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    str
        64 hexadecimal digits.

    Raises
    ------
    MechcoreError
        If the file cannot be read.
    """
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise MechcoreError(f"pattern: cannot read {str(path)!r}: {error.strerror}") from error


def _read_png(path: Path) -> NDArray[np.generic]:
    # Pillow comes with matplotlib; it is imported only for this.
    from PIL import Image as PillowImage
    from PIL import UnidentifiedImageError

    try:
        with PillowImage.open(path, formats=["PNG"]) as image:
            return np.asarray(
                image if image.mode in ("L", "I", "I;16", "1") else image.convert("L")
            )
    except UnidentifiedImageError as error:
        raise MechcoreError(f"pattern: cannot read {str(path)!r}: not a PNG image") from error
    except OSError as error:
        reason = error.strerror or "a damaged PNG image"
        raise MechcoreError(f"pattern: cannot read {str(path)!r}: {reason}") from error


READERS: dict[str, Callable[[Path], NDArray[np.generic]]] = {
    ".npy": lambda path: load_array(path, "pattern"),
    ".png": _read_png,
}
"""Readers of pattern files by suffix."""


def _read_image(path: Path) -> NDArray[np.generic]:
    return READERS[path.suffix.lower()](path)


def _refuse_arguments(
    name: str, arguments: Mapping[str, float], known: Mapping[str, float]
) -> None:
    names = list(known)
    for key, value in arguments.items():
        if key not in names:
            allowed = f"one of {', '.join(names)}" if names else "no argument"
            raise InvalidValue(f"pattern {name}", key, allowed)
        whole = isinstance(known[key], int)
        lowest, highest = RANGES[key]
        number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
        if not number or not lowest <= value <= highest:
            kind = "an integer" if whole else "a number"
            raise InvalidValue(
                f"pattern {name}: {key}", value, f"{kind} from {lowest} to {highest}"
            )
