"""Kernel families: two parts of unit norm, mostly an even and an odd one, mixed in a ratio."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

import numpy as np

from mechcore.errors import InvalidValue, checked_integer, choose
from mechcore.io.arrays import Array, real_array
from mechcore.model.geometry import Size, centred_coordinates, shape_of, unit_vector

Kernel = Array
Shape = tuple[int, int]

LARGEST_SEED = 2**32 - 1

LARGEST_SIZE = 1024
"""A guard against typing errors; a kernel of this size takes minutes a layer."""


@dataclass(frozen=True)
class Family:
    """A kernel family.

    Parameters
    ----------
    summary : str
        One line for people.
    even : callable
        ``(shape, seed) -> array`` of this shape with K(r) = K(-r), of any norm.
    odd : callable
        ``(shape, seed, angle) -> array`` of any norm, turned by an angle in degrees;
        K(r) = -K(-r), with a first moment along the angle, unless ``by_parity`` is false.
    by_parity : bool
        Whether the parts have opposite parity, so that rho = beta^2 under ``unit`` mixing.
    odd_sizes : bool
        Whether only odd sizes have the pixel in the middle that the family needs.
    smallest : int
        Smallest size.
    lines : bool
        Whether the family has kernels of one row or one column.
    """

    summary: str
    even: Callable[[Shape, int], Kernel]
    odd: Callable[[Shape, int, float], Kernel]
    by_parity: bool = True
    odd_sizes: bool = False
    smallest: int = 2
    lines: bool = False

    def has_size(self, size: Size) -> bool:
        """Return whether the family has kernels of a size."""
        short, long = sorted(shape_of(size))
        fits = short == long or (short == 1 and self.lines)
        return fits and long >= self.smallest and (long % 2 == 1 or not self.odd_sizes)


def steered(along_x: Callable[[Shape, int], Kernel]) -> Callable[[Shape, int, float], Kernel]:
    """Turn an odd part that has a first moment along x, or none, like a vector.

    On a line, only the component along it is left.
    """

    def turn(shape: Shape, seed: int, angle: float) -> Kernel:
        short, long = sorted(shape)
        part = along_x((short, long), seed)
        if np.sum(part * centred_coordinates(long)) < 0:
            part = -part
        cosine, sine = unit_vector(angle)
        along_axes: list[Kernel] = [cosine * part, sine * part.T]
        return np.add(*along_axes) if short == long else along_axes[shape[1] == short]

    return turn


def dct_basis(size: int, frequency: int) -> Array:
    """Return a DCT-II basis vector of unit norm, (size,), exactly even or odd.

    ``frequency`` is the number of sign changes, 0 to ``size - 1``.
    """
    phase = math.pi * (np.arange(size) + 0.5) * frequency / size
    vector = np.cos(phase)
    # Removes the rounding error of the cosine, which is 6e-17 where the basis is exactly zero.
    vector = vector + (-1) ** frequency * vector[::-1]
    unit: Array = vector / np.linalg.norm(vector)
    return unit


def dct_lines(size: int) -> Array:
    """Return the DCT-II bases of unit norm along one axis, one a row."""
    return np.array([dct_basis(size, frequency) for frequency in range(size)])


def _dct_even(shape: Shape, seed: int) -> Kernel:
    return np.full(shape, 1.0 / math.sqrt(math.prod(shape)))


def _dct_odd(shape: Shape, seed: int) -> Kernel:
    return np.outer(dct_basis(shape[0], 0), dct_basis(shape[1], 1))


def _gaussian_even(shape: Shape, seed: int) -> Kernel:
    # A quarter of the size: the kernel reaches to two standard deviations on each side.
    profiles = [np.exp(-0.5 * (centred_coordinates(size) / (size / 4)) ** 2) for size in shape]
    return np.outer(*profiles)


def _gaussian_odd(shape: Shape, seed: int) -> Kernel:
    return _gaussian_even(shape, seed) * centred_coordinates(shape[1])


def _binomial(degree: int) -> Array:
    # Divided by their sum: those of large degrees are no floats.
    return np.array([math.comb(degree, i) / 2**degree for i in range(degree + 1)])


def sobel(shape: Shape) -> Kernel:
    """Return the Sobel kernel of a shape along +x, of unit norm; zeros if it has one column.

    Examples
    --------
    >>> (sobel((3, 3)) * 12**0.5).round(9)
    array([[-1.,  0.,  1.],
           [-2.,  0.,  2.],
           [-1.,  0.,  1.]])
    """
    return np.zeros(shape) if shape[1] == 1 else _unit(_binomial_odd(shape, 0))


def _binomial_even(shape: Shape, seed: int) -> Kernel:
    return np.outer(*[_binomial(size - 1) for size in shape])


def _binomial_odd(shape: Shape, seed: int) -> Kernel:
    height, width = shape
    return np.outer(_binomial(height - 1), np.convolve(_binomial(width - 2), [-1.0, 1.0]))


def _highpass_even(shape: Shape, seed: int) -> Kernel:
    highest = dct_basis(shape[0], shape[0] - 1)
    return np.outer(highest, highest)


def _normal_deviates(shape: Shape, seed: int, stream: int) -> Kernel:
    # A square is known by its side, so that its draws are those of earlier versions.
    key = [seed, *dict.fromkeys(shape), stream]
    return np.random.default_rng(key).standard_normal(shape)


def _random_even(shape: Shape, seed: int) -> Kernel:
    deviates = _normal_deviates(shape, seed, 0)
    even = deviates + deviates[::-1, ::-1]
    return even if even.sum() >= 0 else -even


def _random_odd(shape: Shape, seed: int) -> Kernel:
    deviates = _normal_deviates(shape, seed, 1)
    odd = deviates - deviates[::-1, ::-1]
    if shape[0] == 1:
        return odd
    gradient = _dct_odd(shape, seed).T
    y = centred_coordinates(shape[0])[:, np.newaxis]
    return odd - gradient * (np.sum(odd * y) / np.sum(gradient * y))


def _neighbours(shape: Shape, seed: int) -> Kernel:
    """The four neighbours of the middle: a shift by one pixel, averaged over the square."""
    middle = np.abs(centred_coordinates(shape[0]))
    neighbours: Kernel = (middle + middle[:, np.newaxis] == 1.0).astype(np.float64)
    return neighbours


def _laplace_even(shape: Shape, seed: int) -> Kernel:
    neighbours = _neighbours(shape, seed)
    neighbours[shape[0] // 2, shape[1] // 2] = -4.0
    return neighbours


def _shift_without_average(shape: Shape, seed: int, angle: float) -> Kernel:
    """A shift by one pixel along an axis less its average over the square; steered in between.

    It has an odd part, which turns like a vector, and an even one, which turns twice as fast.
    """
    x = centred_coordinates(shape[1])
    neighbours, (cosine, sine) = _neighbours(shape, seed), unit_vector(angle)
    along_x, along_y = neighbours * x, neighbours * x[:, np.newaxis]
    stretched = unit_vector(2 * angle)[0] * (along_x**2 - along_y**2)
    part: Kernel = (cosine * along_x + sine * along_y) / 2 + stretched / 4
    return part


def _cubic_along_x(shape: Shape, seed: int) -> Kernel:
    return np.outer(dct_basis(shape[0], 2), dct_basis(shape[1], 1))


def _saddle(shape: Shape, seed: int, angle: float) -> Kernel:
    """The DCT bases (1, 1) and (2, 0) - (0, 2), which turn into each other twice as fast."""
    cosine, sine = unit_vector(2 * angle)
    constant, gradient, curved = (dct_basis(shape[0], frequency) for frequency in range(3))
    bend = np.outer(curved, constant)
    part: Kernel = sine * (bend - bend.T) + cosine * np.outer(gradient, gradient)
    return part


FAMILIES: dict[str, Family] = {
    "dct": Family(
        "DCT-II bases: DC and the gradients (the paper)",
        _dct_even,
        steered(_dct_odd),
        lines=True,
    ),
    "gaussian": Family(
        "a Gaussian and its derivative", _gaussian_even, steered(_gaussian_odd), lines=True
    ),
    "binomial": Family(
        "binomial smoothing and its Sobel derivative",
        _binomial_even,
        steered(_binomial_odd),
        lines=True,
    ),
    "highpass": Family(
        "the highest DCT-II basis (zero sum: negative control) and the gradients",
        _highpass_even,
        steered(_dct_odd),
    ),
    "random": Family(
        "seeded normal deviates, split into parities",
        _random_even,
        steered(_random_odd),
        lines=True,
    ),
    "laplace": Family(
        "the Laplacian of five points and the gradients",
        _laplace_even,
        steered(_dct_odd),
        odd_sizes=True,
    ),
    "translation": Family(
        "the mean of a pixel's four neighbours, and a shift by one pixel less this mean",
        _neighbours,
        _shift_without_average,
        by_parity=False,
        odd_sizes=True,
    ),
    "cubic": Family(
        "DC and the DCT-II bases (2, 1) and (1, 2)", _dct_even, steered(_cubic_along_x), smallest=3
    ),
    "saddle": Family(
        "DC and the saddles of the DCT-II", _dct_even, _saddle, by_parity=False, smallest=3
    ),
}
"""Kernel families by name. A new one is one entry: mixings, angles and sizes follow from it."""


MIXINGS: dict[str, Callable[[float], tuple[float, float]]] = {
    "unit": lambda beta: (math.sqrt((1.0 - beta) * (1.0 + beta)), beta),
    "linear": lambda beta: (1.0 - beta, beta),
}
"""Mixing rules: the amplitudes of the even and of the odd part, both of unit norm."""


def even_part(family: str, size: Size, seed: int = 0) -> Kernel:
    """Return the part of a family at mixing ratio 0, of unit norm; it is even.

    Examples
    --------
    >>> even_part("dct", 2)
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    entry = choose(FAMILIES, "family", family)
    even = entry.even(checked_size(family, size), _checked_seed(seed))
    return _unit((even + even[::-1, ::-1]) / 2)


