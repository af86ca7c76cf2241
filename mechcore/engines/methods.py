"""The methods of convolution and what each costs: the engine takes the cheapest."""

from __future__ import annotations

from functools import cache

METHODS = ("auto", "direct", "low_rank")
"""``direct`` takes every tap of every pixel, ``low_rank`` passes along rows and columns; ``auto``
takes the cheaper one, or runs of lines where a state is a product of two."""

ALONG_A_LINE = 1.15
"""Cost of a tap in a pass along rows or columns, in multiply-adds of the direct method."""

MEASURING, BANDING = 10.0, 26.0
"""Cost of a pixel besides its taps, in the same unit: activation and sums; these, and the memory
between the two passes. ``docs/engine.md`` says how the three constants were measured."""


def direct_cost(height: int, width: int) -> float:
    """Return the cost of a pixel if each tap is taken by itself, in multiply-adds."""
    return height * width + MEASURING


def low_rank_cost(height: int, width: int, rank: int) -> float:
    """Return the cost of a pixel in passes along rows and columns, in multiply-adds."""
    return ALONG_A_LINE * rank * (height + width) + BANDING


@cache
def largest_rank(height: int, width: int) -> int:
    """Return the rank up to which passes along rows and columns are cheaper.

    Examples
    --------
    >>> largest_rank(3, 3), largest_rank(7, 7), largest_rank(15, 15)
    (0, 2, 6)
    """
    ranks = range(1, min(height, width) + 1)
    cheaper = (low_rank_cost(height, width, r) < direct_cost(height, width) for r in ranks)
    return sum(cheaper)
