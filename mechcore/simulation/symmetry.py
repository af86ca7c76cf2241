"""Symmetries of the square: simulations that are turned or mirrored copies run once."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np

from mechcore.engines.rule import LayerRule
from mechcore.engines.trajectories import QUANTITIES, Trajectories
from mechcore.io.arrays import Array
from mechcore.model.boundaries import BOUNDARIES


class Symmetry(NamedTuple):
    """A map of the square onto itself: mirrored along y or x, then transposed."""

    mirrors_y: bool
    mirrors_x: bool
    transposes: bool

    def of(self, images: Array) -> Array:
        """Return images, (..., h, w), after the map."""
        mirrored = images[..., :: -1 if self.mirrors_y else 1, :: -1 if self.mirrors_x else 1]
        return np.swapaxes(mirrored, -1, -2) if self.transposes else mirrored

    def undone(self, images: Array) -> Array:
        """Return images before the map."""
        images = np.swapaxes(images, -1, -2) if self.transposes else images
        return images[..., :: -1 if self.mirrors_y else 1, :: -1 if self.mirrors_x else 1]

    def undone_in_record(self, record: Array) -> Array:
        """Return records, (..., 9), of states before the map."""
        record = record[..., TRANSPOSED] if self.transposes else record.copy()
        record[..., MU_X] *= -1.0 if self.mirrors_x else 1.0
        record[..., MU_Y] *= -1.0 if self.mirrors_y else 1.0
        record[..., COVARIANCE] *= -1.0 if self.mirrors_x != self.mirrors_y else 1.0
        return record


SQUARE = [Symmetry(*choice) for choice in product((False, True), repeat=3)]
"""All eight; the first changes nothing."""

THROUGH_ORIGIN = Symmetry(mirrors_y=True, mirrors_x=True, transposes=False)

MU_X, MU_Y, COVARIANCE = (QUANTITIES.index(name) for name in ("mu_x", "mu_y", "cov_xy"))
OTHER_AXIS = {"_x": "_y", "_y": "_x"}
TRANSPOSED = [
    QUANTITIES.index(name[:-2] + OTHER_AXIS.get(name[-2:], name[-2:])) for name in QUANTITIES
]
"""The quantities after x and y were exchanged."""


def symmetries_of(image: Array, kernel_shape: tuple[int, ...], rule: LayerRule) -> list[Symmetry]:
    """Return the symmetries that turn a simulation into that of the turned kernel.

    An even kernel moves the grid of a finite domain by half a pixel, and a window of odd size has
    no middle in a state of even size: neither has a mirror image.
    """
    square = kernel_shape[0] == kernel_shape[1] and image.shape[0] == image.shape[1]
    return [
        symmetry
        for symmetry in SQUARE
        if ((square and rule.region == "image") or not symmetry.transposes)
        and (not symmetry.mirrors_y or _has_mirror(image.shape[0], kernel_shape[0], rule))
        and (not symmetry.mirrors_y or _keeps_row(image.shape[0], kernel_shape[0], rule))
        and (not symmetry.mirrors_x or _has_mirror(image.shape[1], kernel_shape[1], rule))
        and np.array_equal(symmetry.of(image), image)
    ]


def has_mirror_image(image: Array, kernel_shape: tuple[int, ...], rule: LayerRule) -> bool:
    """Return whether a run that is turned by 180 degrees has the turned record."""
    even = any(size % 2 == 0 for size in kernel_shape)
    if BOUNDARIES[rule.boundary].finite and even:
        return False
    return _keeps_row(image.shape[0], kernel_shape[0], rule)


def _keeps_row(side: int, size: int, rule: LayerRule) -> bool:
    """Whether the row that is measured is the same after states are mirrored along y."""
    return rule.region == "image" or (side % 2 == 1 and size % 2 == 1)


def _has_mirror(side: int, size: int, rule: LayerRule) -> bool:
    """Whether domain and snapshots are mirrored about the origin along an axis."""
    finite = BOUNDARIES[rule.boundary].finite
    if finite and size % 2 == 0:
        return False
    sides = [side + (0 if finite else layer * (size - 1)) for layer in rule.snapshot_layers]
    return all((side - rule.snapshot_window) % 2 == 0 for side in sides)


class Copies(NamedTuple):
    """Which simulations of a batch run, and how the others follow from them.

    ``run`` holds the indices of those that run; simulation i is number ``origins[i]`` of them after
    ``symmetries[i]`` was undone.
    """

    run: list[int]
    origins: list[int]
    symmetries: list[Symmetry]


def copies_among(kernels: Array, image: Array, rule: LayerRule) -> Copies:
    """Find simulations that are turned or mirrored copies of others.

    Examples
    --------
    >>> right = np.array([[1.0, 2.0]] * 2)
    >>> copies_among(np.array([right, right.T, right[:, ::-1]]), np.eye(1), LayerRule()).run
    [0]
    """
    allowed = symmetries_of(image, kernels.shape[-2:], rule)
    seen: dict[bytes, int] = {}
    copies = Copies([], [], [])
    # Adding zero turns -0.0 into 0.0.
    for index, kernel in enumerate(kernels + 0.0):
        keys = ((symmetry.of(kernel).tobytes(), symmetry) for symmetry in allowed)
        origin = next(((seen[key], symmetry) for key, symmetry in keys if key in seen), None)
        if origin is None:
            origin = len(copies.run), SQUARE[0]
            seen[kernel.tobytes()] = origin[0]
            copies.run.append(index)
        copies.origins.append(origin[0])
        copies.symmetries.append(origin[1])
    return copies


def completed(outcome: Trajectories, copies: Copies) -> Trajectories:
    """Return the trajectories of a batch from those of the simulations that ran."""
    every = outcome.select(np.array(copies.origins))
    for symmetry in set(copies.symmetries) - {SQUARE[0]}:
        indices = np.flatnonzero([candidate == symmetry for candidate in copies.symmetries])
        every.record[indices] = symmetry.undone_in_record(every.record[indices])
        every.snapshots[indices] = symmetry.undone(every.snapshots[indices])
    return every
