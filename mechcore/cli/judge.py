"""``mechcore judge``: the claims of the paper and their verdicts."""

from __future__ import annotations

import typer

from mechcore.cli.options import ExperimentOption, OutputOption, ResultsOption
from mechcore.cli.outputs import check_outputs, inputs_of
from mechcore.experiment.config import load_experiment

EXAMPLES = """Examples:

  mechcore judge --experiment config/paper.yaml --results results/paper
  --output results/paper/claims.json
"""


def command(experiment: ExperimentOption, results: ResultsOption, output: OutputOption) -> None:
    """Put the claims of the paper to their tests, and print the verdicts."""
    planned = load_experiment(experiment)

    from mechcore.claims.criteria import judge
    from mechcore.claims.verdict import write_claims
    from mechcore.results.results import Results

    check_outputs({"--output": output}, inputs_of(planned, experiment, results))
    claims = judge(Results.load(planned, results))
    write_claims(claims, output)
    for claim in claims:
        typer.echo(f"{claim.id:4} {claim.verdict:18} {claim.statement}")
