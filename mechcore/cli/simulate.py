"""``mechcore simulate``: one cell of a grid."""

from __future__ import annotations

import time
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
    keep: Annotated[
        Path | None,
        typer.Option(help="Folder for backup links; a cell that already has one is not run again."),
    ] = None,
) -> None:
    """Run all simulations of one cell and write their trajectories."""
    planned = Cell.from_json(cell)

    inputs, second = inputs_of(planned), keep / output.name if keep else None
    check_outputs({"--output": output, "--keep": second}, inputs, ".nc")
    from mechcore.io.netcdf import ROOT, write_contents
    from mechcore.jobs.cost import spent_since
    from mechcore.jobs.resume import FINISHED_BEFORE, simulate_once
    from mechcore.simulation.run import simulated

    start = time.monotonic()
    if keep and not simulate_once(planned, output, keep):
        typer.echo(f"{planned.id}: {FINISHED_BEFORE}")
        return
    if not keep:
        write_contents({ROOT: simulated(planned)}, output)
    typer.echo(f"{planned.id}: {planned.simulations} simulations in {spent_since(start)}")
