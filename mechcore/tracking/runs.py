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
    """A file that a run was made of.

    Parameters
    ----------
    name : str
        Shown in the list of runs.
    digest : str
        Hash of its content; a store takes 36 characters.
    path : Path
        Where it lies.
    """

    name: str
    digest: str
    path: Path


@dataclass(frozen=True)
class Description:
    """What a run holds.

    Parameters
    ----------
    tags : mapping of str to str
        By name.
    params : mapping of str to object
        By name.
    metrics : sequence of (str, float, int)
        Name, value and step, all finite.
    inputs : sequence of Input
        Files that it was made of.
    files : sequence of Path
        Artifacts that exist.
    texts : mapping of str to str
        Artifacts by file name.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, object] = field(default_factory=dict)
    metrics: Sequence[Measured] = ()
    inputs: Sequence[Input] = ()
    files: Sequence[Path] = ()
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TrackedRun:
    """A run, described when it turns out to be new.

    Parameters
    ----------
    name : str
        Of the run.
    kind : str
        What it is about: a cell, a bank, a simulation or a sweep.
    identity : (str, str)
        The tag by which the run is found again, and its value.
    content_sha256 : str
        Hash of all that the run shows: whether a run of it exists already.
    started_at, finished_at : int
        Times of the results in ms since 1970, so that a rebuilt store has the same times.
    describe : callable
        Returns what it holds.
    status : {"FINISHED", "FAILED"}
        How it ended.
    draw : callable, optional
        Writes pictures into a folder, in another process: a function of the top level of a module,
        or a `functools.partial` of one.
    """

    name: str
    kind: str
    identity: Identity
    content_sha256: str
    started_at: int
    finished_at: int
    describe: Callable[[], Description]
    status: str = FINISHED
    draw: Callable[[Path], None] | None = None


@dataclass(frozen=True)
class Study:
    """An experiment of MLflow: what can be compared on one page.

    Parameters
    ----------
    name : str
        Its name.
    note : str
        Its description, in Markdown.
    views : mapping of str to str
        Tags that its page takes for saved views, see `mechcore.tracking.views`.
    sweep : str
        Identifier of the sweep that its current runs belong to.
    tags : mapping of str to str
        What all its new runs carry.
    runs : sequence of TrackedRun
        The runs.
    """

    name: str
    note: str
    views: Mapping[str, str]
    sweep: str
    tags: Mapping[str, str]
    runs: Sequence[TrackedRun]


def finite(metrics: Iterable[Measured]) -> list[Measured]:
    """Leave out what a store would keep as a wrong number: it has no infinity and no NaN.

    Parameters
    ----------
    metrics : iterable of (str, float, int)
        Name, value and step.

    Returns
    -------
    list of (str, float, int)
        Those that are numbers.

    Examples
    --------
    >>> finite([("speed", 0.5, 0), ("beta_star", float("inf"), 0)])
    [('speed', 0.5, 0)]
    """
    return [metric for metric in metrics if math.isfinite(metric[1])]


def content_of(*parts: object) -> str:
    """Return a hash of what a run shows.

    Parameters
    ----------
    *parts : object
        Whatever JSON can hold.

    Returns
    -------
    str
        64 hexadecimal digits.

    Examples
    --------
    >>> content_of("a", {"speed": 0.5}) == content_of("a", {"speed": 0.25})
    False
    """
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()
