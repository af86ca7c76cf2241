"""``mechcore report``: the page for readers."""

from __future__ import annotations

import typer

from mechcore.cli.options import (
    ExperimentOption,
    LogsOption,
    OutputOption,
    PartialOption,
    ResultsOption,
)
from mechcore.cli.outputs import check_outputs, inputs_of
from mechcore.experiment.config import load_experiment
from mechcore.experiment.paths import CLAIMS_FILE

EXAMPLES = """Examples:

  mechcore report --experiment config/paper.yaml --results results/paper
  --output reports/paper/index.html

  mechcore report --experiment config/full.yaml --results results/full --logs logs/full
  --partial --output reports/full/index.html
"""


def command(
    experiment: ExperimentOption,
    results: ResultsOption,
    output: OutputOption,
    logs: LogsOption = None,
    partial: PartialOption = False,
) -> None:
    """Draw the figures and write the report, one self-contained page."""
    planned = load_experiment(experiment)

    from mechcore.report.page import write_report

    inputs = inputs_of(planned, experiment, results, results / CLAIMS_FILE)
    check_outputs({"--output": output}, inputs)
    write_report(planned, results, output, logs, partial=partial)
    typer.echo(f"{output}")
