"""Results into a store: what is new is logged, what is there is left alone."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mechcore.config import Experiment
from mechcore.errors import MechcoreError
from mechcore.evidence import Evidence
from mechcore.grid import expand
from mechcore.progress import cell_states
from mechcore.storage import replace_file
from mechcore.sweeps import CELLS_FILE, SWEEP_FILE, Sweep, describe_sweep, read_sweep
from mechcore.tracking.banks import BANK_TAG, bank_runs
from mechcore.tracking.cells import CELL_TAG, cell_runs, failed_runs
from mechcore.tracking.drawings import Pictures, drawn
from mechcore.tracking.notes import experiment_note, simulations_note
from mechcore.tracking.runs import (
    CONTENT_TAG,
    FAILED,
    FINISHED,
    SUPERSEDED_TAG,
    SWEEP_TAG,
    Identity,
    Study,
    TrackedRun,
)
from mechcore.tracking.simulations import SIMULATION_TAG, simulation_runs
from mechcore.tracking.store import Store, tracking_uri
from mechcore.tracking.summary import SWEEP_ID_TAG, summary_run

if TYPE_CHECKING:
    from mlflow.entities import Run

IDENTITIES = (CELL_TAG, BANK_TAG, SIMULATION_TAG, SWEEP_ID_TAG)
"""A run that has none of these tags is not ours."""

CLOSED = (FINISHED, FAILED)
"""A run of ours in another state was cut off."""


@dataclass(frozen=True)
class Receipt:
    """What tracking did.

    Parameters
    ----------
    uri : str
        The store, without password.
    sweep : str
        Identifier of the sweep.
    experiments : mapping of str to str
        MLflow's id of each experiment.
    runs : mapping of str to str
        Current run id of every cell, bank and simulation, and of the sweep, by name.
    logged, unchanged, superseded, failed : int
        New runs, those that were there already, old runs that a new one replaces, and how many of
        all tell of a failure.
    """

    uri: str
    sweep: str
    experiments: Mapping[str, str]
    runs: Mapping[str, str]
    logged: int
    unchanged: int
    superseded: int
    failed: int


def track(
    studies: Sequence[Study],
    uri: str | None = None,
    *,
    rebuild: bool = False,
    processes: int | None = None,
) -> Receipt:
    """Log runs, each once.

    Parameters
    ----------
    studies : sequence of Study
        Of `plan_studies` or `plan_what_is_there`.
    uri : str, optional
        The store; by default `mechcore.tracking.store.tracking_uri`.
    rebuild : bool, optional
        Whether to log everything anew, in place of the current runs.
    processes : int, optional
        How many draw pictures at the same time; all cores by default.

    Returns
    -------
    Receipt
        The runs. What is in the store already with the same content is left alone; what changed
        gets a new run, and the old one a tag with the id of the new.

    Raises
    ------
    MechcoreError
        If a result is damaged, or the store cannot be written to.
    """
    with Store(uri or tracking_uri()) as store:
        books = [_Book(store, study, rebuild=rebuild) for study in studies]
        waiting = [run for book in books for run in book.missing]
        with drawn(waiting, processes or os.cpu_count() or 1) as pictures:
            for book in books:
                book.write(pictures)
    return _receipt(store.shown, books)


def plan_studies(experiment: Experiment, results: Path, report: Path | None) -> list[Study]:
    """Return all runs that a store should hold of a finished experiment.

    Parameters
    ----------
    experiment : Experiment
        The configuration.
    results : Path
        Folder of its results.
    report : Path or None
        The page of its report.

    Returns
    -------
    list of Study
        The cells, banks and the sweep; then the simulations, if they are asked for.

    Raises
    ------
    MechcoreError
        If a result is missing or damaged.
    """
    evidence = Evidence.load(experiment, results)
    sweep = _finished_sweep(evidence)
    summary = summary_run(evidence, sweep, report)
    return _studies(evidence, sweep, [summary])


def plan_what_is_there(experiment: Experiment, results: Path, logs: Path) -> list[Study]:
    """Return the runs of the cells of an experiment that have ended by now, well or not.

    Parameters
    ----------
    experiment : Experiment
        The configuration.
    results : Path
        Folder of its results.
    logs : Path
        Folder of its logs, which tell which cells failed.

    Returns
    -------
    list of Study
        The cells and banks; then the simulations, if they are asked for.

    Raises
    ------
    MechcoreError
        If nothing has ended, or a result is damaged.
    """
    failed = failed_runs(experiment, results, logs)
    finished = any(
        state.state == "done" for state in cell_states(expand(experiment), results, logs)
    )
    if finished or not failed:
        evidence = Evidence.measured(experiment, results)
        return _studies(evidence, describe_sweep(evidence, logs), failed)
    return [Study(experiment.experiment, experiment_note(experiment), "none", {}, failed)]


def _studies(evidence: Evidence, sweep: Sweep, others: list[TrackedRun]) -> list[Study]:
    name, found, tags = sweep.experiment, sweep.identifier, _code_tags(sweep)
    runs = [*cell_runs(evidence, sweep), *bank_runs(evidence, sweep), *others]
    studies = [Study(name, experiment_note(evidence.experiment), found, tags, runs)]
    if evidence.experiment.track.per_simulation:
        note, simulations = simulations_note(evidence.experiment), simulation_runs(evidence, sweep)
        studies.append(Study(f"{name} simulations", note, found, tags, simulations))
    return studies


def write_receipt(receipt: Receipt, path: Path) -> None:
    """Write a receipt as JSON.

    Parameters
    ----------
    receipt : Receipt
        What `track` returned.
    path : Path
        The file.
    """
    text = json.dumps(asdict(receipt), indent=2) + "\n"
    replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def fetch_sweep(identifier: str, folder: Path, uri: str | None = None) -> Path:
    """Copy the description of a sweep out of a store.

    Parameters
    ----------
    identifier : str
        Its identifier, or how it begins.
    folder : Path
        Where to.
    uri : str, optional
        The store; by default `mechcore.tracking.store.tracking_uri`.

    Returns
    -------
    Path
        A folder that `mechcore.sweeps.read_sweep` reads.

    Raises
    ------
    MechcoreError
        If there is none, or more than one.
    """
    with Store(uri or tracking_uri()) as store:
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


def _finished_sweep(evidence: Evidence) -> Sweep:
    """What the workflow wrote of a sweep, if it is that of this configuration."""
    sweep, plan = read_sweep(evidence.results), evidence.experiment
    if set(sweep.records) != set(evidence.cells) or sweep.config != json.loads(
        plan.without_tracking().to_json()
    ):
        raise MechcoreError(
            f"{evidence.results / SWEEP_FILE}: of another configuration than {plan.experiment} has "
            "now; mechcore summarise writes it anew"
        )
    return sweep


def _code_tags(sweep: Sweep) -> dict[str, str]:
    """The code that made the results: that of this moment may be another."""
    return {
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": sweep.code.commit,
        "mlflow.source.git.dirty": sweep.code.dirty,
        "mechcore.version": sweep.code.version,
    }


class _Book:
    """The runs of a study beside those that the store has of it."""

    def __init__(self, store: Store, study: Study, *, rebuild: bool) -> None:
        self.store, self.study, self.rebuild = store, study, rebuild
        self.id = store.experiment(study)
        self.known: dict[Identity, list[Run]] = defaultdict(list)
        self.replaced: dict[str, list[str]] = defaultdict(list)
        for run in store.runs(self.id):
            self._sort(run)
        self.runs: dict[str, str] = {}
        self.logged = self.superseded = 0
        self.missing = [run for run in study.runs if rebuild or not self._current(run)]

    def write(self, pictures: Mapping[int, Pictures]) -> None:
        """Log what is missing, and mark what it replaces."""
        missing = set(map(id, self.missing))
        for run in self.study.runs:
            if id(run) in missing:
                self.runs[run.name] = self._log(run, pictures.get(id(run), _no_pictures))
            else:
                self.runs[run.name] = self._keep(run)

    def _sort(self, run: Run) -> None:
        tags = run.data.tags
        identity = next(((tag, tags[tag]) for tag in IDENTITIES if tag in tags), None)
        if SUPERSEDED_TAG in tags:
            self.replaced[tags[SUPERSEDED_TAG]].append(run.info.run_id)
        elif identity is not None:
            self.known[identity].append(run)

    def _same(self, run: TrackedRun, *, closed: bool) -> list[Run]:
        """The runs of the same content, finished or cut off."""
        return [
            one
            for one in self.known[run.identity]
            if one.data.tags.get(CONTENT_TAG) == run.content_sha256
            and (one.info.status in CLOSED) is closed
        ]

    def _current(self, run: TrackedRun) -> Run | None:
        return next(iter(self._same(run, closed=True)), None)

    def _keep(self, run: TrackedRun) -> str:
        """Leave a run alone, but for what an interruption may have left undone."""
        kept = self._same(run, closed=True)[0]
        if kept.data.tags.get(SWEEP_TAG) != self.study.sweep:
            self.store.tag(kept.info.run_id, SWEEP_TAG, self.study.sweep)
        self._replace(run, kept.info.run_id)
        return str(kept.info.run_id)

    def _log(self, run: TrackedRun, pictures: Pictures) -> str:
        begun = next(iter(self._same(run, closed=False)), None)
        old = [one.info.run_id for one in self._same(run, closed=True)] if self.rebuild else []
        for run_id in old:
            self.store.delete(run_id)
            self.known[run.identity] = [
                one for one in self.known[run.identity] if one.info.run_id != run_id
            ]
        tags = {**self.study.tags, SWEEP_TAG: self.study.sweep}
        run_id = self.store.log(self.id, run, tags, begun, pictures)
        for before in (before for one in old for before in self.replaced[one]):
            self.store.tag(before, SUPERSEDED_TAG, run_id)
        self._replace(run, run_id)
        self.logged += 1
        return run_id

    def _replace(self, run: TrackedRun, run_id: str) -> None:
        """Mark what a run replaces; what was cut off is of no use to anybody."""
        for old in self.known[run.identity]:
            if old.info.run_id == run_id:
                continue
            if old.info.status in CLOSED:
                self.store.tag(old.info.run_id, SUPERSEDED_TAG, run_id)
                self.superseded += 1
            else:
                self.store.delete(old.info.run_id)


def _no_pictures() -> None:
    return None


def _receipt(uri: str, books: Sequence[_Book]) -> Receipt:
    runs = {name: run_id for book in books for name, run_id in book.runs.items()}
    logged = sum(book.logged for book in books)
    return Receipt(
        uri,
        books[0].study.sweep,
        {book.study.name: book.id for book in books},
        runs,
        logged,
        len(runs) - logged,
        sum(book.superseded for book in books),
        sum(run.status == FAILED for book in books for run in book.study.runs),
    )
