"""Runs and experiments as a store should hold them, without MLflow."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

MetricValue = tuple[str, float, int]
"""Name, value and step."""

Identity = tuple[str, str]
"""Kind and key of a run, by which a later tracking finds it again."""

FINISHED, FAILED = "FINISHED", "FAILED"

CONTENT_TAG = "mechcore.content_sha256"
KIND_TAG = "mechcore.kind"
SWEEP_TAG = "mechcore.sweep"
SUPERSEDED_TAG = "mechcore.superseded_by"

NOTE_TAG = "mlflow.note.content"
"""What the page of a run or of an experiment shows as its description, in Markdown."""

MAX_TEXT = 4000
"""Characters of a note: a store takes 5000 in a tag."""


@dataclass(frozen=True)
class InputFile:
    """A file that a run was made from."""

    path: Path
    sha256: str


@dataclass(frozen=True)
class RunContent:
    """What the page of a run shows."""

    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, object] = field(default_factory=dict)
    metrics: Sequence[MetricValue] = ()
    inputs: Sequence[InputFile] = ()
    files: Sequence[Path] = ()
    """Artifacts that exist as files."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Further artifacts, by file name."""


@dataclass(frozen=True)
class TrackedRun:
    """A run; its content is put together only if the store does not have it."""

    name: str
    kind: str
    """What it is about: cell, bank, simulation or sweep."""
    key: str
    """What identifies it among the runs of its kind."""
    content_sha256: str
    """Hash of all that its page shows: the same run is not logged again."""
    started_at: int
    finished_at: int
    """Times of the results, not of tracking, in ms since 1970: a rebuilt store has the same."""
    content: Callable[[], RunContent]
    status: str = FINISHED
    draw: Callable[[Path], None] | None = None
    """Draws pictures into a folder, in another process: a function of the top level of a module,
    or a `functools.partial` of one."""

    @property
    def identity(self) -> Identity:
        """Kind and key."""
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
    """Tags of all its new runs."""
    runs: Sequence[TrackedRun]


def id_tag(kind: str) -> str:
    """Return the tag that holds the key of a run."""
    return f"mechcore.{kind}_id"


def finite(metrics: Iterable[MetricValue]) -> list[MetricValue]:
    """Leave out infinities and NaN, for which a store would keep a wrong number."""
    return [metric for metric in metrics if math.isfinite(metric[1])]


def content_sha256(*parts: object) -> str:
    """Return a hash of what a run shows."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()
