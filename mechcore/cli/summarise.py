"""``mechcore summarise``: what a run of a grid was, and what came out, cell by cell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import ExperimentOption, OutputOption, ResultsOption

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
) -> None:
    """Write what made the results of an experiment, and one row of numbers a cell."""
    from mechcore.config import load_experiment
    from mechcore.storage import check_output

    planned = load_experiment(experiment)
    for path in (output, cells):
        check_output(path)

    from mechcore.evidence import Evidence
    from mechcore.sweeps import describe_sweep, write_description
    from mechcore.tables import write_table

    sweep = describe_sweep(Evidence.load(planned, results), logs)
    write_table(sweep.cells, cells)
    write_description(sweep, output)
    typer.echo(f"sweep {sweep.identifier}: {len(sweep.records)} cells of {sweep.experiment}")
