"""``mechcore status``: which cells are done, which failed and why."""

from __future__ import annotations

from pathlib import Path

from mechcore.cli.options import ExperimentOption, LogsOption, ReportOption, ResultsOption
from mechcore.experiment.config import load_experiment
from mechcore.experiment.grid import expand

EXAMPLES = """Examples:

  mechcore status --experiment config/paper.yaml --results results/paper
"""


def command(
    experiment: ExperimentOption,
    results: ResultsOption,
    logs: LogsOption = None,
    report: ReportOption = None,
) -> None:
    """Print how many cells are done, and cell, reason and log file for each failed cell."""
    from mechcore.jobs.status import cell_states, print_states, stage_failures

    planned = load_experiment(experiment)
    cells = expand(planned)
    logs = logs or Path("logs") / planned.experiment
    print_states(cell_states(cells, results, logs), stage_failures(results, logs, report))
