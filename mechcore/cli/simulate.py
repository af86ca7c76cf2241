"""``mechcore simulate``: one cell of a grid."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import OutputOption
from mechcore.cli.outputs import check_outputs, inputs_of
from mechcore.experiment.cell import Cell

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
        typer.Option(help="Folder for backup links; a cell that already has one is not run again."),
    ] = None,
) -> None:
    """Run all simulations of one cell and write their trajectories."""
    planned = Cell.from_json(cell)

    from mechcore.analysis.collect import write_measures
    from mechcore.io.netcdf import write_dataset
    from mechcore.jobs.cost import FINISHED_BEFORE
    from mechcore.jobs.resume import simulate_once
    from mechcore.simulation.run import simulate

    inputs, second = inputs_of(planned), keep / output.name if keep else None
    check_outputs({"--output": output, "--keep": second}, inputs, ".nc")
    check_outputs({"--output": output, "--measures": measures}, inputs)
    ran = True
    if keep:
        ran = simulate_once(planned, output, keep)
    else:
        write_dataset(simulate(planned), output)
    if measures:
        write_measures(output, planned, measures)
    outcome = f"{planned.simulations} simulations" if ran else FINISHED_BEFORE
    typer.echo(f"{planned.id}: {outcome}")
