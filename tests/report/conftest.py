"""What the tests of the report share."""

from __future__ import annotations

import pytest

from mechcore.experiment.config import load_experiment
from tests.helpers.reports import SMALL, Report, make_report, report_in
from tests.helpers.shared import made_once


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Give a small experiment and its report; tests leave both alone."""
    folder = made_once(tmp_path_factory, "small", lambda folder: make_report(folder, SMALL))
    return report_in(folder, load_experiment(SMALL))
