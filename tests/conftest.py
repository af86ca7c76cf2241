"""Settings of all tests: chance is seeded; under CI it repeats itself and no test is skipped.

Warnings are errors in this project, so numpy's overflow, division by zero and invalid operations
fail a test without further settings.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile(
    "mechcore",
    deadline=None,
    max_examples=60,
    derandomize=bool(os.environ.get("CI")),
    print_blob=True,
)
settings.load_profile("mechcore")


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20251231)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one under CI, which can install what the test misses."""
    report = yield
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped under CI: {report.longrepr}"
    return report
