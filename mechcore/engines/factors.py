"""Kernels and patterns as sums of few products of columns and rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechcore.io.arrays import Array

ROUNDING = 8 * float(np.finfo(np.float64).eps)
"""What rounding leaves of a number, relative to it, after subtractions that should give zero."""


def factors(matrix: Array, most: int | None = None) -> tuple[Array, Array] | None:
    """Return columns and rows whose products add up to a matrix, or None if it takes more.

    Cross approximation: the largest element of the remainder picks the next column and row, so
    zeros and signs of a product stay as they are.

    Examples
    --------
    >>> columns, rows = factors(np.array([[1.0, 2.0], [2.0, 4.0]]))
    >>> columns @ rows
    array([[1., 2.], [2., 4.]])
    >>> factors(np.eye(2), most=1) is None
    True
    """
    rest, columns, rows = matrix, [], []
    bound = ROUNDING * np.abs(matrix).max()
    for _ in range(min(matrix.shape) if most is None else most):
        i, j = np.unravel_index(np.argmax(np.abs(rest)), rest.shape)
        # A power of two divides without rounding.
        share = 2.0 ** (np.frexp(rest[i, j])[1] // 2)
        columns.append(rest[:, j] / rest[i, j] * share)
        rows.append(rest[i] / share)
        rest = rest - np.outer(columns[-1], rows[-1])
        if np.abs(rest).max() <= bound:
            return np.array(columns).T.copy(), np.array(rows)
    return None


def products(matrices: Array) -> tuple[NDArray[np.bool_], Array, Array]:
    """Return which matrices are a product of one column and one row, and these factors."""
    each, sizes = np.arange(len(matrices)), np.abs(matrices)
    i, j = np.divmod(sizes.reshape(len(matrices), -1).argmax(axis=1), matrices.shape[2])
    pivots = matrices[each, i, j][:, np.newaxis]
    shares = np.ldexp(1.0, np.frexp(pivots)[1] // 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        columns, rows = matrices[each, :, j] / pivots * shares, matrices[each, i] / shares
        rest = matrices - columns[:, :, np.newaxis] * rows[:, np.newaxis]
    is_product = (np.abs(rest) <= ROUNDING * sizes).all(axis=(1, 2)) & (pivots[:, 0] != 0)
    return is_product, columns, rows
