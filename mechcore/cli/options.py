"""Options that several subcommands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.experiment.weights import FORMATS, LAYOUTS

CONFIGURATION = "Configuration: a YAML file, or one line of JSON."

ExperimentOption = Annotated[str, typer.Option("--experiment", help=CONFIGURATION)]
ResultsOption = Annotated[
    Path, typer.Option("--results", help="Folder that holds the results of the experiment.")
]
LogsOption = Annotated[
    Path | None, typer.Option("--logs", help="Folder of the logs: time, memory, what failed.")
]
ReportOption = Annotated[Path | None, typer.Option("--report", help="The page of the report.")]
PartialOption = Annotated[
    bool, typer.Option("--partial", help="Use only the cells finished so far.")
]
WeightFilesArgument = Annotated[
    list[Path], typer.Argument(help="Weight files, folders of them, or patterns as 'runs/*.pth'.")
]
WeightsArgument = Annotated[
    Path, typer.Argument(help=f"Weight file of {', '.join(FORMATS)}, told by its content.")
]
LayoutOption = Annotated[
    str,
    typer.Option(help=f"Order of the axes where the file does not state it: {', '.join(LAYOUTS)}."),
]
SelectOption = Annotated[
    list[str] | None, typer.Option(help="Only tensors with such names, as 'layer1.*'; repeatable.")
]
ExcludeOption = Annotated[
    list[str] | None, typer.Option(help="No tensors with such names, as '*.stft.*'; repeatable.")
]
FoldOption = Annotated[
    bool,
    typer.Option(
        "--fold-batchnorm",
        help="Apply the batch normalisation that follows a convolution to its kernels.",
    ),
]
OutputOption = Annotated[Path, typer.Option("--output", "-o", help="File to write.")]
OptionalOutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", help="Output file (optional).")
]
