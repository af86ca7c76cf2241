"""``mechcore pack``: a finished experiment as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import ExperimentOption, OutputOption, ResultsOption
from mechcore.cli.outputs import check_outputs, inputs_of
from mechcore.experiment.config import load_experiment
from mechcore.io.json_models import is_json

EXAMPLES = """Examples:

  mechcore pack --experiment config/paper.yaml --results results/paper
  --report reports/paper/index.html --output paper.zip
"""


def command(
    experiment: ExperimentOption,
    results: ResultsOption,
    report: Annotated[Path, typer.Option(help="The page of the report.")],
    output: OutputOption,
) -> None:
    """Pack configuration, results and report of a finished experiment into one RO-Crate."""
    planned = load_experiment(experiment)

    from mechcore.results.archive.writing import pack

    check_outputs({"--output": output}, inputs_of(planned, experiment, results, report))
    original = None if is_json(experiment) else Path(experiment)
    count = pack(planned, results, report, output, original)
    typer.echo(f"{output}: {count} files, {output.stat().st_size / 1e6:.1f} MB")
