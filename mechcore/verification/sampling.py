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
    """How many simulations run again, and who hears of them."""

    most: int | None
    """How many of each thing, drawn by chance; None for all."""
    chance: np.random.Generator
    """Draws them."""
    tell: Tell = str
    """Gets a line for each thing."""

    def of(self, items: Sequence[Item]) -> list[Item]:
        """Return a sample of some items."""
        return drawn(items, self.most, self.chance)


def drawn(items: Sequence[Item], most: int | None, chance: np.random.Generator) -> list[Item]:
    """Return some items by chance, in their order.

    Examples
    --------
    >>> drawn("abcdef", 3, np.random.default_rng(0))
    ['d', 'e', 'f']
    """
    if most is None or most >= len(items):
        return list(items)
    return [items[place] for place in sorted(chance.choice(len(items), most, replace=False))]
