"""``mechcore judge``: the claims of the paper and their verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import ExperimentOption, LogsOption, OutputOption, ResultsOption
from mechcore.cli.outputs import check_outputs, inputs_of
from mechcore.experiment.config import load_experiment

EXAMPLES = """Examples:

  mechcore judge --experiment config/paper.yaml --results results/paper
  --output results/paper/claims.json
"""


def command(
    experiment: ExperimentOption,
    results: ResultsOption,
    output: OutputOption,
    sweep: Annotated[
        Path | None, typer.Option(help="Description of the run to write, as summarise does.")
    ] = None,
    cells: Annotated[Path | None, typer.Option(help="Table of the cells to write.")] = None,
    census: Annotated[
        Path | None, typer.Option(help="Table of the layers of all networks to write.")
    ] = None,
    networks: Annotated[
        Path | None, typer.Option(help="Table of the layers of whole networks to write.")
    ] = None,
    logs: LogsOption = None,
) -> None:
    """Put the claims of the paper to their tests, and print the verdicts."""
    planned = load_experiment(experiment)

    from mechcore.analysis.units import write_with_units
    from mechcore.claims.criteria import judge
    from mechcore.claims.verdict import write_claims
    from mechcore.results.results import Results
    from mechcore.results.sweep import describe_sweep, write_description

    outputs = {"--output": output, "--sweep": sweep, "--cells": cells}
    outputs |= {"--census": census, "--networks": networks}
    check_outputs(outputs, inputs_of(planned, experiment, results))
    loaded = Results.load(planned, results)
    claims = judge(loaded)
    write_claims(claims, output)
    if census:
        write_with_units(loaded.census, census)
    if networks:
        write_with_units(loaded.network_layers, networks)
    if sweep or cells:
        described = describe_sweep(loaded, logs)
        if cells:
            write_with_units(described.cells, cells)
        if sweep:
            write_description(described, sweep)
    if planned.axes:
        typer.echo(f"judged at {planned.setting}")
    for claim in claims:
        typer.echo(f"{claim.id:4} {claim.verdict:18} {claim.statement}")
