"""``mechcore track``: results into MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import ExperimentOption, ResultsOption

EXAMPLES = """Examples:

  mechcore track --experiment config/default.yaml --results results/default

  MLFLOW_TRACKING_URI=http://tracking:5000 mechcore track --experiment config/default.yaml
  --results results/default
"""


def command(
    experiment: ExperimentOption,
    results: ResultsOption,
    output: Annotated[Path | None, typer.Option(help="Receipt to write: run ids by cell.")] = None,
) -> None:
    """Log finished cells to MLflow: a run a cell, nothing twice."""
    from mechcore.config import load_experiment

    planned = load_experiment(experiment)

    from mechcore.tracking import track, write_receipt

    receipt = track(planned, results)
    if output:
        write_receipt(receipt, output)
    typer.echo(
        f"{receipt.logged} logged, {receipt.unchanged} unchanged, "
        f"{receipt.superseded} superseded in {receipt.uri}"
    )
