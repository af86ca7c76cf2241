"""What a run of MLflow is made of, without MLflow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Measured = tuple[str, float, int]
"""Name, value and step of a metric."""


@dataclass(frozen=True)
class Description:
    """What a run holds.

    Parameters
    ----------
    tags, params : dict
        By name.
    metrics : sequence of (str, float, int)
        Name, value, step; what is not finite is not logged.
    files : sequence of Path
        Artifacts that exist.
    write : callable
        Writes further artifacts into a folder.
    """

    tags: dict[str, str]
    params: dict[str, object]
    metrics: Sequence[Measured]
    files: Sequence[Path]
    write: Callable[[Path], None]


@dataclass(frozen=True)
class TrackedRun:
    """A run, described when it turns out to be new.

    Parameters
    ----------
    name : str
        Of the run.
    identity : (str, str)
        The tag by which the run is found again, and its value.
    content_sha256 : str
        Hash of all that the run shows: whether a run of it exists already.
    finished_at : int
        Time of the results in ms since 1970, so that a rebuilt store has the same times.
    describe : callable
        Returns what it holds.
    """

    name: str
    identity: tuple[str, str]
    content_sha256: str
    finished_at: int
    describe: Callable[[], Description]


def key(group: object, name: str) -> str:
    """Return the name of a metric of a group: MLflow allows letters, digits and ``_-. :/``.

    Parameters
    ----------
    group : object
        Becomes the folder of the metric.
    name : str
        The metric.

    Returns
    -------
    str
        ``group/name``.

    Examples
    --------
    >>> key("a$b", "speed")
    'a_b/speed'
    """
    clean = "".join(sign if sign.isalnum() or sign in "_-./" else "_" for sign in str(group))
    return f"{clean.strip('/.')}/{name}"
