"""``mechcore verify``: a finished experiment, computed again in part."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from mechcore.cli.options import ExperimentOption, RecordOption, ResultsOption
from mechcore.cli.outputs import check_outputs, inputs_of
from mechcore.errors import InvalidValue, MechcoreError, shown

if TYPE_CHECKING:
    from mechcore.experiment.config import Experiment
    from mechcore.verification.certificate import Certificate, Check
    from mechcore.verification.experiment import Extent

OptionalExperiment = Annotated[str | None, *get_args(ExperimentOption)[1:]]
OptionalResults = Annotated[Path | None, *get_args(ResultsOption)[1:]]
"""An archive holds both."""

EXAMPLES = """Examples:

  mechcore verify --experiment config/default.yaml --results results/default

  mechcore verify --experiment config/default.yaml --results results/default --all

  mechcore verify --experiment config/full.yaml --results reports/full --cells 2

  mechcore verify default.zip
"""


def command(
    archive: Annotated[Path | None, typer.Argument(help="Archive of `mechcore pack`.")] = None,
    experiment: OptionalExperiment = None,
    results: OptionalResults = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Certificate to write, as JSON.")
    ] = None,
    cells: Annotated[int, typer.Option(help="How many cells, drawn by chance.")] = 8,
    simulations: Annotated[int, typer.Option(help="How many simulations of each.")] = 4,
    everything: Annotated[
        bool, typer.Option("--all", help="All simulations of all cells; this can take days.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(help="Of chance; by default it follows from the results.")
    ] = None,
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help="End with exit code 0 even if a check fails.")
    ] = False,
    record: RecordOption = None,
) -> int:
    """Compute a sample of cells again with the reference engine, and check all files and tables.

    Takes an archive, or a configuration and its results. The exit code is 1 if a check fails.
    """
    _check_given(archive, experiment, results)
    if record is not None and (archive is not None or output is None):
        raise InvalidValue("record", str(record), "one of results, with --output")

    from mechcore.experiment.config import load_experiment

    planned = load_experiment(experiment) if experiment is not None else None
    read = [archive] if planned is None else inputs_of(planned, experiment, results)
    check_outputs({"--output": output, "--record": record}, read)

    from mechcore.verification.experiment import Extent

    extent = Extent(None, None, seed) if everything else Extent(cells, simulations, seed)
    certificate = _certificate(archive, planned, results, extent)
    if output:
        _write(certificate, output, planned, record)
    _tell(certificate)
    return 0 if certificate.holds or exit_zero else 1


def _check_given(archive: Path | None, experiment: str | None, results: Path | None) -> None:
    """Refuse all but an archive alone, or a configuration with its results."""
    whole = experiment is not None and results is not None
    nothing = experiment is None and results is None
    if not (whole if archive is None else nothing):
        given = "" if archive is None else f"{shown(str(archive))}: "
        raise MechcoreError(f"{given}expected an archive alone, or --experiment with --results")


def _certificate(
    archive: Path | None, planned: Experiment | None, results: Path | None, extent: Extent
) -> Certificate:
    from mechcore.verification.archive import verify_archive
    from mechcore.verification.experiment import verify

    if archive is not None:
        return verify_archive(archive, extent, typer.echo)
    assert planned is not None
    assert results is not None
    return verify(planned, results, extent, typer.echo)


def _write(
    certificate: Certificate, output: Path, planned: Experiment | None, record: Path | None
) -> None:
    from mechcore.io.json_models import write_settings
    from mechcore.jobs.stages import write_record

    write_settings(certificate, output)
    if planned is not None:
        write_record(record, "verify", planned, [output])


def _tell(certificate: Certificate) -> None:
    for check in certificate.checks:
        typer.echo(_line(check))
        for failure in check.failures:
            typer.echo(f"  {failure}")
    # Beside a report there is no more to check; what else lies there was not.
    extent = "" if certificate.sweep else ", as far as fits tell: the results are not here"
    typer.echo(f"verified{extent}" if certificate.holds else "NOT verified")


def _line(check: Check) -> str:
    outcome = "holds" if check.holds else "FAILS"
    in_part = f", {check.in_part} of them through their first layers" if check.in_part else ""
    excused = f", {check.excused} more decided by rounding" if check.excused else ""
    apart = (
        "" if check.largest is None else f", at most {check.largest:.1e} (limit {check.limit:g})"
    )
    count = f"{check.compared} compared{in_part}{excused}{apart}"
    return f"{check.name}: {outcome}. {check.statement}: {count}"
