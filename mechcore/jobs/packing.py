"""Short cells share a job of the scheduler: those of one class, which take about as long."""

from __future__ import annotations

import math

from mechcore.errors import InvalidValue
from mechcore.jobs.cost import Cost

PACK = "pack"
"""Key of the workflow's configuration that the profile of a scheduler sets to true."""

CLASSES = {
    "cells-10s": 10.0,
    "cells-30s": 30.0,
    "cells-1min": 60.0,
    "cells-2min": 120.0,
    "cells-5min": 300.0,
}
"""Classes of cells, and the longest estimate of a cell of each, in seconds. A longer cell is a job
of its own. The group-components of a profile say how many cells of a class share a job."""

SAFETY = 3.0
"""How many times longer than estimated a cell may take: one cell in forty takes longer than this on
the machine of the estimates, and gets more in a second attempt."""

STEP_SECONDS = 4.0
"""Overhead of a cell in a shared job: a step of the scheduler, and one more Snakemake."""

START_MINUTES = 5
"""Reserve of a job for a slow disk, and for compiling the engine on a new node. Cells that share a
job have a minute each instead."""

BASE_MEGABYTES = 700
"""Memory of Python, its libraries and the compiled engine, with half as much again."""

COPIES = 4
"""How often the trajectories are held: computed, perturbed by rounding, assembled, written."""


def checked_pack(value: object) -> bool:
    """Return whether cells share jobs, as a profile says it: Snakemake leaves ``true`` a text."""
    choices = {"true": True, "false": False}
    if str(value).lower() not in choices:
        raise InvalidValue(PACK, value, "true or false")
    return choices[str(value).lower()]


def cost_class(cost: Cost) -> str | None:
    """Return the class of a cell; None for a long one."""
    return next((name for name, longest in CLASSES.items() if cost.seconds <= longest), None)


def cell_minutes(cost: Cost) -> int:
    """Return the minutes that a cell asks for; those of the cells of a job add up."""
    reserve = START_MINUTES if cost_class(cost) is None else 1
    return math.ceil(SAFETY * (cost.seconds + STEP_SECONDS) / 60) + reserve


def cell_megabytes(cost: Cost) -> int:
    """Return the memory that a cell asks for."""
    return BASE_MEGABYTES + math.ceil(COPIES * cost.megabytes)
