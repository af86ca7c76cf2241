"""``mechcore regress``: speed against odd energy ratio, beta and celerity."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import OutputOption

EXAMPLES = """Examples:

  mechcore regress --metrics results/default/metrics.csv --output results/default/regressions.csv
"""


def command(
    metrics: Annotated[Path, typer.Option(help="The table that collect wrote.")],
    output: OutputOption,
    boundary: Annotated[str, typer.Option(help="Boundary, part of the cells' names.")] = "free",
) -> None:
    """Fit speed against odd energy ratio, beta and celerity, for each cell and pattern."""
    from mechcore.regressions import regress
    from mechcore.tables import read_metrics, write_table

    table = regress(read_metrics(metrics), boundary)
    write_table(table, output)
    typer.echo(f"{len(table)} fits")
