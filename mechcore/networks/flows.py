"""What is carried through a network beside the values of one image."""

from __future__ import annotations

from typing import Any, Protocol

from mechcore.networks.grid import Grid
from mechcore.networks.operators import Call
from mechcore.networks.windows import Array


class Flow(Protocol):
    """Something that is known of each tensor; operators change it by the kind of their rule."""

    def start(self, image: Array, grid: Grid) -> Any:
        """Return what is known of the pixels of a (1, channel, y, x) image."""

    def linear(self, call: Call, known: list[Any]) -> Any:
        """Return what is known of sums, from what is known of their terms."""

    def gate(self, call: Call, known: list[Any]) -> Any:
        """Return what is known of products with factors that are kept."""

    def choice(self, call: Call, known: list[Any]) -> Any:
        """Return what is known of units each of which is one of others."""

    def rearrangement(self, call: Call, known: list[Any]) -> Any:
        """Return what is known of units in another place."""
