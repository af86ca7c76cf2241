"""What the ways to convolve cost: the engine takes the cheapest, the cost model adds up."""

from __future__ import annotations

METHODS = ("auto", "direct", "low_rank", "fft")
"""``direct`` takes each tap of each pixel, ``low_rank`` passes along rows and columns; ``auto`` is
the cheaper one, or runs of lines where a state is a product of two. ``fft`` has to be asked for:
its rounding errors in far tails have no bound as good as that of the others."""

ALONG_A_LINE = 1.15
"""Cost of a tap in a pass along rows or columns, in multiply-adds of the direct method."""

MEASURING, BANDING = 10.0, 26.0
"""Cost of a pixel besides its taps in the same unit: activation and sums; these and the memory that
lies between two passes. ``docs/engine.md`` tells how the three were measured."""


def direct_cost(height: int, width: int) -> float:
    """Return what a pixel costs if each tap is taken by itself.

    Examples
    --------
    >>> direct_cost(3, 3)
    19.0
    """
    return height * width + MEASURING


def low_rank_cost(height: int, width: int, rank: int) -> float:
    """Return what a pixel costs in passes along rows and columns.

    Examples
    --------
    >>> low_rank_cost(15, 15, 2) < direct_cost(15, 15)
    True
    """
    return ALONG_A_LINE * rank * (height + width) + BANDING


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
