"""Which values stand for the rest where not all can be shown."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

Choice = TypeVar("Choice")


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
