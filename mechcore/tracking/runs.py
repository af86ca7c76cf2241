"""What a run of MLflow is made of, without MLflow."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Measured = tuple[str, float, int]
"""Name, value and step of a metric."""

Identity = tuple[str, str]
"""The tag by which a run is found again, and its value."""

FINISHED, FAILED = "FINISHED", "FAILED"

CONTENT_TAG = "mechcore.content_sha256"
KIND_TAG = "mechcore.kind"
SWEEP_TAG = "mechcore.sweep"
SUPERSEDED_TAG = "mechcore.superseded_by"

NOTE_TAG = "mlflow.note.content"
"""What the page of a run or of an experiment shows as its description, in Markdown."""

DIGEST = 36
"""Characters of the digest of an input that a store takes."""

MOST_TEXT = 4000
"""Characters of a note: a store takes 5000 in a tag."""


@dataclass(frozen=True)
class Input:
    """A file that a run was made of."""

    name: str
    """Shown in the list of runs."""
    digest: str
    """Hash of its content; a store takes 36 characters."""
    path: Path
    """Where it lies."""


@dataclass(frozen=True)
class Description:
    """What a run holds."""

    tags: Mapping[str, str] = field(default_factory=dict)
    """By name."""
    params: Mapping[str, object] = field(default_factory=dict)
    """By name."""
    metrics: Sequence[Measured] = ()
    """Name, value and step, all finite."""
    inputs: Sequence[Input] = ()
    """Files that it was made of."""
    files: Sequence[Path] = ()
    """Artifacts that exist."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Artifacts by file name."""


@dataclass(frozen=True)
class TrackedRun:
    """A run, described when it turns out to be new."""

    name: str
    """Of the run."""
    kind: str
    """What it is about: a cell, a bank, a simulation or a sweep."""
    identity: Identity
    """The tag by which the run is found again, and its value."""
    content_sha256: str
    """Hash of all that the run shows: whether a run of it exists already."""
    started_at: int
    finished_at: int
    """Times of the results in ms since 1970, so that a rebuilt store has the same times."""
    describe: Callable[[], Description]
    """Returns what it holds."""
    status: str = FINISHED
    """How it ended."""
    draw: Callable[[Path], None] | None = None
    """Writes pictures into a folder, in another process: a function of the top level of a module,
    or a `functools.partial` of one."""


@dataclass(frozen=True)
class Study:
    """An experiment of MLflow: what can be compared on one page."""

    name: str
    """Its name."""
    note: str
    """Its description, in Markdown."""
    views: Mapping[str, str]
    """Tags that its page takes for saved views, see `mechcore.tracking.views`."""
    sweep: str
    """Identifier of the sweep that its current runs belong to."""
    tags: Mapping[str, str]
    """What all its new runs carry."""
    runs: Sequence[TrackedRun]
    """The runs."""


def finite(metrics: Iterable[Measured]) -> list[Measured]:
    """Leave out what a store would keep as a wrong number: it has no infinity and no NaN.

    Examples
    --------
    >>> finite([("speed", 0.5, 0), ("beta_star", float("inf"), 0)])
    [('speed', 0.5, 0)]
    """
    return [metric for metric in metrics if math.isfinite(metric[1])]


def content_of(*parts: object) -> str:
    """Return a hash of what a run shows.

    Examples
    --------
    >>> content_of("a", {"speed": 0.5}) == content_of("a", {"speed": 0.25})
    False
    """
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()
