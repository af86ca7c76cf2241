"""``mechcore simulate``: one cell of a grid."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import OutputOption
from mechcore.cli.outputs import check_outputs, inputs_of

EXAMPLES = """Examples:

  mechcore simulate --output cell.nc --cell '{"kernel": "dct", "activation": "relu", "size": 3,
  "betas": {"count": 21}}'
"""


def command(
    cell: Annotated[str, typer.Option(help="The cell as one line of JSON.")],
    output: OutputOption,
    measures: Annotated[
        Path | None, typer.Option(help="CSV file to write: what is measured on the trajectories.")
    ] = None,
    keep: Annotated[
        Path | None,
        typer.Option(
            help="Folder in which the output gets a second name; what has it is not run again."
        ),
    ] = None,
) -> None:
    """Run all simulations of one cell and write their trajectories."""
    from mechcore.experiment.cell import Cell

    planned = Cell.from_json(cell)

    from mechcore.analysis.collect import write_measures
    from mechcore.io.netcdf import write_dataset
    from mechcore.jobs.cost import FINISHED_BEFORE
    from mechcore.jobs.resume import simulate_once
    from mechcore.simulation.run import simulate

    inputs = inputs_of(planned)
    check_outputs({"--output": output}, inputs, ".nc")
    second = keep / output.name if keep else None
    check_outputs({"--output": output, "--measures": measures, "--keep": second}, inputs)
    start = time.perf_counter()
    ran = True
    if keep:
        ran = simulate_once(planned, output, keep)
    else:
        write_dataset(simulate(planned), output)
    seconds = time.perf_counter() - start
    if measures:
        write_measures(output, planned, measures)
    outcome = f"{planned.simulations} simulations in {seconds:.2f} s" if ran else FINISHED_BEFORE
    typer.echo(f"{planned.id}: {outcome}")
