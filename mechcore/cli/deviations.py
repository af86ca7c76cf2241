"""``mechcore deviations``: the engine of an experiment against the reference engine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import ExperimentOption, OutputOption, RecordOption
from mechcore.cli.outputs import check_outputs, inputs_of

EXAMPLES = """Examples:

  mechcore deviations --experiment config/default.yaml --trajectories results/default/trajectories
  --output results/default/deviations.csv
"""


def command(
    experiment: ExperimentOption,
    trajectories: Annotated[Path, typer.Option(help="Folder of the cells' netCDF files.")],
    output: OutputOption,
    record: RecordOption = None,
) -> None:
    """Repeat one simulation of every cell with the reference engine and write how far it is off."""
    from mechcore.experiment.config import load_experiment
    from mechcore.experiment.grid import expand

    planned = load_experiment(experiment)
    cells = expand(planned)

    from mechcore.analysis.tables import write_table
    from mechcore.jobs.stages import write_record
    from mechcore.verification.deviations import deviations

    inputs = inputs_of(planned, experiment, trajectories)
    check_outputs({"--output": output, "--record": record}, inputs)
    table = deviations(cells, trajectories)
    write_table(table, output)
    write_record(record, "deviations", planned, [output])
    sound = table.deviation[~table.ill_conditioned]
    worst = f"at most {sound.max():.1e} px" if len(sound) else "none to judge by"
    typer.echo(f"{len(table)} cells, {len(sound)} of them not decided by rounding: {worst}")
