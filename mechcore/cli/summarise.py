"""``mechcore summarise``: the description of a run, and its results cell by cell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import ExperimentOption, LogsOption, OutputOption, ResultsOption
from mechcore.cli.outputs import check_outputs, inputs_of
from mechcore.experiment.config import load_experiment
from mechcore.experiment.paths import CLAIMS_FILE

EXAMPLES = """Examples:

  mechcore summarise --experiment config/paper.yaml --results results/paper
  --logs logs/paper --output results/paper/sweep.json --cells results/paper/cells.csv
"""


def command(
    experiment: ExperimentOption,
    results: ResultsOption,
    output: OutputOption,
    cells: Annotated[Path, typer.Option(help="Table of the cells to write.")],
    logs: LogsOption = None,
) -> None:
    """Write how the results of an experiment were made, and one row of numbers a cell."""
    planned = load_experiment(experiment)

    from mechcore.analysis.units import write_with_units
    from mechcore.results.results import Results
    from mechcore.results.sweep import describe_sweep, write_description

    inputs = inputs_of(planned, experiment, results, results / CLAIMS_FILE)
    check_outputs({"--output": output, "--cells": cells}, inputs)
    sweep = describe_sweep(Results.load(planned, results), logs)
    write_with_units(sweep.cells, cells)
    write_description(sweep, output)
    typer.echo(f"sweep {sweep.identifier}: {len(sweep.records)} cells of {sweep.experiment}")
