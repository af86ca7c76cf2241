"""``mechcore collect``: the tables of measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import ExperimentOption, OutputOption

EXAMPLES = """Examples:

  mechcore collect --experiment config/default.yaml --trajectories results/default/trajectories
  --output results/default/metrics.csv --mechanics results/default/mechanics.csv
  --kernels results/default/kernels.csv
"""


def command(
    experiment: ExperimentOption,
    trajectories: Annotated[Path, typer.Option(help="Folder of the cells' netCDF files.")],
    output: OutputOption,
    mechanics: Annotated[Path, typer.Option(help="Table of motion and widths to write.")],
    kernels: Annotated[Path, typer.Option(help="Table of kernels to write.")],
) -> None:
    """Measure all trajectories of an experiment and write one row a simulation."""
    from mechcore.config import load_experiment
    from mechcore.grid import expand

    cells = expand(load_experiment(experiment))

    from mechcore.finished import forget_finished
    from mechcore.measured import collect
    from mechcore.tables import write_table

    measured = collect(cells, trajectories)
    write_table(measured.kernels, kernels)
    write_table(measured.mechanics, mechanics)
    write_table(measured.metrics, output)
    forget_finished(trajectories, cells)
    typer.echo(f"{len(measured.metrics)} simulations of {len(cells)} cells")
