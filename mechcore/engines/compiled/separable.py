"""States that stay products of a column and a row: two runs of lines instead of one of images.

A product of two factors under a kernel that is a product remains one, as the convolution acts on
each factor. The activation keeps it one if it is x for x >= 0 and a multiple of x below, and one of
the factors is nowhere negative: f(a b) = a f(b) for a >= 0. Norms, masses and marginal densities
are products, too, so the record of the image follows from the records of two lines without any
approximation, at the cost of a line.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mechcore.engines.compiled.box import Array
from mechcore.engines.compiled.lines import LINE_QUANTITIES, Lines, propagate_lines
from mechcore.engines.factors import products
from mechcore.engines.rule import LayerRule
from mechcore.engines.trajectories import QUANTITIES, Trajectories
from mechcore.model.activations import ACTIVATIONS

LARGEST = 1e280
"""Norms between this and its inverse are far from where the product of two leaves the numbers."""

PRODUCTS = [QUANTITIES.index(name) for name in ("mass", "gain")]
NORMS = [LINE_QUANTITIES.index(name) for name in ("mass", "gain")]
ALONG_X = [QUANTITIES.index(name) for name in ("mu_x", "sigma_x", "excess_kurtosis_x")]
ALONG_Y = [QUANTITIES.index(name) for name in ("mu_y", "sigma_y", "excess_kurtosis_y")]
AT_THE_END = [0.0 if place in PRODUCTS else np.nan for place in range(len(QUANTITIES))]
PLACES = [LINE_QUANTITIES.index(QUANTITIES[place]) for place in ALONG_X]


Mask = NDArray[np.bool_]


class Separated(NamedTuple):
    """The kernels of a batch under which the state stays a product, and all the factors.

    ``indices`` are those of the kernels, ``columns`` and ``rows`` their factors, (m, kh) and
    (m, kw); ``column`` and ``row`` those of the pattern.
    """

    indices: NDArray[np.int64]
    columns: Array
    rows: Array
    column: Array
    row: Array


def separated(kernels: Array, image: Array, rule: LayerRule) -> Separated | None:
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
    found, columns, rows = products(kernels)
    signs = np.where((rows <= 0).all(axis=1), -1.0, 1.0)[:, np.newaxis]
    columns, rows = signs * columns, signs * rows
    if not activation.multiplicative:
        found = found & (_keeps_sign(columns, column[0]) | _keeps_sign(rows, row[0]))
    indices = np.flatnonzero(found)
    return (
        Separated(indices, columns[indices], rows[indices], column[0], row[0])
        if found.any()
        else None
    )


def _keeps_sign(taps: Array, pattern: Array) -> Mask:
    """Whether one factor of the state is nowhere negative, now and later."""
    kept: Mask = np.all(taps >= 0, axis=-1) & np.all(pattern >= 0)
    return kept


def run_lines(
    split: Separated, rule: LayerRule, trims: bool
) -> tuple[NDArray[np.int64], Trajectories]:
    """Run kernels as lines along the two axes."""
    if split.rows.shape == split.columns.shape and np.array_equal(split.row, split.column):
        # Lines of both axes fill vectors together.
        taps = np.concatenate([split.rows, split.columns])
        both = _run_distinct(taps, split.row, rule, trims)
        along_x, along_y = (
            both.chosen(slice(len(split.rows))),
            both.chosen(slice(len(split.rows), None)),
        )
    else:
        along_x = _run_distinct(split.rows, split.row, rule, trims)
        along_y = _run_distinct(split.columns, split.column, rule, trims)
    valid = _within_range(along_x, along_y)
    return split.indices[valid], _joined(along_x.chosen(valid), along_y.chosen(valid))


def _run_distinct(taps: Array, pattern: Array, rule: LayerRule, trims: bool) -> Lines:
    """Run lines, equal ones once."""
    distinct, places = np.unique(taps, axis=0, return_inverse=True)
    pattern = np.ascontiguousarray(pattern)
    return propagate_lines(distinct, pattern, rule, trims=trims).chosen(places.reshape(-1))


def _within_range(x: Lines, y: Lines) -> Mask:
    """Whether norms and masses of the products are numbers until the end."""
    layers = np.arange(x.record.shape[1])
    over = layers >= np.fmin(x.extinct_at, y.extinct_at)[:, np.newaxis]
    with np.errstate(over="ignore", under="ignore"):
        values = x.record[..., NORMS] * y.record[..., NORMS]
    inside = np.all((values > 1 / LARGEST) & (values < LARGEST), axis=-1)
    valid: Mask = x.valid & y.valid & np.all(inside | over, axis=1)
    return valid


def _joined(x: Lines, y: Lines) -> Trajectories:
    """The trajectories of the products of two lines."""
    extinct_at = np.fmin(x.extinct_at, y.extinct_at)
    layers, ends = np.arange(x.record.shape[1]), extinct_at[:, np.newaxis]
    record = np.zeros((*x.record.shape[:2], len(QUANTITIES)))
    record[..., ALONG_X], record[..., ALONG_Y] = x.record[..., PLACES], y.record[..., PLACES]
    record[layers >= ends] = np.nan
    record[..., PRODUCTS] = x.record[..., NORMS] * y.record[..., NORMS]
    record[layers == ends] = AT_THE_END
    snapshots = y.snapshots[..., :, np.newaxis] * x.snapshots[..., np.newaxis, :]
    return Trajectories(record, extinct_at, np.full_like(extinct_at, np.nan), snapshots)
