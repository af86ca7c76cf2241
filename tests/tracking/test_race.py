"""Processes that track into the same empty folder in the same moment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.helpers import stores, trackers
from tests.helpers.trackers import CONFIG, Trackers

PROCESSES = 8

# Each takes about 7 s.
REPETITIONS = 20 if os.environ.get("MECHCORE_ALL_REPETITIONS") else 2

TINY = CONFIG | {"activations": ["relu"], "betas": {"start": 0, "stop": 1, "count": 3}}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trackers.prepare(tmp_path_factory.mktemp("finished"), TINY)


@pytest.mark.parametrize("repetition", range(REPETITIONS))
def test_eight_that_start_at_once_make_one_store(
    commands: Trackers, finished: Path, tmp_path: Path, repetition: int
) -> None:
    """Forks that have imported everything wait for one gate: nothing is left that spreads them.

    All twenty repetitions run where MECHCORE_ALL_REPETITIONS is set.
    """
    assert repetition < REPETITIONS
    folder = trackers.copied(finished, tmp_path)
    ended = commands.race([folder] * PROCESSES, *trackers.TRACK)
    assert [one.code for one in ended] == [0] * PROCESSES, [one.stderr for one in ended]
    assert sorted(one.stdout.partition(" in ")[0] for one in ended) == [
        *["0 logged, 2 unchanged, 0 superseded"] * (PROCESSES - 1),
        "2 logged, 0 unchanged, 0 superseded",
    ]
    content = stores.in_folder(folder)
    assert sorted(content) == ["Default", "tiny"]
    assert stores.runs_in(content, "Default") == []
    names = [str(run["name"]).partition(" ")[0] for run in stores.runs_in(content, "tiny")]
    assert sorted(names) == ["dct-relu-k2", "sweep"]
    assert {run["status"] for run in stores.runs_in(content, "tiny")} == {"FINISHED"}
