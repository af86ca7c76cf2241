"""``mechcore train``: one network of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import OutputOption
from mechcore.cli.outputs import check_outputs
from mechcore.errors import MechcoreError
from mechcore.experiment.training import TrainingRun
from mechcore.io.json_models import parsed_json, validated

EXAMPLES = """Examples:

  mechcore train --output net.nc '{"architecture": "plain", "size": 3, "activation": "relu",
  "restriction": "all", "initialisation": "he", "seed": 0, "epochs": 20}'
"""

PACKAGES = {"torch": "PyTorch", "sklearn": "scikit-learn"}
"""What is imported, and as people know it."""


def command(
    run: Annotated[str, typer.Argument(help="The training as one line of JSON.")],
    output: OutputOption,
    start: Annotated[
        Path | None, typer.Option(help="Weights of the network that is cut and fine-tuned.")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(help="File that keeps the state after each epoch, to go on from there."),
    ] = None,
) -> None:
    """Train a network, and measure its kernels at every epoch.

    Writes the trajectory; beside it the weights (.safetensors) and their card (.md).
    """
    planned = validated(TrainingRun, parsed_json(run, "run"), "run")
    if (planned.cut is None) != (start is None):
        raise MechcoreError("--start: goes with a run that has a cut, expected both or none")
    inputs = [*planned.named_files, start]
    beside = {f"--output, {kind}": output.with_suffix(kind) for kind in (".safetensors", ".md")}
    check_outputs({"--state": state, **beside}, inputs)
    check_outputs({"--output": output}, inputs, ".nc")

    from mechcore.training.array_files import read_weights
    from mechcore.training.data import load_data
    from mechcore.training.trajectory import write_training

    weights = read_weights(start) if start else None
    try:
        data = load_data(planned)
        from mechcore.training.train import train
    except ModuleNotFoundError as error:
        if error.name not in PACKAGES:
            raise
        name = PACKAGES[error.name]
        raise MechcoreError(f"needs {name}: pip install 'mechcore[train]', or make torch") from None
    trained, history = train(planned, data, weights, state, typer.echo)
    write_training(planned, data, trained, history, output)
    typer.echo(f"{planned.id}: score {history['score'][-1]:.4g}")
