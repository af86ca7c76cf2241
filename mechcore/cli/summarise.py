"""``mechcore summarise``: what a run of a grid was, and what came out, cell by cell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import ExperimentOption, OutputOption, RecordOption, ResultsOption
from mechcore.cli.outputs import check_outputs, inputs_of

EXAMPLES = """Examples:

  mechcore summarise --experiment config/default.yaml --results results/default
  --logs logs/default --output results/default/sweep.json --cells results/default/cells.csv
"""


def command(
    experiment: ExperimentOption,
    results: ResultsOption,
    output: OutputOption,
    cells: Annotated[Path, typer.Option(help="Table of the cells to write.")],
    logs: Annotated[
        Path | None,
        typer.Option(help="Folder of the logs of the experiment: time and memory of each cell."),
    ] = None,
    record: RecordOption = None,
) -> None:
    """Write what made the results of an experiment, and one row of numbers a cell."""
    from mechcore.config import load_experiment

    planned = load_experiment(experiment)

    from mechcore.evidence import Evidence
    from mechcore.stages import write_record
    from mechcore.sweeps import describe_sweep, write_description
    from mechcore.tables import write_table
    from mechcore.verdicts import CLAIMS_FILE

    inputs = inputs_of(planned, experiment, results, results / CLAIMS_FILE)
    check_outputs({"--output": output, "--cells": cells, "--record": record}, inputs)
    sweep = describe_sweep(Evidence.load(planned, results), logs)
    write_table(sweep.cells, cells)
    write_description(sweep, output)
    write_record(record, "summarise", planned, [output, cells])
    typer.echo(f"sweep {sweep.identifier}: {len(sweep.records)} cells of {sweep.experiment}")
