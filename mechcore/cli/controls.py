"""``mechcore controls``: simulations whose outcome theory knows, and even kernels on noise."""

from __future__ import annotations

import typer

from mechcore.cli.options import ExperimentOption, OutputOption
from mechcore.cli.outputs import check_outputs, inputs_of
from mechcore.experiment.config import load_experiment

EXAMPLES = """Examples:

  mechcore controls --experiment config/paper.yaml --output results/paper/controls.nc
"""


def command(experiment: ExperimentOption, output: OutputOption) -> None:
    """Run what theory decides, and noise through even kernels; write the trajectories."""
    planned = load_experiment(experiment)

    from mechcore.io.netcdf import ROOT, write_contents
    from mechcore.simulation.controls import run_controls

    check_outputs({"--output": output}, inputs_of(planned, experiment), ".nc")
    controls = run_controls(planned)
    write_contents({ROOT: controls}, output)
    typer.echo(f"{controls.variables['kernel'].values.size} controls")
