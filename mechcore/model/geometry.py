"""Coordinates: x to the right, y downwards, pixels; angles from +x towards +y, in degrees."""

from __future__ import annotations

import math

import numpy as np

from mechcore.io.arrays import Array

Size = int | tuple[int, int]
"""Of a kernel: its side, or its height and width."""

PLACEMENTS: dict[str, tuple[float, float]] = {"centred": (0.0, 0.0), "corners": (0.5, -0.5)}
"""Shift (x, y) of the grid after odd layers, px, along the axes of even size. An even kernel is
centred between pixels; the paper puts it in corners of the next odd size, in turn the lower left
and the upper right one of a correlation, so that its centroid moves to and fro by half a pixel."""


def centred_coordinates(size: int) -> Array:
    """Return pixel coordinates about the centre: half-integers for even sizes."""
    return np.arange(size, dtype=np.float64) - (size - 1) / 2


def unit_vector(angle: float) -> Array:
    """Return the direction (x, y) of an angle in degrees; multiples of 90 degrees are exact."""
    quarters, rest = divmod(angle, 90.0)
    # The smaller angle of the pair is evaluated: mirrored angles give mirrored vectors exactly.
    small = math.radians(min(rest, 90.0 - rest))
    near, far = math.cos(small), math.sin(small)
    if rest == 45.0:
        near = far = math.sqrt(0.5)
    cosine, sine = (near, far) if rest <= 45.0 else (far, near)
    for _ in range(int(quarters) % 4):
        cosine, sine = -sine, cosine
    return np.array([cosine, sine]) + 0.0


def direction_of(x: float, y: float) -> float:
    """Return the angle of a vector: degrees in [0, 360), NaN for the zero vector."""
    if x == 0.0 and y == 0.0:
        return math.nan
    return math.degrees(math.atan2(y, x)) % 360.0


def shape_of(size: Size) -> tuple[int, int]:
    """Return height and width of a size."""
    return size if isinstance(size, tuple) else (size, size)


def light_speed(size: Size, angle: float) -> float:
    """Return the fastest that anything can move along an angle, px/layer.

    The support grows by ``(size - 1) / 2`` along the axes, more along a diagonal: it is a square.

    Examples
    --------
    >>> light_speed(3, 0), round(light_speed(3, 45), 3), light_speed((1, 5), 90)
    (1.0, 1.414, 0.0)
    """
    return float(reach_along(unit_vector(angle), shape_of(size)))


def reach_along(axes: Array, shape: tuple[int, int]) -> Array:
    """Return how far a kernel of a shape, (kh, kw), reaches along unit vectors (..., 2), px."""
    height, width = shape
    reach: Array = np.abs(axes) @ np.array([width - 1, height - 1]) / 2
    return reach
