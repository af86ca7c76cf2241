"""The files of a page, for the workflow, which imports no tables and no plots."""

from __future__ import annotations

from mechcore.experiment import paths
from mechcore.experiment.config import Experiment

FIGURES_FOLDER = "figures"
"""Where figures and their data are, beside the page."""

TABLES_FOLDER = "tables"
"""Where the tables beside the page are as HTML."""

FITS = ("regressions", "pooled")
"""Tables of results that are also beside the page."""

CONTROLS_TABLE = "controls.csv"


def page_files(experiment: Experiment) -> list[str]:
    """Return the names of all files beside the page and its appendix but for the folders."""
    tables = [f"{name}.csv" for name in FITS] + [CONTROLS_TABLE, paths.CLAIMS_FILE]
    return [
        "README.md",
        *tables,
        *([paths.CENSUS_FILE] if experiment.filter_banks else []),
        *([paths.NETWORKS_FILE] if experiment.networks else []),
        *([paths.TRAINING_FILE, paths.TRAINING_TESTS_FILE] if experiment.training else []),
    ]
