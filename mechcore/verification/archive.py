"""A finished experiment that somebody packed is checked, wherever that was."""

from __future__ import annotations

from pathlib import Path

from mechcore.errors import MechcoreError
from mechcore.results.archive.files import FinishedExperiment, check_hashes, recorded_experiment
from mechcore.results.archive.reading import Contents, opened, told_of
from mechcore.verification.certificate import Certificate
from mechcore.verification.experiment import Extent, verify
from mechcore.verification.sampling import Tell


def verify_archive(path: Path, extent: Extent | None = None, tell: Tell = str) -> Certificate:
    """Check a finished experiment that somebody packed."""
    with opened(path) as contents, told_of(path):
        found = recorded_experiment(contents.experiment, contents.results, contents.page)
        _check_recorded(contents, found)
        certificate = verify(contents.experiment, contents.results, extent, tell)
        # Of results whose files failed nothing more is read.
        if certificate.sweep is not None:
            check_hashes(found.sweep, contents.results)
        return certificate


def _check_recorded(contents: Contents, found: FinishedExperiment) -> None:
    """Refuse files among results and report that no command made."""
    made = (name for name in contents.files if name.startswith(("results/", "reports/")))
    for name in sorted(set(made) - {*found.files, *found.inputs}):
        raise MechcoreError(f"{name}: no command made it, expected files of the experiment alone")
