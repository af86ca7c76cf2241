"""How far numbers are apart, where what is not a number in both is the same in both."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def distances(found: ArrayLike, due: ArrayLike, scale: ArrayLike = 1.0) -> NDArray[np.float64]:
    """Return how far numbers are from what they should be.

    Examples
    --------
    >>> distances([1.0, np.nan, np.nan, np.inf], [3.0, np.nan, 0.0, np.inf], 2.0).tolist()
    [1.0, 0.0, inf, 0.0]
    """
    first, second = (np.asarray(one, dtype=np.float64) for one in (found, due))
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.abs(first - second) / scale
    same = (first == second) | (np.isnan(first) & np.isnan(second))
    return np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart))
