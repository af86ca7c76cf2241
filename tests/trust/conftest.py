"""What several tests of faults start from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import trackers


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a finished experiment; tests leave it alone."""
    return trackers.prepare(tmp_path_factory.mktemp("finished"), trackers.CONFIG)


@pytest.fixture(scope="module")
def simulated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the results of the configuration of a file of tests; they leave them alone."""
    from experiments import run

    folder = tmp_path_factory.mktemp("simulated")
    run(folder, request.module.CONFIG)
    return folder


@pytest.fixture
def results(simulated: Path, tmp_path: Path) -> Path:
    """Give the same results to a test that spoils them."""
    shutil.copytree(simulated, tmp_path / "results")
    return tmp_path / "results"
