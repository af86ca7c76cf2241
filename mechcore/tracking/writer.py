"""What a store lacks of an experiment is logged, and what that replaces is marked."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from mechcore.tracking.previews import Pictures
from mechcore.tracking.runs import (
    CONTENT_TAG,
    FAILED,
    FINISHED,
    KIND_TAG,
    SUPERSEDED_TAG,
    SWEEP_TAG,
    Identity,
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

    def __init__(self, store: Store, experiment: TrackedExperiment, *, rebuild: bool) -> None:
        self.store, self.experiment = store, experiment
        self.id = store.experiment_id(experiment)
        self.stored: dict[Identity, list[Run]] = defaultdict(list)
        self.superseded_before: dict[Identity, list[Run]] = defaultdict(list)
        self.stored_ids: set[str] = set()
        for run in store.search([self.id]):
            self._sort(run)
        self.missing = [run for run in experiment.runs if rebuild or self._same(run) is None]
        self.run_ids: dict[str, str] = {}
        self.superseded = 0

    def write(self, pictures: Pictures) -> None:
        """Log what is missing, and mark what it replaces."""
        missing = {run.identity for run in self.missing}
        for run in self.experiment.runs:
            run_id = self._log(run, pictures) if run.identity in missing else self._keep(run)
            self._supersede(run, run_id)
            self.run_ids[run.name] = run_id

    def _sort(self, run: Run) -> None:
        tags = run.data.tags
        self.stored_ids.add(run.info.run_id)
        kind = tags.get(KIND_TAG, "")
        # A run without a key is not ours.
        if id_tag(kind) in tags:
            runs = self.superseded_before if SUPERSEDED_TAG in tags else self.stored
            runs[kind, tags[id_tag(kind)]].append(run)

    def _same(self, run: TrackedRun) -> Run | None:
        """The complete run of the same content in the store."""
        return next((old for old in self.stored[run.identity] if _is_same(old, run)), None)

    def _keep(self, run: TrackedRun) -> str:
        kept = self._same(run)
        assert kept is not None
        run_id = str(kept.info.run_id)
        if kept.data.tags.get(SWEEP_TAG) != self.experiment.sweep:
            self.store.client.set_tag(run_id, SWEEP_TAG, self.experiment.sweep)
        return run_id

    def _log(self, run: TrackedRun, pictures: Pictures) -> str:
        # When everything is logged anew, the same run is deleted first: there is never one twice.
        while (old := self._same(run)) is not None:
            self._delete(run, old)
        tags = {**self.experiment.tags, SWEEP_TAG: self.experiment.sweep}
        return self.store.log(self.id, run, tags, pictures.get(run.name))

    def _delete(self, run: TrackedRun, old: Run) -> None:
        self.store.client.delete_run(old.info.run_id)
        self.stored[run.identity].remove(old)
        self.stored_ids.discard(old.info.run_id)

    def _supersede(self, run: TrackedRun, run_id: str) -> None:
        """Mark what a run replaces, and delete what was cut off or is there twice."""
        for old in [old for old in self.stored[run.identity] if old.info.run_id != run_id]:
            if old.info.status in COMPLETE and not _is_same(old, run):
                self.store.client.set_tag(old.info.run_id, SUPERSEDED_TAG, run_id)
                self.superseded += 1
            else:
                self._delete(run, old)
        for old in self.superseded_before[run.identity]:
            # Its successor was deleted, by a rebuild or by a person.
            if old.data.tags[SUPERSEDED_TAG] not in self.stored_ids:
                self.store.client.set_tag(old.info.run_id, SUPERSEDED_TAG, run_id)


def _is_same(old: Run, run: TrackedRun) -> bool:
    same_content = old.data.tags.get(CONTENT_TAG) == run.content_sha256
    return same_content and old.info.status in COMPLETE
