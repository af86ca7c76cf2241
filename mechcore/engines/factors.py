"""Kernels and patterns as sums of few products: columns times rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechcore.engines.box import Array

ROUNDING = 8 * float(np.finfo(np.float64).eps)
"""What remains of a number after some subtractions that should give zero, relative to it."""


def factors(matrix: Array, most: int | None = None) -> tuple[Array, Array] | None:
    """Split a matrix into a sum of products of columns and rows, as few as rounding allows.

    Cross approximation: the largest element of what remains picks the next column and row, so
    zeros and signs of a product are kept as they are.

    Parameters
    ----------
    matrix : (m, n) ndarray
        A matrix that is not all zero.
    most : int, optional
        Largest number of products, the rank at most by default.

    Returns
    -------
    tuple of (m, r) ndarray and (r, n) ndarray, or None
        Columns and rows whose product differs from the matrix by the rounding of its largest
        element, or None if that takes more products. Scales are shared between the two.

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

    Parameters
    ----------
    matrices : (..., m, n) ndarray
        Matrices.

    Returns
    -------
    (...) ndarray of bool
        Whether the product gives every element but for its own rounding.
    (..., m) ndarray, (..., n) ndarray
        Columns and rows; those of a matrix that is all zero are not defined.

    Examples
    --------
    >>> is_product, columns, rows = products(np.array([[[1.0, 2.0], [2.0, 4.0]], np.eye(2)]))
    >>> is_product, columns[0], rows[0]
    (array([ True, False]), array([1., 2.]), array([1., 2.]))
    """
    sizes = np.abs(matrices)
    flat = sizes.reshape(*sizes.shape[:-2], -1)
    i, j = np.unravel_index(np.argmax(flat, axis=-1), matrices.shape[-2:])
    rows = np.take_along_axis(matrices, i[..., np.newaxis, np.newaxis], axis=-2)
    columns = np.take_along_axis(matrices, j[..., np.newaxis, np.newaxis], axis=-1)
    pivots = np.take_along_axis(rows, j[..., np.newaxis, np.newaxis], axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.ldexp(1.0, np.frexp(pivots)[1] // 2)
        columns, rows = columns / pivots * shares, rows / shares
        exact = np.abs(matrices - columns * rows) <= ROUNDING * sizes
    is_product = np.all(exact, axis=(-2, -1)) & np.any(sizes > 0, axis=(-2, -1))
    return is_product, columns[..., 0], rows[..., 0, :]
