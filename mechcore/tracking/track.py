"""Results into a store: what is new is logged, and what is there is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mechcore.errors import MechcoreError
from mechcore.experiment.config import Experiment
from mechcore.experiment.grid import expand
from mechcore.experiment.paths import CELLS_FILE, SWEEP_FILE
from mechcore.io.environment import Code, current_code
from mechcore.jobs.status import cell_states
from mechcore.results.receipt import Receipt
from mechcore.results.results import Results
from mechcore.results.sweep import Sweep, check_describes, describe_sweep, finished_sweep
from mechcore.tracking.banks import bank_runs
from mechcore.tracking.cells import cell_runs, failed_run, simulation_runs
from mechcore.tracking.experiments import (
    cells_experiment,
    simulations_experiment,
    trainings_experiment,
)
from mechcore.tracking.networks import network_runs
from mechcore.tracking.runs import FAILED, TrackedExperiment, TrackedRun, code_tags, id_tag
from mechcore.tracking.store import open_store
from mechcore.tracking.sweeps import sweep_run
from mechcore.tracking.trainings import training_runs
from mechcore.tracking.uri import check_exists, tracking_uri, without_password
from mechcore.tracking.writer import RunWriter


def track(
    experiments: Sequence[TrackedExperiment],
    uri: str | None = None,
    *,
    rebuild: bool = False,
) -> Receipt:
    """Log runs, each once."""
    uri = uri or tracking_uri()
    with open_store(uri) as store:
        writers = [RunWriter(store, experiment) for experiment in experiments]
        for writer in writers:
            writer.write(rebuild=rebuild)
    run_ids = {name: run_id for writer in writers for name, run_id in writer.run_ids.items()}
    logged = sum(writer.logged for writer in writers)
    return Receipt(
        uri=without_password(uri),
        sweep=experiments[0].sweep,
        experiments={writer.experiment.name: writer.id for writer in writers},
        runs=run_ids,
        logged=logged,
        unchanged=len(run_ids) - logged,
        superseded=sum(writer.superseded for writer in writers),
        failed=sum(run.status == FAILED for item in experiments for run in item.runs),
    )


def finished_experiments(
    experiment: Experiment, directory: Path, report: Path | None
) -> list[TrackedExperiment]:
    """Return all that a store should hold of a finished experiment."""
    results = Results.load(experiment, directory)
    sweep = finished_sweep(experiment, directory)
    check_describes(sweep, results)
    return _experiments(results, sweep, [sweep_run(results, sweep, report)])


def partial_experiments(
    experiment: Experiment, directory: Path, logs: Path
) -> list[TrackedExperiment]:
    """Return what a store should hold of the cells that have succeeded or failed by now."""
    cells = expand(experiment)
    states = cell_states(cells, directory, logs)
    failed = [failed_run(cells[item.cell], item) for item in states if item.state == "failed"]
    if failed and not any(item.state == "done" for item in states):
        return [cells_experiment(experiment, "none", _code_tags(current_code()), failed)]
    results = Results.measured(experiment, directory)
    return _experiments(results, describe_sweep(results, logs), failed)


def fetch_sweep(identifier: str, folder: Path, uri: str | None = None) -> Path:
    """Copy the description of a sweep out of a store."""
    uri, tag = uri or tracking_uri(), id_tag("sweep")
    check_exists(uri)
    with open_store(uri) as store:
        runs = store.current_runs(tag, identifier)
        if len(runs) != 1:
            known = ", ".join(sorted(run.data.tags[tag] for run in runs)) or "none"
            raise MechcoreError(
                f"sweep {identifier}: expected the first digits of exactly one sweep in "
                f"{without_password(uri)}, found {known}"
            )
        folder.mkdir(parents=True, exist_ok=True)
        for name in (SWEEP_FILE, CELLS_FILE):
            store.fetch(runs[0], name, folder)
    return folder


def _experiments(
    results: Results, sweep: Sweep, others: list[TrackedRun]
) -> list[TrackedExperiment]:
    experiment, tags = results.experiment, _code_tags(sweep.code)
    runs = [
        *cell_runs(results, sweep),
        *bank_runs(results, sweep),
        *network_runs(results, sweep),
        *others,
    ]
    experiments = [cells_experiment(experiment, sweep.identifier, tags, runs)]
    if experiment.track.per_simulation:
        runs = simulation_runs(results, sweep)
        experiments.append(simulations_experiment(experiment, sweep.identifier, tags, runs))
    trainings = training_runs(results)
    if trainings:
        experiments.append(trainings_experiment(experiment, sweep.identifier, tags, trainings))
    return experiments


def _code_tags(code: Code) -> dict[str, str]:
    """Tags of all runs; a cell may have been made by other code."""
    return {
        "mlflow.source.type": "LOCAL",
        "mechcore.version": code.version,
        **code_tags(code.commit, code.dirty),
    }
