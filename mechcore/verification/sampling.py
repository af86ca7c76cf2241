"""The sample of an experiment that is computed again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")

Report = Callable[[str], object]
"""Gets a line for each item that was computed again."""


@dataclass(frozen=True)
class Sampling:
    """Draws samples."""

    most: int | None
    """Size of a sample; None for everything."""
    generator: np.random.Generator
    report: Report = str

    def draw(self, items: Sequence[Item]) -> list[Item]:
        """Draw a sample, in the order of the items."""
        if self.most is None or self.most >= len(items):
            return list(items)
        chosen = self.generator.choice(len(items), self.most, replace=False)
        return [items[index] for index in sorted(chosen)]
