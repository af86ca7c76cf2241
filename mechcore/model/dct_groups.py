"""Groups of DCT-II components in the order of the paper: DC, the two gradients, and so on."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from mechcore.errors import InvalidValue
from mechcore.io.arrays import Array
from mechcore.model.kernels import dct_lines

ALL = "all"
"""The restriction that is none."""


def dct_groups(size: int) -> dict[str, list[tuple[int, int]]]:
    """Return the components (v, u) of each group by name; a group and its mirror image are one.

    >>> list(dct_groups(3))
    ['d00', 'd01', 'd11', 'd02', 'd12', 'd22']
    >>> dct_groups(3)["d01"]
    [(0, 1), (1, 0)]
    """
    return {
        f"d{low}{high}": sorted({(low, high), (high, low)})
        for high in range(size)
        for low in range(high + 1)
    }


def component_counts(size: int) -> list[int]:
    """Return how many components the first groups have together.

    >>> component_counts(3)
    [1, 3, 4, 6, 8, 9]
    """
    return list(accumulate(map(len, dct_groups(size).values())))


def components(restriction: str, size: int) -> NDArray[np.bool_]:
    """Return which components (v, u) a restriction leaves, (size, size).

    Parameters
    ----------
    restriction : str
        ``all``, the number of components of the first groups, or names of groups with dashes
        between them.
    size : int
        Side of the kernel.

    Raises
    ------
    InvalidValue
        If kernels of this size have no such groups.

    Examples
    --------
    >>> components("3", 3).astype(int).tolist()
    [[1, 1, 0], [1, 0, 0], [0, 0, 0]]
    """
    groups = dct_groups(size)
    counts = dict(zip(map(str, component_counts(size)), range(1, len(groups) + 1), strict=True))
    names = list(groups)[: counts.get(restriction, 0)] or restriction.split("-")
    if restriction == ALL:
        names = list(groups)
    if not {*names} <= {*groups}:
        allowed = f"{ALL}, {', '.join(counts)}, or groups such as d00-d11 for size {size}"
        raise InvalidValue("restriction", restriction, allowed)
    kept = np.zeros((size, size), dtype=bool)
    for name in names:
        for place in groups[name]:
            kept[place] = True
    return kept


def dct_bases(size: int) -> Array:
    """Return the orthonormal bases, (size, size, size, size) as (v, u, y, x)."""
    lines = dct_lines(size)
    bases: Array = np.einsum("vy,ux->vuyx", lines, lines)
    return bases
