"""Which values stand for the rest where not all can be shown."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

Choice = TypeVar("Choice")

PAPER_FAMILY = "dct"
PAPER_ACTIVATIONS = ("relu", "modulus")
PAPER_SIZES = (2, 3)
"""The kernels that the paper shows (even part DC, odd part the gradient), and its rectifiers."""


def spread(values: list[Choice], most: int) -> list[Choice]:
    """Return at most so many values, evenly spaced, with the first and the last.

    Parameters
    ----------
    values : list
        Ordered values.
    most : int
        How many to keep.

    Returns
    -------
    list
        Some of the values.

    Examples
    --------
    >>> spread([0, 1, 2, 3, 4], 3)
    [0, 2, 4]
    """
    places = np.linspace(0, len(values) - 1, min(most, len(values))).round().astype(int)
    return [values[place] for place in places]


def preferred(values: list[Choice], *wishes: Choice) -> Choice:
    """Return the first wish that is there, else the first value.

    Parameters
    ----------
    values : list
        What is there.
    *wishes : object
        What would be best.

    Returns
    -------
    object
        One of the values.

    Examples
    --------
    >>> preferred([2, 5], 3, 5)
    5
    """
    return next((wish for wish in wishes if wish in values), values[0])


def shown_sizes(sizes: list[int], most: int) -> list[int]:
    """Return a few kernel sizes: the paper's 2 and 3, and others up to the largest.

    Parameters
    ----------
    sizes : list of int
        Kernel sizes.
    most : int
        How many to keep.

    Returns
    -------
    list of int
        Some of the sizes, in order.

    Examples
    --------
    >>> shown_sizes([2, 3, 4, 5, 6, 7, 8, 9, 10, 11], 4)
    [2, 3, 8, 11]
    """
    if len(sizes) <= most:
        return sorted(sizes)
    known = [size for size in PAPER_SIZES if size in sizes]
    others = sorted(set(sizes) - set(known))
    # One more than there is room for: the smallest of the others is next to the paper's.
    few = spread(others, most - len(known) + bool(known))
    return known + few[bool(known) :]
