"""``mechcore simulate``: one cell of a grid."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mechcore.cli.options import OutputOption
from mechcore.cli.outputs import check_outputs, inputs_of

if TYPE_CHECKING:
    from mechcore.experiment.cell import Cell

EXAMPLES = """Examples:

  mechcore simulate --output cell.nc --cell '{"kernel": "dct", "activation": "relu", "size": 3,
  "betas": {"count": 21}}'
"""


def command(
    cell: Annotated[str, typer.Option(help="The cell as one line of JSON.")],
    output: OutputOption,
) -> None:
    """Run all simulations of one cell and write their trajectories."""
    from mechcore.experiment.cell import Cell

    planned = Cell.from_json(cell)

    from mechcore.io.netcdf import write_dataset
    from mechcore.jobs.resume import FINISHED_BEFORE
    from mechcore.simulation.run import simulate

    check_outputs({"--output": output}, inputs_of(planned), ".nc")
    start = time.perf_counter()
    # Films are jobs of their own, and not collected.
    if output.parent.name != "trajectories":
        write_dataset(simulate(planned), output)
    elif _finished_before(planned, output):
        typer.echo(f"{planned.id}: {FINISHED_BEFORE}")
        return
    seconds = time.perf_counter() - start
    typer.echo(f"{planned.id}: {planned.simulations} simulations in {seconds:.2f} s")


def _finished_before(planned: Cell, output: Path) -> bool:
    """Make the file of a cell of a grid, unless it only has to be given its name again."""
    from mechcore.analysis.collect import measured
    from mechcore.io.netcdf import write_dataset
    from mechcore.jobs.resume import replace_by_link, second_name, take_finished
    from mechcore.simulation.run import simulate

    found = take_finished(planned, output)
    if not found:
        write_dataset(simulate(planned), second_name(output))
        replace_by_link(second_name(output), output)
    # Here many jobs do it at once; later a single one would do it for all cells.
    measured(output, planned)
    return found
