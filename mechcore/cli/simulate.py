"""``mechcore simulate``: one cell of a grid."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from mechcore.cli.options import OutputOption

EXAMPLES = """Examples:

  mechcore simulate --output cell.nc --cell '{"kernel": "dct", "activation": "relu", "size": 3,
  "betas": {"count": 21}}'
"""


def command(
    cell: Annotated[str, typer.Option(help="The cell as one line of JSON.")],
    output: OutputOption,
) -> None:
    """Run all simulations of one cell and write their trajectories."""
    from mechcore.cells import Cell

    planned = Cell.from_json(cell)

    from mechcore.storage import check_output, write_dataset

    check_output(output)
    # Films are jobs of their own, and not collected.
    of_grid = output.parent.name == "trajectories"
    if of_grid:
        from mechcore.finished import FINISHED_BEFORE, replace_by_link, second_name, take_finished

        if take_finished(planned, output):
            typer.echo(f"{planned.id}: {FINISHED_BEFORE}")
            return

    from mechcore.measured import measured
    from mechcore.simulation import simulate

    start = time.perf_counter()
    dataset = simulate(planned)
    if of_grid:
        write_dataset(dataset, second_name(output))
        replace_by_link(second_name(output), output)
        # Here many jobs do it at once; later a single one would do it for all cells.
        measured(output, planned)
    else:
        write_dataset(dataset, output)
    seconds = time.perf_counter() - start
    typer.echo(f"{planned.id}: {planned.simulations} simulations in {seconds:.2f} s")
