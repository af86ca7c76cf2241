"""``mechcore report``: the page for readers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import ExperimentOption, OutputOption, RecordOption, ResultsOption
from mechcore.cli.outputs import check_outputs, inputs_of

EXAMPLES = """Examples:

  mechcore report --experiment config/default.yaml --results results/default
  --output reports/default/index.html

  mechcore report --experiment config/full.yaml --results results/full --logs logs/full
  --partial --output reports/full/index.html
"""


def command(
    experiment: ExperimentOption,
    results: ResultsOption,
    output: OutputOption,
    logs: Annotated[
        Path | None,
        typer.Option(help="Folder of the logs, which show which cells failed."),
    ] = None,
    partial: Annotated[
        bool,
        typer.Option("--partial", help="Measure and judge only the cells that are finished."),
    ] = False,
    record: RecordOption = None,
) -> None:
    """Draw the figures and write the report, one self-contained page."""
    from mechcore.experiment.config import load_experiment

    planned = load_experiment(experiment)

    from mechcore.experiment.paths import CLAIMS_FILE
    from mechcore.jobs.stages import record_file, write_record
    from mechcore.report.page import write_report

    inputs = inputs_of(planned, experiment, results, results / CLAIMS_FILE)
    check_outputs({"--output": output, "--record": record}, inputs)
    files = write_report(planned, results, output, logs, partial=partial)
    if partial:
        # It describes the page that was replaced.
        record_file(output.parent, "report").unlink(missing_ok=True)
    else:
        write_record(record, "report", planned, files)
    typer.echo(f"{output}")