def odd_part(family: str, size: Size, angle: float | None = None, seed: int = 0) -> Kernel:
    """Return the part of a family at mixing ratio 1, of unit norm, turned by an angle.

    It is odd, with its first moment along the angle, unless the family is not split by parity. The
    angle is in degrees, from +x (right) towards +y (down); by default 0, but 90 for a column.

    Examples
    --------
    >>> odd_part("dct", 2, angle=90)
    array([[-0.5, -0.5],
           [ 0.5,  0.5]])
    """
    entry = choose(FAMILIES, "family", family)
    shape = checked_size(family, size)
    part = entry.odd(shape, _checked_seed(seed), _checked_angle(angle, shape))
    return _unit((part - part[::-1, ::-1]) / 2 if entry.by_parity else part)


def kernel(
    family: str,
    size: Size,
    beta: float,
    angle: float | None = None,
    mixing: str = "unit",
    *,
    seed: int = 0,
) -> Kernel:
    """Return a kernel of a family with a given mixing ratio.

    Parameters
    ----------
    family : str
        Key of `FAMILIES`.
    size : int or (int, int)
        Kernel size k >= 2; ``(1, k)`` and ``(k, 1)`` are lines, which not every family has.
    beta : float
        Mixing ratio from 0 (even) to 1 (odd, unless the family is not split by parity).
    angle : float, optional
        Direction of the first moment of the odd part, degrees from +x towards +y: 0 by default, 90
        for a column. A line has no gradient across it.
    mixing : {"unit", "linear"}, optional
        ``unit``: ``sqrt(1 - beta**2) E + beta O``, so the odd energy ratio of parities is
        ``beta**2``;
        ``linear``: ``(1 - beta) E + beta O``. E and O have unit norm.
    seed : int, optional
        Seed of the ``random`` family.

    Returns
    -------
    (k, k), (1, k) or (k, 1) ndarray
        The kernel, for a true convolution.

    Raises
    ------
    InvalidValue
        If an argument is not allowed.

    References
    ----------
    L. Frija-Altarac and M. Toews, The Mechanics of CNN Filtering with Rectification,
    arXiv:2512.24338.

    Examples
    --------
    >>> kernel("dct", 2, beta=0.6)
    array([[0.1, 0.7],
           [0.1, 0.7]])
    """
    amplitudes = choose(MIXINGS, "mixing", mixing)
    if not 0.0 <= _checked_number("beta", beta) <= 1.0:
        raise InvalidValue("beta", beta, "a number from 0 to 1")
    even_amplitude, odd_amplitude = amplitudes(float(beta))
    return even_amplitude * even_part(family, size, seed) + odd_amplitude * odd_part(
        family, size, angle, seed
    )


