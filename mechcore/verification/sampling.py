"""What of an experiment runs again: drawn by chance, told to whoever waits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")

Tell = Callable[[str], object]
"""Gets a line for each cell that ran again."""


@dataclass(frozen=True)
class Sampling:
    """How many simulations run again, and who hears of them.

    Parameters
    ----------
    most : int or None
        How many of each thing, drawn by chance; None for all.
    chance : numpy.random.Generator
        Draws them.
    tell : callable
        Gets a line for each thing.
    """

    most: int | None
    chance: np.random.Generator
    tell: Tell = str

    def of(self, items: Sequence[Item]) -> list[Item]:
        """Return a sample of some items.

        Parameters
        ----------
        items : sequence
            All items.

        Returns
        -------
        list
            See `drawn`.
        """
        return drawn(items, self.most, self.chance)


def drawn(items: Sequence[Item], most: int | None, chance: np.random.Generator) -> list[Item]:
    """Return some items by chance, in their order.

    Parameters
    ----------
    items : sequence
        All items.
    most : int or None
        How many; None for all.
    chance : numpy.random.Generator
        Draws them.

    Returns
    -------
    list
        As many as were asked for, if there are.

    Examples
    --------
    >>> drawn("abcdef", 3, np.random.default_rng(0))
    ['d', 'e', 'f']
    """
    if most is None or most >= len(items):
        return list(items)
    return [items[place] for place in sorted(chance.choice(len(items), most, replace=False))]
