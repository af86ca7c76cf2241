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

    from mechcore.storage import check_output, is_result_of, write_dataset

    check_output(output)
    if is_result_of(planned, output):
        # Finished by a job that was lost sight of, as when the workflow was killed on a cluster.
        output.touch()
        typer.echo(f"{planned.id}: {output} is there, whole, made by the same code")
        return

    from mechcore.measured import measured
    from mechcore.simulation import simulate

    start = time.perf_counter()
    write_dataset(simulate(planned), output)
    if output.parent.name == "trajectories":
        # Here many jobs do it at once; later a single one would do it for all cells.
        measured(output, planned)
    seconds = time.perf_counter() - start
    typer.echo(f"{planned.id}: {planned.simulations} simulations in {seconds:.2f} s")
