"""What several tests of faults start from."""

from __future__ import annotations

from pathlib import Path

import pytest
import trackers


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a finished experiment; tests leave it alone."""
    return trackers.prepare(tmp_path_factory.mktemp("finished"), trackers.CONFIG)
