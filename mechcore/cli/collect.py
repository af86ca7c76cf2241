"""``mechcore collect``: the table of metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import ExperimentOption, OutputOption

EXAMPLES = """Examples:

  mechcore collect --experiment config/default.yaml --trajectories results/default/trajectories
  --output results/default/metrics.csv
"""


def command(
    experiment: ExperimentOption,
    trajectories: Annotated[Path, typer.Option(help="Folder of the cells' netCDF files.")],
    output: OutputOption,
) -> None:
    """Measure all trajectories of an experiment and write one row a simulation."""
    from mechcore.config import load_experiment
    from mechcore.grid import expand

    cells = expand(load_experiment(experiment))

    from mechcore.tables import collect_metrics, write_table

    table = collect_metrics(cells, trajectories)
    write_table(table, output)
    typer.echo(f"{len(table)} simulations of {len(cells)} cells")
