"""``mechcore grid``: what a configuration would run."""

from __future__ import annotations

from typing import Annotated

import typer

EXAMPLES = """Examples:

  mechcore grid config/default.yaml

  mechcore grid config/full.yaml | tail -1
"""


def command(
    config: Annotated[str, typer.Argument(help="Configuration: a YAML file, or one line of JSON.")],
    only_name: Annotated[
        bool, typer.Option("--name", help="Print the experiment's name only.")
    ] = False,
) -> None:
    """List the cells of a configuration, the number of simulations and what they cost."""
    from mechcore.config import load_experiment
    from mechcore.cost import estimated_cost
    from mechcore.grid import expand

    experiment = load_experiment(config)
    if only_name:
        typer.echo(experiment.experiment)
        return
    cells = expand(experiment)
    costs = {name: estimated_cost(cell) for name, cell in cells.items()}
    width = max(map(len, cells))
    typer.echo(f"{'cell':<{width}}  simulations  est. seconds")
    for name, cell in cells.items():
        typer.echo(f"{name:<{width}}  {cell.simulations:11d}  {costs[name].seconds:12.1f}")
    if experiment.filter_banks:
        names = ", ".join(bank.label for bank in experiment.filter_banks)
        typer.echo(f"not counted: banks of trained kernels ({names})")
    seconds = sum(cost.seconds for cost in costs.values())
    megabytes = sum(cost.megabytes for cost in costs.values())
    typer.echo(
        f"{len(cells)} cells, {sum(cell.simulations for cell in cells.values())} simulations; "
        f"estimated {seconds / 60:.1f} core-minutes, {megabytes:.0f} MB before compression"
    )
