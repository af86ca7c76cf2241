"""``mechcore collect``: the tables of measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import ExperimentOption, OutputOption
from mechcore.cli.outputs import check_outputs, inputs_of
from mechcore.experiment.config import load_experiment
from mechcore.experiment.grid import expand

EXAMPLES = """Examples:

  mechcore collect --experiment config/paper.yaml --trajectories results/paper/trajectories
  --output results/paper/metrics.csv --mechanics results/paper/mechanics.csv
  --kernels results/paper/kernels.csv --regressions results/paper/regressions.csv
  --pooled results/paper/pooled.csv
"""


def command(
    experiment: ExperimentOption,
    trajectories: Annotated[Path, typer.Option(help="Folder of the cells' netCDF files.")],
    output: OutputOption,
    mechanics: Annotated[Path, typer.Option(help="Table of motion and widths to write.")],
    kernels: Annotated[Path, typer.Option(help="Table of kernels to write.")],
    regressions: Annotated[
        Path | None, typer.Option(help="Lines through each cell to write, as regress does.")
    ] = None,
    pooled: Annotated[Path | None, typer.Option(help="Lines through many cells to write.")] = None,
    forget: Annotated[
        Path | None,
        typer.Option(help="Folder of `simulate --keep`, from which these cells are removed."),
    ] = None,
) -> None:
    """Measure the trajectories of all cells of an experiment, one row a simulation."""
    planned = load_experiment(experiment)
    cells = expand(planned)
    measured = {"--output": output, "--mechanics": mechanics, "--kernels": kernels}
    outputs = {**measured, "--regressions": regressions, "--pooled": pooled}
    check_outputs(outputs, inputs_of(planned, experiment, trajectories))

    from mechcore.analysis.collect import collect
    from mechcore.analysis.pooled import pool
    from mechcore.analysis.regressions import regress
    from mechcore.analysis.units import write_with_units
    from mechcore.jobs.resume import forget_finished

    tables = collect(cells, trajectories)
    write_with_units(tables.kernels, kernels)
    write_with_units(tables.mechanics, mechanics)
    write_with_units(tables.metrics, output)
    for fit, path in ((regress, regressions), (pool, pooled)):
        if path:
            write_with_units(fit(tables.metrics, tables.kernels), path)
    if forget:
        forget_finished(forget, cells)
    typer.echo(f"{len(tables.metrics)} simulations of {len(cells)} cells")
