"""The runs that a store should hold beside those that it has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mechcore.tracking.banks import BANK_TAG
from mechcore.tracking.cells import CELL_TAG
from mechcore.tracking.drawings import Pictures
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
from mechcore.tracking.simulations import SIMULATION_TAG
from mechcore.tracking.store import Store
from mechcore.tracking.summary import SWEEP_ID_TAG

if TYPE_CHECKING:
    from mlflow.entities import Run

IDENTITIES = (CELL_TAG, BANK_TAG, SIMULATION_TAG, SWEEP_ID_TAG)
"""A run that has none of these tags is not ours."""

CLOSED = (FINISHED, FAILED)
"""A run of ours in another state was cut off."""


class Ledger:
    """The runs of a study beside those that the store has of it."""

    def __init__(self, store: Store, study: Study, *, rebuild: bool) -> None:
        self.store, self.study, self.rebuild = store, study, rebuild
        self.id = store.experiment(study)
        self.known: dict[Identity, list[Run]] = defaultdict(list)
        self.replaced: dict[Identity, list[Run]] = defaultdict(list)
        self.alive: set[str] = set()
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
        self.alive.add(run.info.run_id)
        identity = next(((tag, tags[tag]) for tag in IDENTITIES if tag in tags), None)
        if identity is not None:
            runs = self.replaced if SUPERSEDED_TAG in tags else self.known
            runs[identity].append(run)

    def _current(self, run: TrackedRun) -> Run | None:
        """The run of the same content; one that was cut off is none."""
        return next((one for one in self.known[run.identity] if _is_of(one, run)), None)

    def _keep(self, run: TrackedRun) -> str:
        """Leave a run alone, but for what an interruption may have left undone."""
        kept = self._current(run)
        assert kept is not None
        if kept.data.tags.get(SWEEP_TAG) != self.study.sweep:
            self.store.tag(kept.info.run_id, SWEEP_TAG, self.study.sweep)
        self._replace(run, kept.info.run_id)
        return str(kept.info.run_id)

    def _log(self, run: TrackedRun, pictures: Pictures) -> str:
        while (old := self._current(run)) is not None:
            self._delete(run, old)
        tags = {**self.study.tags, SWEEP_TAG: self.study.sweep}
        run_id = self.store.log(self.id, run, tags, pictures)
        self._replace(run, run_id)
        self.logged += 1
        return run_id

    def _delete(self, run: TrackedRun, old: Run) -> None:
        self.store.delete(old.info.run_id)
        self.known[run.identity].remove(old)
        self.alive.discard(old.info.run_id)

    def _replace(self, run: TrackedRun, run_id: str) -> None:
        """Mark what a run replaces; what was cut off or is there twice is of no use to anybody."""
        for old in [one for one in self.known[run.identity] if one.info.run_id != run_id]:
            if old.info.status in CLOSED and not _is_of(old, run):
                self.store.tag(old.info.run_id, SUPERSEDED_TAG, run_id)
                self.superseded += 1
            else:
                self._delete(run, old)
        for old in self.replaced[run.identity]:
            # Replaced by one that a rebuild, or a person, deleted.
            if old.data.tags[SUPERSEDED_TAG] not in self.alive:
                self.store.tag(old.info.run_id, SUPERSEDED_TAG, run_id)


def _is_of(one: Run, run: TrackedRun) -> bool:
    same = one.data.tags.get(CONTENT_TAG) == run.content_sha256
    return same and one.info.status in CLOSED


def _no_pictures() -> None:
    return None
