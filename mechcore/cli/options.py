"""Options that several subcommands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.experiment.weights import FORMATS

ExperimentOption = Annotated[
    str,
    typer.Option("--experiment", help="Configuration: a YAML file, or one line of JSON."),
]
ResultsOption = Annotated[
    Path,
    typer.Option("--results", help="Folder that holds the results of the experiment."),
]
WeightsArgument = Annotated[Path, typer.Argument(help=f"Weight file: {', '.join(FORMATS)}.")]
LayoutOption = Annotated[
    str,
    typer.Option(help="Order of the axes where the file does not state it: auto, torch or keras."),
]
RecordOption = Annotated[
    Path | None,
    typer.Option("--record", help="Record to write: how the files were made, and their hashes."),
]
OutputOption = Annotated[Path, typer.Option("--output", "-o", help="File to write.")]
