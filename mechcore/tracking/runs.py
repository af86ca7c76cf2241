"""Runs and experiments as a store should hold them, without MLflow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MetricValue = tuple[str, float, int]

FINISHED, FAILED = "FINISHED", "FAILED"

CONTENT_TAG = "mechcore.content_sha256"
KIND_TAG = "mechcore.kind"
SWEEP_TAG = "mechcore.sweep"
SUPERSEDED_TAG = "mechcore.superseded_by"
PARENT_TAG = "mlflow.parentRunId"

SOURCE_TAG = "mlflow.source.name"
NOTE_TAG = "mlflow.note.content"
"""What the page of a run or of an experiment shows as its description."""

PREVIEW = "preview.png"
"""The picture that the page of a run shows first."""

MOST_METRICS = 25
"""Metrics of a run: more would be more charts on its page than a person looks through."""

MAX_TEXT = 4500
"""Characters of a note: a store takes 5000 in a tag."""


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """A run: parameters, metrics, tags and artifacts."""

    name: str
    kind: str
    key: str
    """What identifies it among the runs of its kind."""
    content_sha256: str
    """Hash of the results that its page shows: the same run is not logged again."""
    started_at: int
    finished_at: int
    """Times of the results, not of tracking, in ms since 1970: a rebuilt store has the same."""
    source: str
    """The command that made the results."""
    params: Mapping[str, object]
    note: str = ""
    """Its description, in Markdown."""
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[MetricValue] = ()
    inputs: Mapping[Path, str] = field(default_factory=dict)
    """The user's files that it was made from, and their hashes."""
    files: Sequence[Path] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    """Further artifacts, by file name."""
    draw: Callable[[Path], None] | None = None
    """Draws `PREVIEW` into a folder; called only if the store does not have the run."""
    parent: str = ""
    """Name of the run that it belongs to, which comes before it."""
    status: str = FINISHED

    @property
    def identity(self) -> tuple[str, str]:
        """By which a later tracking finds the run again."""
        return self.kind, self.key


@dataclass(frozen=True)
class TrackedExperiment:
    """An experiment of MLflow: the runs that can be compared on one page."""

    name: str
    note: str
    """Its description, in Markdown."""
    sweep: str
    """Identifier of the sweep that its current runs belong to."""
    tags: Mapping[str, str]
    """Of its runs."""
    runs: Sequence[TrackedRun]
    view: Mapping[str, str] = field(default_factory=dict)
    """Tags of the experiment itself, which hold its saved view."""


def code_tags(commit: str, dirty: str) -> dict[str, str]:
    """Return tags of the code that made results, which may differ from the code that runs now."""
    return {"mlflow.source.git.commit": commit, "mlflow.source.git.dirty": dirty}


def id_tag(kind: str) -> str:
    """Return the tag that holds the key of a run."""
    return f"mechcore.{kind}_id"


def worthiest(metrics: Sequence[MetricValue]) -> list[MetricValue]:
    """Return the first metrics, curves with all of their points: `MOST_METRICS` of them."""
    names = list(dict.fromkeys(name for name, _, _ in metrics))[:MOST_METRICS]
    return [metric for metric in metrics if metric[0] in names]


def content_sha256(*parts: object) -> str:
    """Return a hash of what a run shows."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()
