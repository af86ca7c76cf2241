"""The state of this code in version control: its commit, and how it differs from it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from mechcore.io.fingerprint import code_fingerprint

PACKAGE = Path(__file__).parents[1]

UNKNOWN = "unknown"
"""What cannot be found out, as outside of version control."""

MIXED = "mixed"
"""Stands for the commits of results that several commits made."""

PATIENCE = 10.0
"""Seconds after which a git that does not answer, as on a stale network disk, is absent."""

OF_ANY_OWNER = ("-c", "safe.directory=*", "-c", "core.fsmonitor=false")
"""Options of git for what only reads names and commits: the checkout may be another user's."""

OF_CODE = ("--", ":/", ":(exclude,top)reports", ":(exclude,top)benchmarks/history.jsonl")
"""All tracked files but reports and times, which are results."""

LONGEST_DIFF = 20_000
"""Characters of a difference that are kept: each cell carries it."""

VARIABLE = "MECHCORE_CODE"
"""Environment variable by which a workflow tells its jobs, so that git runs once."""


class CodeState(NamedTuple):
    """The state of the code."""

    commit: str = UNKNOWN
    """40 hexadecimal digits, or ``unknown``."""
    dirty: str = UNKNOWN
    """``true`` if tracked files differ from the commit, ``false``, or ``unknown``."""
    diff: str = ""
    """How they differ, cut after `LONGEST_DIFF` characters."""

    @property
    def attributes(self) -> dict[str, str]:
        """The state as attributes of a file."""
        diff = {"code_diff": self.diff} if self.diff else {}
        return {"code_commit": self.commit, "code_dirty": self.dirty, **diff}


def announce_code_state() -> None:
    """Tell all processes that this one starts the state of the code."""
    content = [code_fingerprint("simulation"), code_state()]
    os.environ.setdefault(VARIABLE, json.dumps(content))


@cache
def code_state() -> CodeState:
    """Return the state of the code that runs, as the workflow says or else git."""
    try:
        fingerprint, announced = json.loads(os.environ[VARIABLE])
        # The code may have been edited since.
        if fingerprint == code_fingerprint("simulation"):
            return CodeState(*announced)
    except (KeyError, ValueError, TypeError):
        pass
    return state_by_git()


def state_by_git() -> CodeState:
    """Ask git for the state of the code."""
    # An installed copy may be inside somebody else's repository.
    tracked = _git(*OF_ANY_OWNER, "ls-files", "--error-unmatch", "__init__.py") is not None
    commit = _git(*OF_ANY_OWNER, "rev-parse", "HEAD") if tracked else None
    # In the checkout of another user this could run a program, so git refuses it: unknown.
    diff = _git("diff", "HEAD", *OF_CODE) if commit else None
    if commit is None or diff is None:
        return CodeState(commit or UNKNOWN)
    return CodeState(commit, "true" if diff else "false", diff[:LONGEST_DIFF])


def common_state(states: Iterable[CodeState]) -> CodeState:
    """Return what is true of all states of the code, without the difference.

    Examples
    --------
    >>> common_state([CodeState("a1", "false"), CodeState("b2", "true")])
    CodeState(commit='mixed', dirty='true', diff='')
    """
    commits, dirty = zip(*[(state.commit, state.dirty) for state in states], strict=True)
    worst = next((name for name in ("true", UNKNOWN) if name in dirty), "false")
    return CodeState(commits[0] if len(set(commits)) == 1 else MIXED, worst)


def _git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", *arguments],  # noqa: S607
            cwd=PACKAGE,
            capture_output=True,
            text=True,
            errors="replace",
            check=True,
            timeout=PATIENCE,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
