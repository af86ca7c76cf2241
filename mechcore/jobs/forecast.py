"""What a grid takes before it is submitted, and how far such estimates were off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from mechcore.errors import InvalidValue, MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.jobs.cost import Cost, estimated_cost, job_cost
from mechcore.jobs.packing import MINUTES_KEY, megabytes, pack, parsed_minutes

PROFILES = Path("profiles")


@dataclass(frozen=True)
class Forecast:
    """What a grid takes."""

    jobs: int
    """Of the scheduler."""
    hours: float
    """Of one core, all cells together."""
    longest: int
    """Minutes that the longest job asks for, with what is kept in reserve."""
    megabytes: int
    """Memory that the largest job asks for."""
    disk: float
    """Megabytes of trajectories before compression."""


def forecast(costs: Mapping[str, Cost], minutes_per_job: float) -> Forecast:
    """Return what a grid takes.

    Examples
    --------
    >>> costs = {"a": Cost(60.0, 1.0), "b": Cost(60.0, 1.0)}
    >>> forecast(costs, 10).jobs, forecast(costs, 0).jobs
    (1, 2)
    """
    places = pack({cell: cost.seconds for cell, cost in costs.items()}, 60 * minutes_per_job)
    minutes: dict[str, int] = {}
    for place in places.values():
        minutes[place.batch] = minutes.get(place.batch, 0) + place.minutes
    return Forecast(
        len(minutes),
        sum(cost.seconds for cost in costs.values()) / 3600,
        max(minutes.values()),
        max(map(megabytes, costs.values())),
        sum(cost.megabytes for cost in costs.values()),
    )


def minutes_of_profile(profile: str) -> float:
    """Return how long a job should take by a profile of the workflow."""
    folder = Path(profile) if Path(profile).is_dir() else PROFILES / profile
    files = sorted(folder.glob("config*.yaml")) + sorted(folder.glob("profile*.yaml"))
    if not files:
        known = ", ".join(sorted(path.name for path in PROFILES.glob("*/"))) or "a folder"
        raise InvalidValue("profile", profile, known)
    try:
        settings = yaml.safe_load(files[-1].read_text(encoding="utf-8")) or {}
        given = dict(entry.split("=", 1) for entry in settings.get("config", []))
        return parsed_minutes(given.get(MINUTES_KEY, 0))
    except (OSError, ValueError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise MechcoreError(f"{files[-1]}: not a profile of Snakemake ({error})") from error


def times_longer(cells: Mapping[str, Cell], logs: Path) -> tuple[int, float] | None:
    """Return how far the estimate was off the last time that cells ran."""
    spent = {name: job_cost(logs, name)["wall_seconds"] for name in cells}
    known = {name: seconds for name, seconds in spent.items() if seconds is not None}
    if not known:
        return None
    estimated = sum(estimated_cost(cells[name]).seconds for name in known)
    return len(known), sum(known.values()) / estimated
