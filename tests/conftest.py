"""Settings of all tests: chance is seeded, and hypothesis repeats itself under CI.

Warnings are errors in this project, so numpy's overflow, division by zero and invalid operations
fail a test without further settings.
"""

from __future__ import annotations

import os

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
