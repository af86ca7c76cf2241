"""The data beside the page: every table that a number of the page comes from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from mechcore.contents import DIGITS
from mechcore.evidence import TABLES, Evidence
from mechcore.tables import write_table
from mechcore.verdicts import BANK_FILES, CLAIMS_FILE, CONTROLS_FILE, Claim, write_claims

MOST_VALUES = 400_000
"""A table of more values, about 5 MB, stays among the results."""

CONTROLS_TABLE = "controls.csv"
LAYERS_TABLE = "filter-layers.csv"

ALIASES = {CONTROLS_FILE: CONTROLS_TABLE, BANK_FILES: LAYERS_TABLE}
"""Files of results that a table beside the page stands for."""


def write_data(evidence: Evidence, claims: list[Claim], folder: Path) -> dict[str, str]:
    """Write the tables beside the page.

    Parameters
    ----------
    evidence : Evidence
        The results.
    claims : list of Claim
        The verdicts.
    folder : Path
        Folder of the page.

    Returns
    -------
    dict of str to str
        Name of each file of results to where the page links to: beside it, or, for a table of more
        than `MOST_VALUES`, among the results; empty where neither is there.
    """
    tables = {f"{name}.csv": getattr(evidence, name) for name in TABLES}
    tables[CONTROLS_TABLE] = evidence.controls
    if evidence.banks:
        tables[LAYERS_TABLE] = evidence.bank_layers
    write_claims(claims, folder / CLAIMS_FILE)
    places = {
        name: _place(table, folder / name, evidence.results) for name, table in tables.items()
    }
    aliases = {name: places.get(table, "") for name, table in ALIASES.items()}
    return {**places, **aliases, CLAIMS_FILE: CLAIMS_FILE}


def copied_files(places: Mapping[str, str], folder: Path) -> list[Path]:
    """Return the tables that lie beside the page.

    Parameters
    ----------
    places : mapping of str to str
        Of `write_data`.
    folder : Path
        Folder of the page.

    Returns
    -------
    list of Path
        The files.

    Examples
    --------
    >>> places = {"a.csv": "a.csv", "b.csv": "../../results/x/b.csv", "c.nc": "", "d.nc": "a.csv"}
    >>> [path.name for path in copied_files(places, Path())]
    ['a.csv']
    """
    # Where a table is too large to lie here, the page links to the results.
    here = {place for place in places.values() if place and Path(place).name == place}
    return [folder / name for name in sorted(here)]


def _place(table: pd.DataFrame, copy: Path, results: Path) -> str:
    """Where a table is linked to; it is written unless it is too large."""
    if table.size <= MOST_VALUES:
        write_table(table, copy, DIGITS)
        return copy.name
    # What an earlier, smaller grid left here would pass for this one's.
    copy.unlink(missing_ok=True)
    original = results / copy.name
    return Path(os.path.relpath(original, copy.parent)).as_posix() if original.is_file() else ""
