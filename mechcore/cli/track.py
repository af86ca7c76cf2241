"""``mechcore track``: results into MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import ExperimentOption, ResultsOption
from mechcore.cli.outputs import check_outputs, inputs_of

EXAMPLES = """Examples:

  mechcore track --experiment config/default.yaml --results results/default

  mechcore track --experiment config/default.yaml --results results/default
  --report reports/default/index.html --to http://tracking:5000

  mechcore track --experiment config/full.yaml --results results/full --logs logs/full --partial
"""


def command(
    experiment: ExperimentOption,
    results: ResultsOption,
    logs: Annotated[
        Path | None, typer.Option(help="Folder of the logs; --partial finds failed cells by them.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="The page of the report.")] = None,
    to: Annotated[
        str | None,
        typer.Option(
            help="The store; by default MLFLOW_TRACKING_URI, else mlflow.db in this folder."
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="Receipt to write: run ids by cell.")] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Log the cells that have ended by now, well or not.")
    ] = False,
    rebuild: Annotated[
        bool,
        typer.Option("--rebuild", help="Log everything anew, in place of the current runs."),
    ] = False,
    processes: Annotated[
        int | None,
        typer.Option(min=1, help="How many processes: one logs, the others draw previews."),
    ] = None,
) -> None:
    """Log results to MLflow: a run a cell, a bank, a sweep; nothing twice."""
    from mechcore.experiment.config import load_experiment

    planned = load_experiment(experiment)
    if partial and logs is None:
        raise typer.BadParameter(
            "--partial needs --logs, which tell failed cells from missing ones"
        )

    check_outputs({"--output": output}, inputs_of(planned, experiment, results, report))

    from mechcore.tracking.track import plan_studies, plan_what_is_there, track, write_receipt

    if partial and logs is not None:
        studies = plan_what_is_there(planned, results, logs)
    else:
        studies = plan_studies(planned, results, report)
    receipt = track(studies, to, rebuild=rebuild, processes=processes)
    if output:
        write_receipt(receipt, output)
    failed = f", {receipt.failed} failed" if receipt.failed else ""
    typer.echo(
        f"{receipt.logged} logged, {receipt.unchanged} unchanged, "
        f"{receipt.superseded} superseded{failed} in {receipt.uri}"
    )
