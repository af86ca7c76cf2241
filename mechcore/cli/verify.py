"""``mechcore verify``: a finished experiment, computed again in part."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from mechcore.cli.options import (
    ExperimentOption,
    LogsOption,
    OptionalOutputOption,
    ResultsOption,
)
from mechcore.cli.outputs import check_outputs, inputs_of
from mechcore.errors import MechcoreError, shown
from mechcore.experiment.config import load_experiment
from mechcore.io.json_models import write_settings

if TYPE_CHECKING:
    from mechcore.verification.certificate import Certificate, Check

EXAMPLES = """Examples:

  mechcore verify --experiment config/paper.yaml --results results/paper --seconds 60

  mechcore verify --experiment config/paper.yaml --results results/paper --simulations 4

  mechcore verify --experiment config/paper.yaml --results results/paper --all

  mechcore verify paper.zip
"""


def command(
    archive: Annotated[
        Path | None, typer.Argument(help="Archive of `mechcore pack`, or its unpacked folder.")
    ] = None,
    experiment: Annotated[str | None, *get_args(ExperimentOption)[1:]] = None,
    results: Annotated[Path | None, *get_args(ResultsOption)[1:]] = None,
    output: OptionalOutputOption = None,
    logs: LogsOption = None,
    seconds: Annotated[
        float | None,
        typer.Option(help="CPU time for the sample; a tenth of what results took, by their logs."),
    ] = None,
    cells: Annotated[int | None, typer.Option(help="Number of cells to sample.")] = None,
    simulations: Annotated[int | None, typer.Option(help="Number of simulations of each.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All simulations of all cells; this can take days.")
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(help="Seed of the random sample; derived from the results by default."),
    ] = None,
    run_extensions: Annotated[
        bool, typer.Option("--run-extensions", help="Run the extensions that an archive brings.")
    ] = False,
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help="End with exit code 0 even if a check fails.")
    ] = False,
) -> int:
    """Compute a sample of results again with the reference engine, and check all files and tables.

    Takes an archive, or a configuration and its results. With --output, writes a certificate as
    JSON. The exit code is 1 if a check fails.
    """
    from mechcore.verification.experiment import Extent, verify, verify_archive
    from mechcore.verification.sampling import seconds_for_a_sample

    if not everything and seconds is cells is simulations is None:
        seconds = seconds_for_a_sample(logs)
    extent = Extent(cells, simulations, seed, seconds)
    outputs = {"--output": output}
    if archive is not None and experiment is None and results is None:
        check_outputs(outputs, [archive])
        certificate = verify_archive(archive, extent, typer.echo, runs_extensions=run_extensions)
    elif archive is None and experiment is not None and results is not None:
        planned = load_experiment(experiment)
        check_outputs(outputs, inputs_of(planned, experiment, results))
        certificate = verify(planned, results, extent, typer.echo)
    else:
        name = "" if archive is None else f"{shown(str(archive))}: "
        raise MechcoreError(f"{name}expected an archive alone, or --experiment with --results")
    if output:
        write_settings(certificate, output)
    _print(certificate)
    return 0 if certificate.holds or exit_zero else 1


def _print(certificate: Certificate) -> None:
    for check in certificate.checks:
        typer.echo(_line(check))
        for failure in check.failures:
            typer.echo(f"  {failure}")
    typer.echo("verified" if certificate.holds else "NOT verified")


def _line(check: Check) -> str:
    outcome = "holds" if check.holds else "FAILS"
    in_part = f", {check.in_part} of them through their first layers" if check.in_part else ""
    excused = f", {check.excused} more decided by rounding" if check.excused else ""
    apart = (
        "" if check.largest is None else f", at most {check.largest:.1e} (limit {check.limit:g})"
    )
    sampled = check.total > check.compared + check.excused
    of_all = f" of {check.total}" if sampled else ""
    count = f"{check.compared}{of_all} compared{in_part}{excused}{apart}"
    return f"{check.name}: {outcome}. {check.statement}: {count}"
