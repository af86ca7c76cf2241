"""Logs what a store lacks of an experiment, and marks what that replaces."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from mechcore.tracking.runs import (
    CONTENT_TAG,
    FAILED,
    FINISHED,
    KIND_TAG,
    PARENT_TAG,
    SUPERSEDED_TAG,
    SWEEP_TAG,
    TrackedExperiment,
    TrackedRun,
    id_tag,
)
from mechcore.tracking.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run

COMPLETE = (FINISHED, FAILED)
"""A run of ours in another state was cut off."""


class RunWriter:
    """Logs the runs of an experiment that a store does not have."""

    def __init__(self, store: Store, experiment: TrackedExperiment) -> None:
        self.store, self.experiment = store, experiment
        self.id = store.experiment_id(experiment)
        self.stored: dict[tuple[str, str], list[Run]] = defaultdict(list)
        self.stored_ids: set[str] = set()
        for run in store.search([self.id]):
            kind = run.data.tags.get(KIND_TAG, "")
            self.stored[kind, run.data.tags.get(id_tag(kind), "")].append(run)
            self.stored_ids.add(run.info.run_id)
        self.run_ids: dict[str, str] = {}
        self.logged = self.superseded = 0

    def write(self, *, rebuild: bool) -> None:
        """Log what is missing, or everything, and mark what it replaces."""
        for run in self.experiment.runs:
            same = [old for old in self.stored[run.identity] if _is_same(old, run)]
            if same and not rebuild:
                run_id = self._keep(same[0], run)
            else:
                # First: the same run is never in a store twice.
                for old in same:
                    self._delete(run, old)
                run_id = self._log(run)
            self._supersede(run, run_id)
            self.run_ids[run.name] = run_id

    def _keep(self, kept: Run, run: TrackedRun) -> str:
        run_id = str(kept.info.run_id)
        for tag, value in self._tags(run).items():
            if kept.data.tags.get(tag) != value:
                self.store.client.set_tag(run_id, tag, value)
        return run_id

    def _log(self, run: TrackedRun) -> str:
        self.logged += 1
        return self.store.log(self.id, run, {**self.experiment.tags, **self._tags(run)})

    def _tags(self, run: TrackedRun) -> dict[str, str]:
        """Tags that change without a change of the results."""
        parent = {PARENT_TAG: self.run_ids[run.parent]} if run.parent else {}
        return {SWEEP_TAG: self.experiment.sweep, **parent}

    def _delete(self, run: TrackedRun, old: Run) -> None:
        self.store.client.delete_run(old.info.run_id)
        self.stored[run.identity].remove(old)
        self.stored_ids.discard(old.info.run_id)

    def _supersede(self, run: TrackedRun, run_id: str) -> None:
        """Mark what a run replaces, and delete what was cut off or is stored twice."""
        # Current runs first: what earlier ones point to may be deleted with them.
        for old in sorted(self.stored[run.identity], key=_is_superseded):
            if _is_superseded(old):
                # By nothing, if its successor was deleted: by a rebuild or by a person.
                if old.data.tags[SUPERSEDED_TAG] not in self.stored_ids:
                    self.store.client.set_tag(old.info.run_id, SUPERSEDED_TAG, run_id)
            elif old.info.status not in COMPLETE or _is_same(old, run):
                if old.info.run_id != run_id:
                    self._delete(run, old)
            else:
                self.store.client.set_tag(old.info.run_id, SUPERSEDED_TAG, run_id)
                self.superseded += 1


def _is_superseded(run: Run) -> bool:
    return SUPERSEDED_TAG in run.data.tags


def _is_same(old: Run, run: TrackedRun) -> bool:
    same_content = old.data.tags.get(CONTENT_TAG) == run.content_sha256
    return same_content and old.info.status in COMPLETE and not _is_superseded(old)
