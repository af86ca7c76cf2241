"""Settings of all tests: chance is seeded; under CI it repeats itself and no test is skipped.

Warnings are errors in this project, so numpy's overflow, division by zero and invalid operations
fail a test without further settings.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import settings

from tests.helpers.shared import made_once

if TYPE_CHECKING:
    from tests.helpers.trackers import Trackers

settings.register_profile(
    "mechcore",
    deadline=None,
    max_examples=60,
    derandomize=bool(os.environ.get("CI")),
    print_blob=True,
)
# Not for every day: a hundred times as many, and others every time.
settings.register_profile("fuzz", deadline=None, max_examples=6000, print_blob=True)
settings.load_profile("mechcore")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20251231)


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trackers]:
    """Run commands in forks of one process; its imports are paid once for all files of tests."""
    from tests.helpers import trackers

    with trackers.trackers(tmp_path_factory.mktemp("commands")) as started:
        yield started


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a finished experiment; tests leave it alone."""
    from tests.helpers import trackers

    return made_once(
        tmp_path_factory, "finished", lambda folder: trackers.prepare(folder, trackers.CONFIG)
    )


@pytest.fixture
def own_entries_only_here() -> Iterator[None]:
    """Forget own kernels, activations and patterns after a test."""
    from mechcore.model.extensions import TABLES

    before = {name: dict(table.entries) for name, table in TABLES.items()}
    yield
    for name, table in TABLES.items():
        table.entries.clear()
        table.entries.update(before[name])


@pytest.fixture(scope="module")
def simulated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the results of the configuration of a file of tests; they leave them alone."""
    from tests.helpers.experiments import run

    folder = tmp_path_factory.mktemp("simulated")
    run(folder, request.module.CONFIG)
    return folder


@pytest.fixture
def results(simulated: Path, tmp_path: Path) -> Path:
    """Give the same results to a test that spoils them."""
    shutil.copytree(simulated, tmp_path / "results")
    return tmp_path / "results"


SLOW = ("workflow", "faults", "report", "tracking")
"""Folders of tests that wait for other processes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no core waits for it in the end."""
    items.sort(key=lambda item: item.path.parent.name not in SLOW)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one under CI, which can install what the test misses."""
    report = yield
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped under CI: {report.longrepr}"
    return report
