"""Kernels and patterns as sums of few products: columns times rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ROUNDING = 8 * float(np.finfo(np.float64).eps)
"""What remains of a number after some subtractions that should give zero, relative to it."""


def factors(matrix: Array, most: int | None = None) -> tuple[Array, Array] | None:
    """Split a matrix into a sum of products of columns and rows, as few as rounding allows.

    Cross approximation: the largest element of what remains picks the next column and row, so
    zeros and signs of a product are kept as they are.

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
        # A power of two divides without rounding, so the row stays as it is but for that.
        share = 2.0 ** (np.frexp(rest[i, j])[1] // 2)
        columns.append(rest[:, j] / rest[i, j] * share)
        rows.append(rest[i] / share)
        rest = rest - np.outer(columns[-1], rows[-1])
        if np.abs(rest).max() <= bound:
            return np.array(columns).T.copy(), np.array(rows)
    return None


def products(matrices: Array) -> tuple[NDArray[np.bool_], Array, Array]:
    """Split matrices into a column and a row each, where they are such a product.

    Examples
    --------
    >>> is_product, columns, rows = products(np.array([[[1.0, 2.0], [2.0, 4.0]], np.eye(2)]))
    >>> is_product, columns[0], rows[0]
    (array([ True, False]), array([1., 2.]), array([1., 2.]))
    """
    each, sizes = np.arange(len(matrices)), np.abs(matrices)
    i, j = np.divmod(sizes.reshape(len(matrices), -1).argmax(axis=1), matrices.shape[2])
    pivots = matrices[each, i, j][:, np.newaxis]
    shares = np.ldexp(1.0, np.frexp(pivots)[1] // 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        columns, rows = matrices[each, :, j] / pivots * shares, matrices[each, i] / shares
        rest = matrices - columns[:, :, np.newaxis] * rows[:, np.newaxis]
    is_product = (np.abs(rest) <= ROUNDING * sizes).all(axis=(1, 2)) & (pivots[:, 0] != 0)
    return is_product, columns, rows