def as_kernel(values: object, key: str = "kernel") -> Kernel:
    """Return an array as a kernel, (kh, kw), finite and not all zero; refuse others."""
    array = real_array(values, key)
    shape = f"an array of shape {array.shape}"
    if array.ndim != 2:
        row = f"; for a row use shape (1, {array.size})" if array.ndim == 1 else ""
        raise InvalidValue(key, array, f"a two-dimensional array{row}", description=shape)
    if array.size == 0:
        raise InvalidValue(key, array, "at least one tap", description=shape)
    if not np.all(np.isfinite(array)):
        nonfinite = "an array with NaN or infinity"
        raise InvalidValue(key, array, "finite taps", description=nonfinite)
    if not np.any(array):
        allowed = "at least one tap that is not zero"
        raise InvalidValue(key, array, allowed, description="an array of zeros")
    return array


def _unit(array: Kernel) -> Kernel:
    return array / np.linalg.norm(array)


def checked_size(family: str, size: object) -> Shape:
    """Return a size of a family as height and width, or refuse it."""
    entry = FAMILIES[family]
    if not isinstance(size, tuple | list):
        side = checked_integer("size", size, entry.smallest, LARGEST_SIZE)
        if not entry.has_size(side):
            raise InvalidValue("size", size, f"an odd size for {family}")
        return side, side
    if not entry.lines:
        raise InvalidValue("size", size, f"an integer: {family} needs a square")
    if len(size) != 2 or size.count(1) != 1:
        raise InvalidValue("size", size, "an integer k, (1, k) or (k, 1)")
    is_row = size[0] == 1
    side = checked_integer("size", size[int(is_row)], entry.smallest, LARGEST_SIZE)
    return (1, side) if is_row else (side, 1)


def _checked_angle(angle: float | None, shape: Shape) -> float:
    """Return an angle, or the default; the gradient across a line is zero."""
    height, width = shape
    if angle is None:
        return 90.0 if width < height else 0.0
    angle = _checked_number("angle", angle)
    if height != width and unit_vector(angle)[int(height < width)]:
        raise InvalidValue("angle", angle, "0 or 180 along a row, 90 or 270 along a column")
    return angle


def _checked_seed(seed: object) -> int:
    return checked_integer("seed", seed, 0, LARGEST_SEED)


def _checked_number(key: str, value: object) -> float:
    if not isinstance(value, Real) or isinstance(value, bool) or not math.isfinite(value):
        raise InvalidValue(key, value, "a finite number")
    return float(value)
