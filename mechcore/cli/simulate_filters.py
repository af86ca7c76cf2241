"""``mechcore simulate-filters``: trained kernels under the engine."""

from __future__ import annotations

from typing import Annotated

import typer

from mechcore.cli.options import OutputOption, WeightsArgument
from mechcore.cli.outputs import check_outputs, inputs_of
from mechcore.experiment.banks import FilterRun
from mechcore.io.json_models import parsed_json, validated

EXAMPLES = """Examples:

  mechcore simulate-filters resources/banks/digits.safetensors --output runs.nc
  --settings '{"activations": ["relu"], "patterns": ["disc"], "slices_per_layer": 8}'
"""


def command(
    weights: WeightsArgument,
    settings: Annotated[
        str, typer.Option(help="Activations, patterns and the like, as one line of JSON.")
    ],
    output: OutputOption,
) -> None:
    """Send patterns through layers of the strongest kernels of a weight file."""
    planned = validated(FilterRun, parsed_json(settings, "settings"), "settings")

    from mechcore.filters.bank import load_bank
    from mechcore.filters.runs import simulate_bank
    from mechcore.io.netcdf import write_groups

    check_outputs({"--output": output}, inputs_of(planned, weights), ".nc")
    groups = simulate_bank(load_bank(weights, **dict(planned.reading)), planned)
    write_groups(groups, output)
    kernels = sum(group.sizes.get("slice", 0) for group in groups.values())
    typer.echo(f"{weights}: {kernels} kernels under {', '.join(planned.activations)}")
