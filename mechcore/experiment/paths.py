"""Where the files of an experiment lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass

if TYPE_CHECKING:
    pass


CONTROLS_FILE = "controls.nc"


BANK_FILES = "filters/*.nc"


CLAIMS_FILE = "claims.json"
"""Names of these files among the results."""


BANKS, BANK_RUNS = "filters", "filter_runs"
"""Folders of results: what banks of trained kernels hold, and how these kernels ran."""
