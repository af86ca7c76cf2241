"""Results into a store: what is new is logged, what is there is left alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mechcore.errors import MechcoreError
from mechcore.experiment.config import Experiment
from mechcore.experiment.grid import expand
from mechcore.experiment.paths import CELLS_FILE, SWEEP_FILE
from mechcore.io.atomic import replace_file
from mechcore.io.environment import Code, current_code
from mechcore.jobs.status import cell_states
from mechcore.results.results import Results
from mechcore.results.sweep import Sweep, describe_sweep, finished_sweep
from mechcore.tracking.banks import bank_runs
from mechcore.tracking.cells import cell_runs, failed_runs
from mechcore.tracking.drawings import drawn, rare_garbage
from mechcore.tracking.ledger import Ledger
from mechcore.tracking.runs import FAILED, Study, TrackedRun
from mechcore.tracking.simulations import simulation_runs
from mechcore.tracking.store import Store, check_there, tracking_uri
from mechcore.tracking.studies import cells_study, simulations_study
from mechcore.tracking.summary import SWEEP_ID_TAG, summary_run


@dataclass(frozen=True)
class Receipt:
    """What tracking did."""

    uri: str
    """The store, without password."""
    sweep: str
    """Identifier of the sweep."""
    experiments: Mapping[str, str]
    """MLflow's id of each experiment."""
    runs: Mapping[str, str]
    """Current run id of every cell, bank and simulation, and of the sweep, by name."""
    logged: int
    unchanged: int
    superseded: int
    failed: int
    """New runs, those that were there already, old runs that a new one replaces, and how many of
    all tell of a failure."""


def track(
    studies: Sequence[Study],
    uri: str | None = None,
    *,
    rebuild: bool = False,
    processes: int | None = None,
) -> Receipt:
    """Log runs, each once."""
    with rare_garbage(), Store(uri or tracking_uri()) as store:
        ledgers = [Ledger(store, study, rebuild=rebuild) for study in studies]
        waiting = [run for ledger in ledgers for run in ledger.missing]
        with drawn(waiting, max(1, (processes or os.cpu_count() or 1) - 1)) as pictures:
            for ledger in ledgers:
                ledger.write(pictures)
    return _receipt(store.shown, ledgers)


def plan_studies(experiment: Experiment, directory: Path, report: Path | None) -> list[Study]:
    """Return all runs that a store should hold of a finished experiment."""
    results = Results.load(experiment, directory)
    sweep = finished_sweep(experiment, directory)
    summary = summary_run(results, sweep, report)
    return _studies(results, sweep, [summary])


def plan_what_is_there(experiment: Experiment, directory: Path, logs: Path) -> list[Study]:
    """Return the runs of the cells of an experiment that have ended by now, well or not."""
    failed = failed_runs(experiment, directory, logs)
    finished = any(
        state.state == "done" for state in cell_states(expand(experiment), directory, logs)
    )
    if finished or not failed:
        results = Results.measured(experiment, directory)
        return _studies(results, describe_sweep(results, logs), failed)
    return [cells_study(experiment, "none", _code_tags(current_code([])), failed)]


def _studies(results: Results, sweep: Sweep, others: list[TrackedRun]) -> list[Study]:
    plan, found, tags = results.experiment, sweep.identifier, _code_tags(sweep.code)
    runs = [*cell_runs(results, sweep), *bank_runs(results, sweep), *others]
    studies = [cells_study(plan, found, tags, runs)]
    if plan.track.per_simulation:
        studies.append(simulations_study(plan, found, tags, simulation_runs(results, sweep)))
    return studies


def write_receipt(receipt: Receipt, path: Path) -> None:
    """Write a receipt as JSON."""
    text = json.dumps(asdict(receipt), indent=2) + "\n"
    replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def fetch_sweep(identifier: str, folder: Path, uri: str | None = None) -> Path:
    """Copy the description of a sweep out of a store."""
    place = uri or tracking_uri()
    check_there(place)
    with Store(place) as store:
        found = {run.data.tags[SWEEP_ID_TAG]: run for run in store.find(SWEEP_ID_TAG, identifier)}
        if len(found) != 1:
            known = ", ".join(sorted(found)) or "none"
            raise MechcoreError(
                f"sweep {identifier}: expected one in {store.shown} that begins so, found {known}"
            )
        folder.mkdir(parents=True, exist_ok=True)
        for name in (SWEEP_FILE, CELLS_FILE):
            store.fetch(next(iter(found.values())), name, folder)
    return folder


def _code_tags(code: Code) -> dict[str, str]:
    """The code that made the results: that of this moment may be another."""
    return {
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": code.commit,
        "mlflow.source.git.dirty": code.dirty,
        "mechcore.version": code.version,
    }


def _receipt(uri: str, ledgers: Sequence[Ledger]) -> Receipt:
    runs = {name: run_id for ledger in ledgers for name, run_id in ledger.runs.items()}
    logged = sum(ledger.logged for ledger in ledgers)
    return Receipt(
        uri,
        ledgers[0].study.sweep,
        {ledger.study.name: ledger.id for ledger in ledgers},
        runs,
        logged,
        len(runs) - logged,
        sum(ledger.superseded for ledger in ledgers),
        sum(run.status == FAILED for ledger in ledgers for run in ledger.study.runs),
    )
