"""What the page says of its certificate."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from mechcore.errors import MechcoreError
from mechcore.experiment.paths import CERTIFICATE_FILE
from mechcore.report.numbers import significant
from mechcore.results.results import Results
from mechcore.results.sweep import sweep_identifier
from mechcore.verification.certificate import Certificate, Check, read_certificate

DIGITS = 2
"""Of deviations, whose size is all that there is to know."""


@dataclass(frozen=True)
class Row:
    """A check as text."""

    name: str
    statement: str
    compared: str
    excused: str
    largest: str
    limit: str
    holds: bool
    failures: list[str]


@dataclass(frozen=True)
class Verification:
    """What was checked again of the results that the page shows."""

    certificate: Certificate
    """Of these results and no others."""
    rows: list[Row]
    """Its checks."""


def verification_of(results: Results) -> Verification | None:
    """Return what was checked of some results."""
    certificate = read_certificate(results.folder / CERTIFICATE_FILE)
    if certificate is None or not _is_of(certificate, results):
        return None
    return Verification(certificate, [_row(check) for check in certificate.checks])


def _is_of(certificate: Certificate, results: Results) -> bool:
    """Whether a certificate is of these results."""
    if certificate.sweep is None:
        # Files failed, so nobody could say which results they are: this is rather told than not.
        return not certificate.holds
    # Nothing holds of results that cannot be read, or are not there yet.
    with suppress(MechcoreError):
        same = not certificate.holds or certificate.files == results.file_hashes()
        return same and certificate.sweep == sweep_identifier(results)
    return False


def _row(check: Check) -> Row:
    in_part = f" ({check.in_part:,} through their first layers)" if check.in_part else ""
    return Row(
        check.name,
        check.statement,
        f"{check.compared:,}{in_part}",
        f"{check.excused:,}" if check.excused else "",
        "" if check.largest is None else significant(check.largest, DIGITS),
        "" if check.limit is None else significant(check.limit, DIGITS),
        check.holds,
        check.failures,
    )
