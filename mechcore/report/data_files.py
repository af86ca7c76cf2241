"""The data beside the page: every table that a number of the page comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from mechcore.analysis.tables import DIGITS, write_table
from mechcore.claims.verdict import Claim, write_claims
from mechcore.experiment.paths import BANK_FILES, CLAIMS_FILE, CONTROLS_FILE
from mechcore.results.results import TABLES, Results

MOST_VALUES = 400_000
"""A table of more values, about 5 MB, stays among the results."""

CONTROLS_TABLE = "controls.csv"
LAYERS_TABLE = "filter-layers.csv"

ALIASES = {CONTROLS_FILE: CONTROLS_TABLE, BANK_FILES: LAYERS_TABLE}
"""Files of results, and the tables beside the page that hold their numbers."""


def write_data(results: Results, claims: list[Claim], folder: Path) -> dict[str, str]:
    """Write the tables beside the page, and return where the page links to each."""
    tables = {f"{name}.csv": getattr(results, name) for name in TABLES}
    tables[CONTROLS_TABLE] = results.controls
    if results.banks:
        tables[LAYERS_TABLE] = results.bank_layers
    write_claims(claims, folder / CLAIMS_FILE)
    places = {name: _write(table, folder / name, results.folder) for name, table in tables.items()}
    aliases = {name: places.get(table, "") for name, table in ALIASES.items()}
    return {**places, **aliases, CLAIMS_FILE: CLAIMS_FILE}


def copied_files(places: Mapping[str, str], folder: Path) -> list[Path]:
    """Return the files of `write_data` beside the page.

    >>> places = {"a.csv": "a.csv", "b.csv": "../../results/x/b.csv", "c.nc": "", "d.nc": "a.csv"}
    >>> [path.name for path in copied_files(places, Path())]
    ['a.csv']
    """
    beside = {place for place in places.values() if place and Path(place).name == place}
    return [folder / name for name in sorted(beside)]


def _write(table: pd.DataFrame, copy: Path, results: Path) -> str:
    """Write a table unless it is too large; return the path that the page links to."""
    if table.size <= MOST_VALUES:
        write_table(table, copy, DIGITS)
        return copy.name
    # A file of an earlier, smaller grid would pass for this one's.
    copy.unlink(missing_ok=True)
    original = results / copy.name
    return Path(os.path.relpath(original, copy.parent)).as_posix() if original.is_file() else ""
