"""``certificate.json``: what of an experiment was checked again, how, and how far it was off."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from mechcore.io.environment import Code, Environment
from mechcore.io.json_models import Settings, read_settings

MOST_FAILURES = 20
"""Lines of a check; a last one counts the others."""


class Check(Settings):
    """One comparison of the results with something that they must equal."""

    name: str
    statement: str
    """What holds if nothing failed."""
    compared: int
    in_part: int = 0
    """How many of them only through their first layers, because all would cost too much."""
    excused: int = 0
    """How many more could not be compared, because rounding decides them."""
    planned: int | None = None
    """How many there are, of which those are a sample; None if those are all."""
    largest: float | None = Field(default=None, allow_inf_nan=False)
    """The largest finite deviation; None where nothing is measured."""
    limit: float | None = None
    """The largest deviation allowed."""
    failures: list[str] = Field(default_factory=list)
    """A line each."""

    @property
    def total(self) -> int:
        """How many there are."""
        return self.compared + self.excused if self.planned is None else self.planned

    @property
    def holds(self) -> bool:
        """Whether there was something to compare and nothing failed."""
        return self.compared + self.excused > 0 and not self.failures


def merged(name: str, statement: str, parts: Sequence[Check], planned: int | None = None) -> Check:
    """Return checks of the same kind, of all or of a sample, as a single check."""
    failures = [line for part in parts for line in part.failures]
    more = len(failures) - MOST_FAILURES
    return Check(
        name=name,
        statement=statement,
        compared=sum(part.compared for part in parts),
        in_part=sum(part.in_part for part in parts),
        excused=sum(part.excused for part in parts),
        planned=sum(part.total for part in parts) if planned is None else planned,
        largest=max((part.largest for part in parts if part.largest is not None), default=None),
        limit=next((part.limit for part in parts if part.limit is not None), None),
        failures=[*failures[:MOST_FAILURES], *([f"and {more} more"] if more > 0 else [])],
    )


def failed(name: str, statement: str, line: str, limit: float | None = None) -> Check:
    """Return the check of something that cannot be compared at all."""
    return Check(name=name, statement=statement, compared=1, limit=limit, failures=[line])


class Certificate(Settings):
    """What was checked of an experiment."""

    experiment: str
    sweep: str | None = None
    """Identifier of the results, see `mechcore.results.sweep`; None if there are tables alone, or
    if files failed."""
    files: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of the other files that the report shows, see `Results.file_hashes`."""
    seed: int | None = None
    """Seed of the sample; None if files failed, and nothing was drawn."""
    seconds: float | None = None
    """CPU time that the sample was allowed; None if its size was chosen otherwise."""
    cells: list[str]
    """Cells of which simulations were computed again."""
    checks: list[Check]
    code: Code
    environment: Environment
    """Code and machine that checked."""

    @property
    def holds(self) -> bool:
        """Whether there are checks, and all of them hold."""
        return bool(self.checks) and all(check.holds for check in self.checks)


def read_certificate(path: Path) -> Certificate | None:
    """Read a certificate, if there is one."""
    return read_settings(Certificate, path, "mechcore verify") if path.exists() else None
