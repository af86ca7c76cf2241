"""Experiments that were tracked into a SQLite file: made once, copied by tests that change them."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest

from tests.helpers import trackers
from tests.helpers.shared import made_once
from tests.helpers.trackers import CHANGED, CONFIG, WITH_BANKS, Stop, Trackers


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory, commands: Trackers) -> Path:
    """The file of a store without experiments: its migrations take seconds."""

    def make(folder: Path) -> None:
        trackers.prepare(folder, CONFIG)
        # Killed before its first change.
        assert commands.track(folder, stop=Stop(1)).code == -signal.SIGKILL

    return made_once(tmp_path_factory, "empty", make) / "mlflow.db"


@pytest.fixture(scope="session")
def tracked(
    tmp_path_factory: pytest.TempPathFactory, commands: Trackers, empty_store: Path
) -> Path:
    """A folder whose experiment was tracked once: two cells, two banks and the sweep."""

    def make(folder: Path) -> None:
        trackers.prepare(folder, WITH_BANKS)
        shutil.copy(empty_store, folder)
        (folder / "report.html").write_text("<h1>The report</h1>")
        assert commands.tracked(folder).startswith("5 logged, 0 unchanged, 0 superseded")

    return made_once(tmp_path_factory, "tracked", make)


@pytest.fixture(scope="session")
def changed(tmp_path_factory: pytest.TempPathFactory, commands: Trackers, tracked: Path) -> Path:
    """A folder whose cells were tracked, changed, and tracked again."""

    def make(folder: Path) -> None:
        trackers.prepare(trackers.copied(tracked, folder), CHANGED)
        assert commands.tracked(folder).startswith("3 logged, 0 unchanged, 2 superseded")

    return made_once(tmp_path_factory, "changed", make)


@pytest.fixture
def mine(tracked: Path, tmp_path: Path) -> Path:
    return trackers.copied(tracked, tmp_path / "mine")


@pytest.fixture
def superseded(changed: Path, tmp_path: Path) -> Path:
    return trackers.copied(changed, tmp_path / "superseded")
