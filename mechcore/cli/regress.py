"""``mechcore regress``: fits of speed, cell by cell, curve by curve, and pooled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import OutputOption
from mechcore.cli.outputs import check_outputs

EXAMPLES = """Examples:

  mechcore regress --metrics results/default/metrics.csv --kernels results/default/kernels.csv
  --output results/default/regressions.csv --models results/default/models.csv
  --pooled results/default/pooled.csv
"""


def command(
    metrics: Annotated[Path, typer.Option(help="The table of simulations that collect wrote.")],
    kernels: Annotated[Path, typer.Option(help="The table of kernels that collect wrote.")],
    output: OutputOption,
    models: Annotated[Path, typer.Option(help="Comparison of curves to write.")],
    pooled: Annotated[Path, typer.Option(help="Lines through many cells to write.")],
) -> None:
    """Fit speed against odd energy ratio, beta and celerity: lines, curves, and cells pooled."""
    outputs = {"--output": output, "--models": models, "--pooled": pooled}
    check_outputs(outputs, [metrics, kernels])

    from mechcore.analysis.curve_comparison import compare_models
    from mechcore.analysis.pooled import pool
    from mechcore.analysis.regressions import regress
    from mechcore.analysis.tables import write_table
    from mechcore.results.results import TABLES

    metrics_table, kernels_table = TABLES["metrics"](metrics), TABLES["kernels"](kernels)
    lines = regress(metrics_table)
    write_table(pool(metrics_table, kernels_table), pooled)
    write_table(compare_models(metrics_table, kernels_table), models)
    write_table(lines, output)
    typer.echo(f"{len(lines)} lines")
