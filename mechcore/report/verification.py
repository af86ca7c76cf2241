"""The certificate that the page shows."""

from __future__ import annotations

from contextlib import suppress

from mechcore.errors import MechcoreError
from mechcore.experiment.paths import CERTIFICATE_FILE
from mechcore.results.results import Results
from mechcore.results.sweep import sweep_identifier
from mechcore.verification.certificate import Certificate, read_certificate


def certificate_of(results: Results) -> Certificate | None:
    """Return the certificate of some results, if there is one of these and no others."""
    certificate = read_certificate(results.folder / CERTIFICATE_FILE)
    return certificate if certificate and _certifies(certificate, results) else None


def _certifies(certificate: Certificate, results: Results) -> bool:
    if certificate.sweep is None:
        # Files failed, and nobody can say of which results: better shown than hidden.
        return not certificate.holds
    # Nothing holds of results that cannot be read, or are not there yet.
    with suppress(MechcoreError):
        same = not certificate.holds or certificate.files == results.file_hashes()
        return same and certificate.sweep == sweep_identifier(results)
    return False
