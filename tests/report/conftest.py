"""What the tests of the report share."""

from __future__ import annotations

import pytest

from tests.helpers.reports import SMALL, Report, make_report


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Give a small experiment and its report; tests leave both alone."""
    return make_report(tmp_path_factory.mktemp("small"), SMALL)
