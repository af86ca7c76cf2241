"""``certificate.json``: what of an experiment was checked again, how, and how far it was off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import Field

from mechcore.io.environment import Code, Environment
from mechcore.io.json_models import Settings, read_settings

MOST_FAILURES = 20
"""Lines of a check; a last one counts the others."""


class Check(Settings):
    """One comparison of the results with something that they must equal."""

    name: str
    """One word."""
    statement: str
    """What holds if nothing failed."""
    compared: int
    """How many things were."""
    in_part: int = 0
    """How many of them only through their first layers, because all would cost too much."""
    excused: int = 0
    """How many more could not be, because rounding decides them."""
    largest: float | None = Field(default=None, allow_inf_nan=False)
    """The largest deviation that is finite; None where nothing is measured."""
    limit: float | None = None
    """What it may be."""
    failures: list[str] = Field(default_factory=list)
    """A line each."""

    @property
    def holds(self) -> bool:
        """Whether there was something to compare and nothing failed."""
        return self.compared + self.excused > 0 and not self.failures


def merged(name: str, statement: str, parts: Sequence[Check]) -> Check:
    """Return checks of the same kind as one.

    Examples
    --------
    >>> part = Check(name="part", statement="", compared=2, largest=0.5)
    >>> whole = merged("whole", "Halves are equal", [part, part])
    >>> whole.compared, whole.largest
    (4, 0.5)
    """
    return Check(
        name=name,
        statement=statement,
        compared=sum(part.compared for part in parts),
        in_part=sum(part.in_part for part in parts),
        excused=sum(part.excused for part in parts),
        largest=max((part.largest for part in parts if part.largest is not None), default=None),
        limit=next((part.limit for part in parts if part.limit is not None), None),
        failures=first_failures([line for part in parts for line in part.failures]),
    )


def failed(name: str, statement: str, line: str) -> Check:
    """Return the check of something that cannot be compared at all.

    Examples
    --------
    >>> failed("table", "cells.csv", "cells.csv: missing").holds
    False
    """
    return Check(name=name, statement=statement, compared=1, failures=[line])


def first_failures(failures: Iterable[str]) -> list[str]:
    """Return lines for people: of very many the first ones.

    Examples
    --------
    >>> first_failures(["wrong"] * 25)[-1]
    'and 5 more'
    """
    lines = list(failures)
    if len(lines) > MOST_FAILURES:
        return [*lines[:MOST_FAILURES], f"and {len(lines) - MOST_FAILURES} more"]
    return lines


class Certificate(Settings):
    """What was checked of an experiment."""

    experiment: str
    """Its name."""
    sweep: str | None = None
    """Identifier of the results, see `mechcore.results.sweep`; None of tables without results."""
    files: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of the other files that the report shows, see `Results.file_hashes`."""
    seed: int | None = None
    """What the sample was drawn with; None if files failed, and nothing was drawn."""
    cells: list[str]
    """The sample."""
    checks: list[Check]
    """The outcome."""
    code: Code
    """What checked."""
    environment: Environment
    """Where."""

    @property
    def holds(self) -> bool:
        """Whether there are checks, and all of them hold."""
        return bool(self.checks) and all(check.holds for check in self.checks)


def read_certificate(path: Path) -> Certificate | None:
    """Read a certificate."""
    return read_settings(Certificate, path, "mechcore verify") if path.exists() else None
