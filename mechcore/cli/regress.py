"""``mechcore regress``: fits of speed, cell by cell and pooled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import OutputOption
from mechcore.cli.outputs import check_outputs

EXAMPLES = """Examples:

  mechcore regress --metrics results/paper/metrics.csv --kernels results/paper/kernels.csv
  --output results/paper/regressions.csv --pooled results/paper/pooled.csv
"""


def command(
    metrics: Annotated[Path, typer.Option(help="The table of simulations that collect wrote.")],
    kernels: Annotated[Path, typer.Option(help="The table of kernels that collect wrote.")],
    output: OutputOption,
    pooled: Annotated[Path, typer.Option(help="Lines through many cells to write.")],
) -> None:
    """Fit speed against odd energy ratio, beta and celerity, and test the law of the paper."""
    outputs = {"--output": output, "--pooled": pooled}
    check_outputs(outputs, [metrics, kernels])

    from mechcore.analysis.pooled import pool
    from mechcore.analysis.regressions import regress
    from mechcore.analysis.units import write_with_units
    from mechcore.results.results import TABLES

    metrics_table, kernels_table = TABLES["metrics"](metrics), TABLES["kernels"](kernels)
    lines = regress(metrics_table, kernels_table)
    write_with_units(pool(metrics_table, kernels_table), pooled)
    write_with_units(lines, output)
    typer.echo(f"{len(lines)} lines")
