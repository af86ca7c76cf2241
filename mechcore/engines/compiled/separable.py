"""States that stay products of a column and a row: two runs of lines instead of one of images.

A product of two factors under a kernel that is a product remains one, as the convolution acts on
each factor. The activation keeps it one if it is x for x >= 0 and a multiple of x below, and one of
the factors is nowhere negative: f(a b) = a f(b) for a >= 0. Norms, masses and marginal densities
are products, too, so the record of the image follows from the records of two lines without any
approximation, at the cost of a line.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mechcore.engines.compiled.lines import LINE_QUANTITIES, LineTrajectories, propagate_lines
from mechcore.engines.factors import products
from mechcore.engines.rule import LayerRule, central_coordinate
from mechcore.engines.trajectories import DENSITIES, QUANTITIES, Trajectories
from mechcore.io.arrays import Array
from mechcore.model.activations import ACTIVATIONS

LARGEST = 1e280
"""Norms between this and its inverse are far from where the product of two leaves the numbers."""

NORMS, ALONG_X = ("mass", "gain", "peak"), ("mu_x", "sigma_x", "excess_kurtosis_x")
IMAGE_NORMS = [QUANTITIES.index(name) for name in NORMS]
IMAGE_X = [QUANTITIES.index(name) for name in ALONG_X]
IMAGE_Y = [QUANTITIES.index(name.replace("_x", "_y")) for name in ALONG_X]
LINE_NORMS = [LINE_QUANTITIES.index(name) for name in NORMS]
LINE_X = [LINE_QUANTITIES.index(name) for name in ALONG_X]
LINE_MASS = LINE_QUANTITIES.index("mass")
EXTINCT = [0.0 if name in NORMS else np.nan for name in QUANTITIES]
"""What is recorded at the layer at which a state dies."""

Mask = NDArray[np.bool_]


class SeparableKernels(NamedTuple):
    """The kernels of a batch under which the state stays a product, by position in the batch.

    ``columns`` (m, kh) and ``rows`` (m, kw) are their factors, ``column`` and ``row`` those of the
    pattern.
    """

    indices: NDArray[np.int64]
    columns: Array
    rows: Array
    column: Array
    row: Array


def separated(kernels: Array, image: Array, rule: LayerRule) -> SeparableKernels | None:
    """Return the factors of the kernels under which the state stays a product.

    Examples
    --------
    >>> separated(np.ones((1, 2, 2)), np.ones((1, 1)), LayerRule("relu")).rows
    array([[1., 1.]])
    """
    activation = ACTIVATIONS[rule.activation]
    is_product, column, row = products(image[np.newaxis])
    if activation.negative_slope is None or not is_product[0]:
        return None
    separable, columns, rows = products(kernels)
    signs = np.where((rows <= 0).all(axis=1), -1.0, 1.0)[:, np.newaxis]
    columns, rows = signs * columns, signs * rows
    if not activation.multiplicative:
        separable = separable & (_keeps_sign(columns, column[0]) | _keeps_sign(rows, row[0]))
    if not separable.any():
        return None
    indices = np.flatnonzero(separable)
    return SeparableKernels(indices, columns[indices], rows[indices], column[0], row[0])


def _keeps_sign(taps: Array, pattern: Array) -> Mask:
    """Return whether one factor of the state is nowhere negative, now and later."""
    kept: Mask = np.all(taps >= 0, axis=-1) & np.all(pattern >= 0)
    return kept


def run_lines(
    split: SeparableKernels, rule: LayerRule, trims: bool
) -> tuple[NDArray[np.int64], Trajectories]:
    """Run kernels as lines along the two axes."""
    if split.rows.shape == split.columns.shape and np.array_equal(split.row, split.column):
        # Lines of both axes fill vectors together.
        taps = np.concatenate([split.rows, split.columns])
        both = _run_distinct(taps, split.row, rule, trims)
        count = len(split.rows)
        along_x, along_y = both.select(slice(count)), both.select(slice(count, None))
    else:
        along_x = _run_distinct(split.rows, split.row, rule, trims)
        along_y = _run_distinct(split.columns, split.column, rule, trims)
    if rule.region == "row":
        along_y = _central_pixel(split, along_y, rule)
    valid = _within_range(along_x, along_y)
    return split.indices[valid], _joined(along_x.select(valid), along_y.select(valid))


def _central_pixel(
    split: SeparableKernels, along_y: LineTrajectories, rule: LayerRule
) -> LineTrajectories:
    """Return lines along y as if they ended beside the pixel of the central row."""
    every = replace(rule, snapshot_layers=tuple(range(rule.steps + 1)), snapshot_window=2)
    lines = _run_distinct(split.columns, split.column, every, trims=False)
    record = along_y.record.copy()
    record[..., LINE_MASS] = DENSITIES[rule.density](lines.snapshots[..., 1])
    record[..., LINE_X] = np.array(
        [
            (central_coordinate(split.column.size, split.columns.shape[1], rule, layer), 0, np.nan)
            for layer in range(rule.steps + 1)
        ]
    )
    return along_y._replace(record=record, valid=along_y.valid & lines.valid)


def _run_distinct(taps: Array, pattern: Array, rule: LayerRule, trims: bool) -> LineTrajectories:
    """Run lines, equal ones once."""
    distinct, inverse = np.unique(taps, axis=0, return_inverse=True)
    pattern = np.ascontiguousarray(pattern)
    return propagate_lines(distinct, pattern, rule, trims=trims).select(inverse.reshape(-1))


def _within_range(x: LineTrajectories, y: LineTrajectories) -> Mask:
    """Return for which lines norms and masses of the products are numbers until the end."""
    layers = np.arange(x.record.shape[1])
    over = layers >= np.fmin(x.extinct_at, y.extinct_at)[:, np.newaxis]
    with np.errstate(over="ignore", under="ignore"):
        values = np.abs(x.record[..., LINE_NORMS] * y.record[..., LINE_NORMS])
    inside = np.all((values > 1 / LARGEST) & (values < LARGEST), axis=-1)
    valid: Mask = x.valid & y.valid & np.all(inside | over, axis=1)
    return valid


def _joined(x: LineTrajectories, y: LineTrajectories) -> Trajectories:
    """Return the trajectories of the products of two lines."""
    extinct_at = np.fmin(x.extinct_at, y.extinct_at)
    layers, ends = np.arange(x.record.shape[1]), extinct_at[:, np.newaxis]
    record = np.zeros((*x.record.shape[:2], len(QUANTITIES)))
    record[..., IMAGE_X], record[..., IMAGE_Y] = x.record[..., LINE_X], y.record[..., LINE_X]
    record[layers >= ends] = np.nan
    record[..., IMAGE_NORMS] = x.record[..., LINE_NORMS] * y.record[..., LINE_NORMS]
    record[layers == ends] = EXTINCT
    snapshots = y.snapshots[..., :, np.newaxis] * x.snapshots[..., np.newaxis, :]
    return Trajectories(record, extinct_at, np.full_like(extinct_at, np.nan), snapshots)
