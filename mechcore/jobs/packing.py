"""Cells into jobs of a size that a scheduler likes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mechcore.errors import InvalidValue

if TYPE_CHECKING:
    from mechcore.jobs.cost import Cost

MINUTES_KEY = "minutes_per_job"
"""Name of the setting of a profile that says how long a job should take."""

SAFETY = 3.0
"""How many times longer than estimated a job may take: one cell in forty takes longer than this on
the machine of the estimates, and then gets more by a second attempt."""

START_MINUTES = 5
"""Minutes of every job for a slow disk, and for compiling the engine where no node has done it."""

STEP_SECONDS = 4.0
"""Of a cell in a job of many, before its own Python starts: a step of the scheduler's, and one more
Snakemake."""

BASE_MEGABYTES = 700
"""Memory of Python, its libraries and the compiled engine, with half as much again."""

COPIES = 4
"""How often the trajectories are held: computed, twisted by rounding, put together, written."""


@dataclass(frozen=True)
class Place:
    """Where a cell runs."""

    batch: str
    """Name of the job."""
    cells: int
    """How many cells are in it."""
    minutes: int
    """Its share of the minutes of the job: those of the cells that run add up to them."""


def pack(seconds: Mapping[str, float], target: float) -> dict[str, Place]:
    """Put cells together into jobs that take about as long.

    Examples
    --------
    >>> places = pack({"a": 8.0, "b": 2.0, "c": 30.0}, target=20.0)
    >>> {cell: place.batch for cell, place in places.items()}
    {'a': 'batch1', 'b': 'batch1', 'c': 'batch0'}
    """
    found: dict[str, Place] = {}
    for number, batch in enumerate(_batches(seconds, target)):
        for position, cell in enumerate(batch):
            # Never none: others of the job may be finished, and not run.
            minutes = max(1, round(SAFETY * (seconds[cell] + STEP_SECONDS) / 60))
            reserve = 0 if position else START_MINUTES
            found[cell] = Place(f"batch{number}", len(batch), minutes + reserve)
    return {cell: found[cell] for cell in seconds}


def parsed_minutes(given: object) -> float:
    """Return how long a job should take.

    Examples
    --------
    >>> parsed_minutes("10")
    10.0
    """
    try:
        minutes = float(str(given))
    except ValueError:
        minutes = math.nan
    if not 0 <= minutes < math.inf:
        raise InvalidValue(MINUTES_KEY, given, "minutes from 0")
    return minutes


def megabytes(cost: Cost) -> int:
    """Return the memory that a cell asks for.

    Examples
    --------
    >>> from mechcore.jobs.cost import Cost
    >>> megabytes(Cost(seconds=1.0, megabytes=25.0))
    800
    """
    return BASE_MEGABYTES + math.ceil(COPIES * cost.megabytes)


def _batches(seconds: Mapping[str, float], target: float) -> list[list[str]]:
    """From the longest cell to the shortest, so that those of a job are alike."""
    batches: list[list[str]] = []
    filled = math.inf
    for cell in sorted(seconds, key=lambda name: -seconds[name]):
        needed = seconds[cell] + STEP_SECONDS
        if filled + needed > target:
            batches.append([])
            filled = 0.0
        batches[-1].append(cell)
        filled += needed
    return batches
