"""Small experiments with all their results, made as the workflow makes them."""

from __future__ import annotations

from pathlib import Path

from mechcore.analysis.tables import write_table
from mechcore.claims.criteria import judge
from mechcore.claims.reproduction import reproduce
from mechcore.claims.verdict import write_claims
from mechcore.experiment.banks import filter_run, planned_banks
from mechcore.experiment.config import Experiment, load_experiment
from mechcore.experiment.films import film_cells
from mechcore.experiment.grid import expand
from mechcore.experiment.networks import planned_networks
from mechcore.filters.bank import load_bank
from mechcore.filters.bank_file import analyse_bank, write_analysis
from mechcore.filters.runs import simulate_bank
from mechcore.io.netcdf import ROOT, write_contents, write_dataset, write_groups
from mechcore.networks.measurement import measure_network
from mechcore.networks.measurement_file import write_measurement
from mechcore.results.results import TABLES, Results
from mechcore.results.sweep import describe_sweep, write_sweep
from mechcore.simulation.controls import run_controls
from mechcore.simulation.run import simulate
from tests.helpers.studies import make_study

SMALL: dict[str, object] = {
    "experiment": "small",
    "kernels": ["dct"],
    "activations": ["relu", "modulus"],
    "sizes": [2],
    "patterns": ["delta"],
    "betas": [0.0, 0.25, 0.5, 0.75, 1.0],
    "steps": 8,
}


def compute(folder: Path, experiment: Experiment) -> None:
    for kind, cells in (("trajectories", expand(experiment)), ("films", film_cells(experiment))):
        for name, cell in cells.items():
            write_dataset(simulate(cell), folder / kind / f"{name}.nc")
    write_contents({ROOT: run_controls(experiment)}, folder / "controls.nc")
    for name, plan in planned_banks(experiment).items():
        bank = load_bank(plan.weights, **dict(plan.reading))
        write_analysis(analyse_bank(bank), folder / "filters" / f"{name}.nc")
        for activation, run in plan.runs.items():
            groups = simulate_bank(bank, filter_run(experiment, plan, activation))
            write_groups(groups, folder / "filter_runs" / f"{run}.nc")
    for name, network in planned_networks(experiment).items():
        measurement = measure_network(Path(network.network.model), network.run)
        write_measurement(measurement, folder / "networks" / f"{name}.nc")
    if experiment.training:
        make_study(folder / "training", experiment.training)


def run(folder: Path, config: dict[str, object]) -> Experiment:
    experiment = load_experiment(config)
    compute(folder, experiment)
    results = Results.measured(experiment, folder)
    for name in TABLES:
        write_table(getattr(results, name), folder / f"{name}.csv")
    if experiment.published:
        write_table(reproduce(Path(experiment.published)), folder / "reproduction.csv")
    if experiment.filter_banks:
        write_table(results.census, folder / "census.csv")
    if experiment.networks:
        write_table(results.network_layers, folder / "networks.csv")
    if experiment.training:
        write_table(results.training, folder / "training.csv")
        write_table(results.training_tests, folder / "training_tests.csv")
    write_claims(judge(results), folder / "claims.json")
    write_sweep(describe_sweep(results, None), folder)
    return experiment
