"""``mechcore report``: the page for readers."""

from __future__ import annotations

import typer

from mechcore.cli.options import ExperimentOption, OutputOption, ResultsOption

EXAMPLES = """Examples:

  mechcore report --experiment config/default.yaml --results results/default
  --output reports/default/index.html
"""


def command(experiment: ExperimentOption, results: ResultsOption, output: OutputOption) -> None:
    """Draw the figures and write the report, one self-contained page."""
    from mechcore.config import load_experiment

    planned = load_experiment(experiment)

    from mechcore.report import write_report

    write_report(planned, results, output)
    typer.echo(f"{output}")
