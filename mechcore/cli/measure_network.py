"""``mechcore measure-network``: a network on a set of images, beside untrained copies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import OutputOption
from mechcore.cli.outputs import check_outputs
from mechcore.experiment.networks import NetworkRun
from mechcore.io.json_models import parsed_json, validated

EXAMPLES = """Examples:

  mechcore measure-network resources/networks/digits.onnx --output digits.nc
  --settings '{"images": "digits", "count": 16, "flipped": 8}'
"""


def command(
    model: Annotated[Path, typer.Argument(help="Network as an ONNX file.")],
    settings: Annotated[
        str, typer.Option(help="Images, their number and the like, as one line of JSON.")
    ],
    output: OutputOption,
) -> None:
    """Measure how a network and copies of it with other kernels move what they see."""
    run = validated(NetworkRun, parsed_json(settings, "settings"), "settings")
    check_outputs({"--output": output}, [model], ".nc")

    from mechcore.networks.measurement import measure_network
    from mechcore.networks.measurement_file import write_measurement

    measurement = measure_network(model, run)
    write_measurement(measurement, output)
    sizes = measurement.prediction.sizes
    typer.echo(f"{model}: {sizes['layer']} layers on {sizes['image']} images of {run.images}")
