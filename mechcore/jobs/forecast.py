"""What a grid will take before it is submitted, and how far the last estimates were off."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from mechcore.errors import InvalidValue, MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.jobs.cost import Cost, estimated_cost, job_cost
from mechcore.jobs.packing import (
    CLASSES,
    PACK,
    cell_megabytes,
    cell_minutes,
    checked_pack,
    cost_class,
)

PROFILES = Path("profiles")

GROUP_SIZES = "group-components"
"""Option of Snakemake, and so of a profile: how many cells of each class are a job."""


SHORT = 0.1
"""Hours below which a time is printed in seconds."""


@dataclass(frozen=True)
class Forecast:
    """What a grid takes."""

    jobs: int
    """Number of scheduler jobs."""
    hours: float
    """Core-hours of all cells together."""
    longest: int
    """Minutes that the longest job asks for, with its reserve."""
    megabytes: int
    """Memory that the largest job asks for."""
    disk: float
    """Megabytes of trajectories before compression."""


def forecast(costs: Mapping[str, Cost], group_sizes: Mapping[str, int]) -> Forecast:
    """Return what a grid takes, with so many cells of each class in a job."""
    minutes = defaultdict(list)
    for cost in costs.values():
        minutes[cost_class(cost)].append(cell_minutes(cost))
    jobs = longest = 0
    for name, asked in minutes.items():
        size = group_sizes.get(name or "", 1)
        jobs += math.ceil(len(asked) / size)
        longest = max(longest, sum(sorted(asked)[-size:]))
    return Forecast(
        jobs,
        sum(cost.seconds for cost in costs.values()) / 3600,
        longest,
        max(map(cell_megabytes, costs.values())),
        sum(cost.megabytes for cost in costs.values()),
    )


def cpu_time(seconds: float) -> str:
    """Return a time for people.

    Examples
    --------
    >>> cpu_time(12.3), cpu_time(5400)
    ('12 CPU-seconds', '1.50 CPU-hours')
    """
    hours = seconds / 3600
    return f"{hours:.2f} CPU-hours" if hours >= SHORT else f"{seconds:.0f} CPU-seconds"


def profile_group_sizes(profile: str) -> dict[str, int]:
    """Return how many cells of each class are a job by a profile; empty if it does not pack."""
    path = _profile_file(profile)
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        config = dict(entry.split("=", 1) for entry in settings.get("config", []))
        sizes = dict(entry.split("=", 1) for entry in settings.get(GROUP_SIZES, []))
        packs = checked_pack(config.get(PACK, False))
        return {name: int(sizes.get(name, 1)) for name in CLASSES} if packs else {}
    except (OSError, ValueError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise MechcoreError(f"{path}: not a profile of Snakemake ({error})") from error


def _profile_file(profile: str) -> Path:
    folder = Path(profile) if Path(profile).is_dir() else PROFILES / profile
    files = sorted(folder.glob("config*.yaml")) + sorted(folder.glob("profile*.yaml"))
    if not files:
        known = ", ".join(sorted(path.name for path in PROFILES.glob("*/"))) or "a folder"
        raise InvalidValue("profile", profile, known)
    return files[-1]


def times_longer(cells: Mapping[str, Cell], logs: Path) -> tuple[int, float] | None:
    """Return how many cells ran here before, and how many times longer than estimated."""
    spent = {name: job_cost(logs, name)["wall_seconds"] for name in cells}
    known = {name: seconds for name, seconds in spent.items() if seconds is not None}
    if not known:
        return None
    estimated = sum(estimated_cost(cells[name]).seconds for name in known)
    return len(known), sum(known.values()) / estimated
