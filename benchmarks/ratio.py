"""A measured time beside a yardstick's, both of one run: seconds of other machines say little."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """Processor time beside that of a yardstick, in seconds.

    The name is the same in all runs; the yardstick may name the fastest of several.
    """

    name: str
    seconds: float
    yardstick: str
    yardstick_seconds: float
    remark: str = ""

    @property
    def value(self) -> float:
        """How many times as long as the yardstick."""
        return self.seconds / self.yardstick_seconds


def in_words(ratio: float) -> str:
    """Return how two times compare.

    Examples
    --------
    >>> in_words(0.05), in_words(2.5)
    ('20 times as fast', '2.5 times as long')
    """
    factor, word = (ratio, "long") if ratio >= 1 else (1 / ratio, "fast")
    return f"{factor:,.{1 if factor < 10 else 0}f} times as {word}"
