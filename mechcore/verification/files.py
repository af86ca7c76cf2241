"""What files are held against: their own hashes, the configuration, and the records of commands."""

from __future__ import annotations

from pathlib import Path

from mechcore.errors import MechcoreError
from mechcore.experiment.config import Experiment
from mechcore.jobs.stages import record_file, recorded_files
from mechcore.results.expected_files import expected_files, problem
from mechcore.verification.certificate import Check, first_failures

RECORDED = ("collect", "deviations", "regress", "judge", "summarise")
"""Commands whose files are compared with their records: tables and verdicts."""


def check_files(experiment: Experiment, results: Path) -> Check:
    """Read every netCDF file of an experiment, which compares it with the hash that it tells.

    Tables and verdicts are compared with the records of the commands that wrote them, if there are
    any: then one that is missing is a failure.
    """
    planned = expected_files(experiment)
    damaged = [line for file in planned if (line := problem(results, file))]
    recorded = RECORDED if any(record_file(results, one).is_file() for one in RECORDED) else ()
    forged = [line for one in recorded if (line := _forgery(experiment, results, one))]
    return Check(
        name="files",
        statement="Every file holds what its hash tells, and was made for this configuration",
        compared=len(planned) + len(recorded),
        failures=first_failures([*damaged, *forged]),
    )


def _forgery(experiment: Experiment, results: Path, command: str) -> str:
    """What is wrong with the files of a command that left a record of them, if anything is."""
    try:
        recorded_files(results, command, experiment)
    except MechcoreError as error:
        return " ".join(str(error).splitlines())
    return ""
