"""Small experiments with all their results, made as the workflow makes them."""

from __future__ import annotations

from pathlib import Path

from mechcore.claims import judge
from mechcore.companions import film_cells, run_controls
from mechcore.config import Experiment, load_experiment
from mechcore.deviations import deviations
from mechcore.evidence import TABLES, Evidence
from mechcore.filters.bank import load_bank
from mechcore.filters.bank_file import analyse_bank, write_analysis
from mechcore.filters.plan import filter_run, planned_banks
from mechcore.filters.runs import simulate_bank
from mechcore.grid import expand
from mechcore.simulation import simulate
from mechcore.storage import write_dataset, write_groups
from mechcore.sweeps import describe_sweep, write_sweep
from mechcore.tables import write_table
from mechcore.verdicts import write_claims


def _run_banks(experiment: Experiment, folder: Path) -> None:
    for name, plan in planned_banks(experiment).items():
        bank = load_bank(plan.weights, plan.layout)
        write_analysis(analyse_bank(bank), folder / "filters" / f"{name}.nc")
        if plan.trained:
            groups = simulate_bank(bank, filter_run(experiment, plan))
            write_groups(groups, folder / "filter_runs" / f"{name}.nc")


def run(folder: Path, config: dict[str, object]) -> Experiment:
    """Make the results of an experiment in a folder."""
    experiment = load_experiment(config)
    for kind, cells in (("trajectories", expand(experiment)), ("films", film_cells(experiment))):
        for name, cell in cells.items():
            write_dataset(simulate(cell), folder / kind / f"{name}.nc")
    write_dataset(run_controls(experiment), folder / "controls.nc")
    _run_banks(experiment, folder)
    evidence = Evidence.measured(experiment, folder)
    for name in TABLES:
        write_table(getattr(evidence, name), folder / f"{name}.csv")
    write_claims(judge(evidence), folder / "claims.json")
    compared = deviations(evidence.cells, folder / "trajectories")
    write_table(compared, folder / "deviations.csv")
    write_sweep(describe_sweep(evidence, None), folder)
    return experiment
