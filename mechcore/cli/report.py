"""``mechcore report``: the page for readers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import ExperimentOption, OutputOption, ResultsOption

EXAMPLES = """Examples:

  mechcore report --experiment config/default.yaml --results results/default
  --output reports/default/index.html

  mechcore report --experiment config/full.yaml --results results/full --logs logs/full
  --partial --output reports/full/index.html
"""


def command(
    experiment: ExperimentOption,
    results: ResultsOption,
    output: OutputOption,
    logs: Annotated[
        Path | None,
        typer.Option(help="Folder of the logs, which tell failed cells from missing ones."),
    ] = None,
    partial: Annotated[
        bool,
        typer.Option("--partial", help="Measure and judge the cells that are there by now."),
    ] = False,
) -> None:
    """Draw the figures and write the report, one self-contained page."""
    from mechcore.config import load_experiment

    planned = load_experiment(experiment)

    from mechcore.report import write_report

    write_report(planned, results, output, logs, partial=partial)
    typer.echo(f"{output}")
