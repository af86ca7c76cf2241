"""``certificate.json``: what of an experiment was checked again, how, and how far it was off."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from mechcore.provenance import Code, Environment
from mechcore.settings import Settings, read_settings

CERTIFICATE_FILE = "certificate.json"
"""Name among the results."""


class Check(Settings):
    """One comparison of the results with something that they must equal.

    Parameters
    ----------
    name : str
        One word.
    statement : str
        What holds if nothing failed.
    compared : int
        How many things were.
    in_part : int
        How many of them only through their first layers, because all would cost too much.
    excused : int
        How many more could not be, because rounding decides them.
    largest : float or None
        The largest deviation that is finite; None where nothing is measured.
    limit : float or None
        What it may be.
    failures : list of str
        A line each.
    """

    name: str
    statement: str
    compared: int
    in_part: int = 0
    excused: int = 0
    largest: float | None = Field(default=None, allow_inf_nan=False)
    limit: float | None = None
    failures: list[str] = Field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether there was something to compare and nothing failed."""
        return self.compared + self.excused > 0 and not self.failures


class Certificate(Settings):
    """What was checked of an experiment.

    Parameters
    ----------
    experiment : str
        Its name.
    sweep : str or None
        Identifier of the results, see `mechcore.sweeps`; None of tables without results.
    files : dict of str to str
        SHA-256 of the other files that the report shows, see `Evidence.file_hashes`.
    seed : int or None
        What the sample was drawn with; None if files failed, and nothing was drawn.
    cells : list of str
        The sample.
    checks : list of Check
        The outcome.
    code : Code
        What checked.
    environment : Environment
        Where.
    """

    experiment: str
    sweep: str | None = None
    files: dict[str, str] = Field(default_factory=dict)
    seed: int | None = None
    cells: list[str]
    checks: list[Check]
    code: Code
    environment: Environment

    @property
    def holds(self) -> bool:
        """Whether there are checks, and all of them hold."""
        return bool(self.checks) and all(check.holds for check in self.checks)


def read_certificate(path: Path) -> Certificate | None:
    """Read a certificate.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Certificate or None
        None if there is none.

    Raises
    ------
    MechcoreError
        If it is something else.
    """
    return read_settings(Certificate, path, "mechcore verify") if path.exists() else None
