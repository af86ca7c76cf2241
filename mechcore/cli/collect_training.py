"""``mechcore collect-training``: the networks of a study as one dataset and two tables."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from mechcore.cli.options import ExperimentOption, OutputOption
from mechcore.cli.outputs import check_outputs
from mechcore.errors import MechcoreError
from mechcore.experiment.config import load_experiment
from mechcore.experiment.training import planned_runs

EXAMPLES = """Examples:

  mechcore collect-training --experiment config/training.yaml
  --trajectories results/training/training --output training.nc --table training.csv
  --tests training_tests.csv
"""


def command(
    experiment: ExperimentOption,
    trajectories: Annotated[Path, typer.Option(help="Folder of the trajectories.")],
    output: OutputOption,
    table: Annotated[Path, typer.Option(help="Table to write, a row a training.")],
    tests: Annotated[Path, typer.Option(help="Table of the tests to write.")],
    forget: Annotated[
        Path | None, typer.Option(help="Folder of the states of the trainings, to remove.")
    ] = None,
) -> None:
    """Collect the trainings of an experiment, and test what sets them apart."""
    runs = planned_runs(load_experiment(experiment).training)
    if not runs:
        raise MechcoreError("training: missing in the configuration")
    check_outputs({"--table": table, "--tests": tests}, [trajectories], ".csv")
    check_outputs({"--output": output}, [trajectories], ".nc")

    from mechcore.analysis.units import write_with_units
    from mechcore.io.netcdf import write_dataset
    from mechcore.results.training_tests import study_tests
    from mechcore.results.trainings import read_study, study_dataset, study_table

    read = read_study(runs, trajectories)
    rows = study_table(runs, read)
    write_dataset(study_dataset(runs, read), output)
    write_with_units(rows, table)
    write_with_units(study_tests(rows), tests)
    if forget:
        shutil.rmtree(forget, ignore_errors=True)
    typer.echo(f"{len(runs)} trainings")
