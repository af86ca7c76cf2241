"""``mechcore reproduce``: published numbers of the paper beside ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import OptionalOutputOption
from mechcore.cli.outputs import check_outputs
from mechcore.errors import MechcoreError
from mechcore.experiment.published import FILES

EXAMPLES = """Examples:

  mechcore reproduce --output reproduction.csv

  mechcore reproduce --figure propagation_experiments/Laplace --quantity mu_x --at "t = 5"
"""

MOST_ROWS = 40
"""Of more numbers, only those are printed that do not agree."""

PRINTED = (
    *("figure", "quantity", "at", "published", "ours", "difference", "tolerance", "within", "note"),
)


def command(
    published: Annotated[
        Path, typer.Option(help="Folder with numbers, curves and protocols.")
    ] = Path("resources/published"),
    figure: Annotated[str, typer.Option(help="Beginning of the names of figures.")] = "",
    quantity: Annotated[str, typer.Option(help="Beginning of the names of quantities.")] = "",
    at: Annotated[str, typer.Option(help="Beginning of what identifies a number.")] = "",
    output: OptionalOutputOption = None,
) -> None:
    """Compute the published numbers again, and print how many agree."""
    check_outputs({"--output": output}, [published / name for name in FILES], ".csv")

    from mechcore.analysis.units import write_with_units
    from mechcore.claims.reproduction import reproduce, summary

    table = reproduce(published, figure, quantity, at)
    if table.empty:
        raise MechcoreError(f"{published}: no number of such a figure, quantity and place")
    if output:
        write_with_units(table, output)
    shown = table
    if len(table) > MOST_ROWS:
        typer.echo(summary(table).to_string(index=False))
        shown = table[~table.within]
    if len(shown):
        typer.echo(shown[[*PRINTED]].to_string(index=False))
    typer.echo(f"{table.within.sum():,} of {len(table):,} published numbers agree")
