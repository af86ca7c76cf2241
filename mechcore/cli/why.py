"""``mechcore why``: what runs again, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import CONFIGURATION
from mechcore.experiment.config import load_experiment
from mechcore.experiment.grid import expand
from mechcore.experiment.paths import RESULTS, TRAJECTORIES

EXAMPLES = """Examples:

  mechcore why config/paper.yaml

  mechcore why config/paper.yaml --results results/paper
"""


def command(
    config: Annotated[str, typer.Argument(help=CONFIGURATION)],
    results: Annotated[
        Path | None, typer.Option(help="Folder of the results; by the experiment's name.")
    ] = None,
) -> None:
    """Say of each cell that is not up to date why: a setting, an own entry or the code changed."""
    experiment = load_experiment(config)

    from mechcore.simulation.reading import reasons_to_run

    folder = (results or Path(RESULTS, experiment.experiment)) / TRAJECTORIES
    cells = expand(experiment)
    reasons = {name: reasons_to_run(folder / f"{name}.nc", cell) for name, cell in cells.items()}
    for name, known in reasons.items():
        if known:
            typer.echo(f"{name}: {'; '.join(known)}")
    waiting = sum(map(bool, reasons.values()))
    typer.echo(f"{waiting} of {len(cells)} cells to run")
