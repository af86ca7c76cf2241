"""Where the units of a tensor are: theoretical receptive fields, in px of the input."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mechcore.networks.windows import Array, Pair, Window


@dataclass(frozen=True)
class Grid:
    """The receptive fields of units that lie side by side; each entry is of the axes x, y.

    A field is what could reach a unit if no pixel were cut off. Its centre is the unit's position;
    coordinates are about the centre of the image.
    """

    low: Array
    """First pixel that the first unit sees."""
    high: Array
    """Last pixel that the first unit sees."""
    spacing: Array
    """Distance from unit to unit."""
    counts: tuple[int, int]

    @classmethod
    def of_pixels(cls, height: int, width: int) -> Grid:
        """Return the grid of an image."""
        first = -(np.array([width, height]) - 1) / 2
        return cls(first, first, np.ones(2), (width, height))

    @property
    def size(self) -> Array:
        """Width and height of a receptive field in px."""
        return self.high - self.low + 1

    @property
    def first(self) -> Array:
        """Position of the first unit."""
        return (self.low + self.high) / 2

    def axis(self, axis: int) -> Array:
        """Positions of the units along x (0) or y (1)."""
        return np.asarray(self.first[axis] + self.spacing[axis] * np.arange(self.counts[axis]))

    def coordinates(self, shape: tuple[int, ...]) -> Array:
        """Return (2, *shape), the positions of units of shape (channel, y, x) or flattened."""
        both = np.stack(np.meshgrid(self.axis(0), self.axis(1)))
        channels = int(np.prod(shape)) // both[0].size
        return np.repeat(both[:, np.newaxis], channels, axis=1).reshape(2, *shape)

    def through(self, window: Window) -> Grid:
        """Return the grid of what looks at this one through a window."""
        before, strides, counts = (
            _xy(part) for part in (window.before, window.strides, window.counts)
        )
        reach = _xy(window.dilations) * (_xy(window.kernel) - 1)
        return Grid(
            self.low - self.spacing * before,
            self.high + self.spacing * (reach - before),
            self.spacing * strides,
            (int(counts[0]), int(counts[1])),
        )

    def spread(self, window: Window) -> Grid:
        """Return the grid of the transpose: what this one would look at through a window.

        A unit between two of this grid has the field of one that is moved by a fraction.
        """
        before, strides, lengths = (
            _xy(part) for part in (window.before, window.strides, window.lengths)
        )
        reach = _xy(window.dilations) * (_xy(window.kernel) - 1)
        return Grid(
            self.low + self.spacing * (before - reach) / strides,
            self.high + self.spacing * before / strides,
            self.spacing / strides,
            (int(lengths[0]), int(lengths[1])),
        )

    def whole(self) -> Grid:
        """Return the grid of one unit that looks at all units of this one."""
        counts = np.array(self.counts)
        high = self.high + self.spacing * (counts - 1)
        return Grid(self.low, high, self.spacing * counts, (1, 1))

    def interpolated(self, across: Array, down: Array, aligned: bool) -> Grid:
        """Return the grid of units that matrices of (unit, unit of this grid) make.

        Either the ends of the images or, if aligned, their first and last units are in one place.
        """
        axes = [_interpolated(matrix, aligned) for matrix in (across, down)]
        spacing, first, last = (np.array(each) for each in zip(*axes, strict=True))
        return Grid(
            self.low + self.spacing * first,
            self.high + self.spacing * last,
            self.spacing * spacing,
            (len(across), len(down)),
        )

    def padded(self, before: Array, counts: tuple[int, int]) -> Grid:
        """Return the grid with units more at its start."""
        shift = self.spacing * before
        return replace(self, low=self.low - shift, high=self.high - shift, counts=counts)

    def joined(self, other: Grid) -> Grid:
        """Return the grid of units that see what a unit of either sees."""
        larger, smaller = (self, other) if self.counts >= other.counts else (other, self)
        if larger.counts != smaller.counts:
            # One unit is added to all: its field does not move with them.
            return larger
        return replace(
            larger, low=np.minimum(self.low, other.low), high=np.maximum(self.high, other.high)
        )


def _xy(values: Pair) -> Array:
    """Numbers of the axes x, y from those of y, x."""
    return np.array(values[::-1], float)


def _interpolated(matrix: Array, aligned: bool) -> tuple[float, float, float]:
    """Spacing of units, and how far their first and last inputs lie from them, in the mean."""
    counts, lengths = matrix.shape
    spacing = (lengths - 1) / max(counts - 1, 1) if aligned else lengths / counts
    places = spacing * np.arange(counts)
    used = matrix != 0
    first, last = used.argmax(axis=1), lengths - 1 - used[:, ::-1].argmax(axis=1)
    # Next to the edges, interpolation has fewer inputs.
    inner = slice(counts // 4, counts - counts // 4)
    return spacing, float((first - places)[inner].mean()), float((last - places)[inner].mean())
