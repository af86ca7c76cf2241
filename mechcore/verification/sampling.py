"""The sample of an experiment that is computed again, as large as its time allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import TypeVar

import numpy as np

from mechcore.jobs.cost import measured

Item = TypeVar("Item")

Report = Callable[[str], object]
"""Gets a line for each item that was computed again."""

SHARE = 0.1
"""Share of the CPU time that results took, for computing parts of them again."""

WITHOUT_RESULTS = ("verify", "report", "track")
"""Jobs that compute no results. Those of an earlier run would enlarge the sample of the next."""

WITHOUT_LOGS = 10.0
"""CPU seconds, if nobody knows how long the run took."""

MOST_MULTIPLY_ADDS = 3e9
"""Budget of the reference engine for one simulation, some seconds, enough for any of
``config/full.yaml``; larger ones are compared through the layers it covers."""

MULTIPLY_ADDS = 5e8
"""A second of the reference engine: a simulation and its neighbour, on a server of 2024."""


@dataclass
class Sampling:
    """Draws samples for one check, by number and by time."""

    generator: np.random.Generator
    most: int | None = None
    """Items of a draw; None for no limit."""
    seconds: float = math.inf
    """CPU time of all draws together."""
    draws: int = 1
    """How many draws share the time; what one leaves or takes too much is the next one's."""
    report: Report = str
    _left: float = 0.0

    def draw(self, items: Sequence[Item]) -> Iterator[Item]:
        """Yield items at random while there is time for what is done with them."""
        self._left += self.seconds / self.draws
        for index in self.generator.permutation(len(items))[: self.most]:
            if self._left <= 0:
                return
            start = process_time()
            yield items[index]
            self._left -= process_time() - start

    @property
    def multiply_adds(self) -> float:
        """How many the reference engine may spend on one simulation."""
        return min(MOST_MULTIPLY_ADDS, self.seconds * MULTIPLY_ADDS)


def seconds_for_a_sample(logs: Path | None) -> float:
    """Return the CPU time that a sample may take: a share of what results took by their logs."""
    files = [] if logs is None else (logs / "benchmarks").rglob("*.tsv")
    files = [path for path in files if path.is_file() and path.stem not in WITHOUT_RESULTS]
    jobs = (measured(path, "cpu_time") or 0.0 for path in files)
    return SHARE * sum(jobs) or WITHOUT_LOGS
