"""``mechcore grid``: what a configuration would run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import CONFIGURATION
from mechcore.experiment.config import load_experiment
from mechcore.experiment.grid import expand
from mechcore.experiment.training import planned_runs
from mechcore.io.cache_folder import require_room

EXAMPLES = """Examples:

  mechcore grid config/paper.yaml

  mechcore grid config/full.yaml --profile slurm | tail -4

  mechcore grid config/paper.yaml --set sizes=[2,3] --set "betas={count: 5}"
"""


def command(
    config: Annotated[str, typer.Argument(help=CONFIGURATION)],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="KEY=VALUE in place of the file's, as sizes=[2,3]; repeatable."),
    ] = None,
    only_name: Annotated[bool, typer.Option("--name", help="Print only the name.")] = False,
    profile: Annotated[
        str | None, typer.Option(help="Scheduler profile, as slurm; also forecasts its jobs.")
    ] = None,
) -> None:
    """List the cells of a configuration, the number of simulations and what they cost."""
    experiment = load_experiment(config, settings=settings or ())
    if only_name:
        # For make, which starts Snakemake next.
        require_room()
        typer.echo(experiment.experiment)
        return

    from mechcore.jobs.cost import estimated_cost
    from mechcore.jobs.forecast import cpu_time, forecast, profile_group_sizes, times_longer

    group_sizes = profile_group_sizes(profile) if profile else {}
    cells = expand(experiment)
    costs = {name: estimated_cost(cell) for name, cell in cells.items()}
    width = max(map(len, cells))
    typer.echo(f"{'cell':<{width}}  simulations  est. seconds")
    for name, cell in cells.items():
        typer.echo(f"{name:<{width}}  {cell.simulations:11d}  {costs[name].seconds:12.1f}")
    if experiment.filter_banks:
        names = ", ".join(bank.label for bank in experiment.filter_banks)
        typer.echo(f"not counted: banks of trained kernels ({names})")
    if experiment.networks:
        names = ", ".join(name for network in experiment.networks for name in network.run_names)
        typer.echo(f"not counted: whole networks ({names})")
    trainings = len(planned_runs(experiment.training))
    if trainings:
        typer.echo(f"not counted: {trainings} trainings of networks")
    expected = forecast(costs, group_sizes)
    typer.echo(
        f"{len(cells)} cells, {sum(cell.simulations for cell in cells.values())} simulations; "
        f"estimated {cpu_time(3600 * expected.hours)}, {expected.disk:.0f} MB of disk before "
        "compression, cells only"
    )
    if group_sizes:
        typer.echo(
            f"{expected.jobs} jobs of cells; the largest asks for {expected.longest} minutes and "
            f"{expected.megabytes} MB"
        )
    elif profile:
        typer.echo(f"{len(cells)} jobs, one for each cell")
    last = times_longer(cells, Path("logs") / experiment.experiment)
    if last:
        typer.echo(f"last run: {last[0]} cells took {last[1]:.2f} times as long as estimated")
