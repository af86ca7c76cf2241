"""``mechcore track``: results into MLflow."""

from __future__ import annotations

from typing import Annotated

import typer

from mechcore.cli.options import (
    ExperimentOption,
    LogsOption,
    OptionalOutputOption,
    PartialOption,
    ReportOption,
    ResultsOption,
)
from mechcore.cli.outputs import check_outputs, inputs_of
from mechcore.experiment.config import load_experiment
from mechcore.io.json_models import write_settings

EXAMPLES = """Examples:

  mechcore track --experiment config/paper.yaml --results results/paper

  mechcore track --experiment config/paper.yaml --results results/paper
  --report reports/paper/index.html --to http://tracking:5000

  mechcore track --experiment config/full.yaml --results results/full --logs logs/full --partial
"""


def command(
    experiment: ExperimentOption,
    results: ResultsOption,
    logs: LogsOption = None,
    report: ReportOption = None,
    to: Annotated[
        str | None, typer.Option(help="The store; MLFLOW_TRACKING_URI or mlflow.db by default.")
    ] = None,
    output: OptionalOutputOption = None,
    partial: PartialOption = False,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Log everything again, in place of the current runs.")
    ] = False,
) -> None:
    """Log results to MLflow: one run per cell, bank and sweep; nothing twice.

    With --output, writes a receipt with the ids of the runs as JSON.
    """
    planned = load_experiment(experiment)
    if partial and logs is None:
        raise typer.BadParameter("--partial needs --logs: they separate failed from missing cells")

    check_outputs({"--output": output}, inputs_of(planned, experiment, results, report))

    from mechcore.tracking import track

    if partial and logs is not None:
        experiments = track.partial_experiments(planned, results, logs)
    else:
        experiments = track.finished_experiments(planned, results, report)
    receipt = track.track(experiments, to, rebuild=rebuild)
    if output:
        write_settings(receipt, output)
    failed = f", {receipt.failed} failed" if receipt.failed else ""
    typer.echo(
        f"{receipt.logged} logged, {receipt.unchanged} unchanged, "
        f"{receipt.superseded} superseded{failed} in {receipt.uri}"
    )
