"""The CSV files: reading and writing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from mechcore.cells import Cell
from mechcore.drafts import replace_file
from mechcore.errors import MechcoreError, shown
from mechcore.measures import METRICS
from mechcore.mechanics import SIMULATION
from mechcore.regressions import THEIL_SEN
from mechcore.storage import read_dataset
from mechcore.structure import attributes_of, check_trajectories, other_attributes

KERNEL = ("kernel", "size", "angle", "beta")
"""What identifies a kernel in the tables."""

MODEL_COLUMNS = (
    *("cell", "pattern", "domain", "model", "n"),
    *("level", "level_se", "light_speed", "light_speed_se", "light_cone", "diffusion_speed"),
    *("r2", "aic", "delta_aic", "cross_validated_error", "worst_residual"),
)
POOLED_COLUMNS = (
    *("pool", "kernel", "activation", "pattern", "predictor", "domain"),
    *("slope", "slope_se", "ci_low", "ci_high", "slope_se_independent"),
    *THEIL_SEN,
    *("intercept", "r2", "n", "clusters", "cells_without_s"),
)
"""Columns of ``models.csv`` and ``pooled.csv``: what fits them loads libraries of statistics, which
readers of the tables do not need."""

NAMES = ("cell", "kernel", "activation", "pattern", "predictor", "domain", "model", "pool")
COUNTS = ("size", "n", "clusters", "cells_without_s")
"""Columns of texts, and of whole numbers that are always known."""


def read_trajectories(path: Path, cell: Cell) -> xr.Dataset:
    """Read the trajectories of a cell, and of no other.

    Parameters
    ----------
    path : Path
        The netCDF file.
    cell : Cell
        What was planned.

    Returns
    -------
    xarray.Dataset
        The trajectories.

    Raises
    ------
    MechcoreError
        If the file is missing, damaged, was made with other settings, or holds something else.
    """
    dataset = read_dataset(path)
    check_settings(path, dataset.attrs, cell)
    check_trajectories(path, dataset, cell)
    return dataset


def check_settings(path: Path, attributes: Mapping[str, object], cell: Cell) -> None:
    """Refuse the file of another cell, or of the same with other settings.

    Parameters
    ----------
    path : Path
        The netCDF file.
    attributes : mapping of str to object
        What it says of itself.
    cell : Cell
        What was planned.

    Raises
    ------
    MechcoreError
        One line that names the settings.
    """
    planned, found = cell.to_mapping(), _settings(attributes)
    other = [key for key in {**planned, **found} if planned.get(key) != found.get(key)]
    # What measurements go by stands there a second time.
    other += other_attributes(attributes, attributes_of(cell))
    if other:
        told = ", ".join(dict.fromkeys(other))
        raise MechcoreError(
            f"{path}: made with other settings ({told}), expected those of {cell.id} in this "
            "configuration"
        )


def read_metrics(path: Path) -> pd.DataFrame:
    """Read ``metrics.csv``.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    pandas.DataFrame
        Columns `mechcore.measures.METRICS`.

    Raises
    ------
    MechcoreError
        As `read_table` does.
    """
    table = read_table(path, METRICS, SIMULATION)
    return table.astype({"extinct_at": "Int64"})


def read_table(path: Path, columns: Sequence[str], key: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table that `write_table` wrote.

    Parameters
    ----------
    path : Path
        The file.
    columns : sequence of str
        Columns that it must have, filled as their names say (see `kind_of`).
    key : sequence of str, optional
        Columns of which no two rows hold the same values.

    Returns
    -------
    pandas.DataFrame
        The table, with at least one row.

    Raises
    ------
    MechcoreError
        If the file is missing, not a table, or holds something else.
    """
    table = _parsed(path)
    missing = [name for name in columns if name not in table]
    if missing:
        raise MechcoreError(f"{path}: no column {', '.join(missing)}")
    if table.empty:
        raise MechcoreError(f"{path}: no rows, expected at least one")
    for name in columns:
        _check_column(path, table[name])
    _check_key(path, table, list(key))
    return table


@dataclass(frozen=True)
class Kind:
    """What a column may hold.

    Parameters
    ----------
    expected : str
        In words.
    allows : callable
        Column to whether each value is allowed.
    """

    expected: str
    allows: Callable[[pd.Series], pd.Series]


def kind_of(column: str) -> Kind:
    """Return what a column of the tables may hold.

    Parameters
    ----------
    column : str
        Its name.

    Returns
    -------
    Kind
        Numbers, which may be missing, unless the column is known to hold something else.

    Examples
    --------
    >>> kind_of("speed").allows(pd.Series(["0.5", "fast", None])).tolist()
    [True, False, True]
    """
    return KINDS.get(column, NUMBERS)


def _numbers(column: pd.Series) -> pd.Series:
    """The values as numbers, NaN for what is none."""
    # To pandas, truth is a number.
    texts = column.astype(str) if column.dtype == bool else column
    return pd.to_numeric(texts, errors="coerce")


NUMBERS = Kind("a number or nothing", lambda column: column.isna() | _numbers(column).notna())

KINDS = {
    **dict.fromkeys(NAMES, Kind("a name", lambda column: column.notna())),
    **dict.fromkeys(COUNTS, Kind("a whole number", lambda column: _numbers(column) % 1 == 0)),
    "ill_conditioned": Kind(
        "True or False", lambda column: column.astype(str).isin(["True", "False"])
    ),
    "extinct_at": Kind(
        "a layer or nothing", lambda column: column.isna() | (_numbers(column) % 1 == 0)
    ),
}
"""The columns that hold something else than numbers which may be missing."""


def _parsed(path: Path) -> pd.DataFrame:
    try:
        # In one piece: a column that is read in pieces can change its type, which pandas warns of.
        return pd.read_csv(path, low_memory=False)
    except OSError as error:
        raise MechcoreError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, pd.errors.ParserError) as error:
        told = " ".join(str(error).split())
        raise MechcoreError(f"{path}: not a table ({told})") from error


def _check_column(path: Path, column: pd.Series) -> None:
    kind = kind_of(str(column.name))
    wrong = np.flatnonzero(~kind.allows(column).to_numpy(bool))
    if len(wrong):
        value = column.tolist()[wrong[0]]
        told = "empty" if pd.isna(value) else shown(value)
        # The first row follows the line of headings.
        where = f"{column.name} in line {wrong[0] + 2}"
        raise MechcoreError(f"{path}: {where} is {told}, expected {kind.expected}")


def _check_key(path: Path, table: pd.DataFrame, key: list[str]) -> None:
    again = np.flatnonzero(table.duplicated(key)) if key else np.array([], dtype=int)
    if len(again):
        row = table.iloc[again[0]]
        told = ", ".join(f"{name} {row[name]}" for name in key)
        raise MechcoreError(f"{path}: line {again[0] + 2} repeats {told}, expected one row of each")


def _settings(attributes: Mapping[str, object]) -> dict[str, object]:
    """What a file says that it was made with; nothing if it is no file of a cell."""
    try:
        found = json.loads(str(attributes.get("cell", "{}")))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def write_table(table: pd.DataFrame, path: Path, digits: int | None = None) -> None:
    """Write a table as CSV, whole or not at all.

    Parameters
    ----------
    table : pandas.DataFrame
        The table.
    path : Path
        The file.
    digits : int, optional
        Significant digits of numbers; all of them by default.
    """
    text = table_text(table, digits)
    replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def table_text(table: pd.DataFrame, digits: int | None = None) -> str:
    r"""Return a table as CSV.

    Parameters
    ----------
    table : pandas.DataFrame
        The table.
    digits : int, optional
        Significant digits of numbers; all of them by default.

    Returns
    -------
    str
        The text of the file.

    Examples
    --------
    >>> table_text(pd.DataFrame({"beta": [0.5, -0.0]}))
    'beta\n0.5\n0.0\n'
    """
    form = None if digits is None else f"%.{digits}g"
    # Adding zero turns -0.0 into 0.0.
    table = table.assign(**(table.select_dtypes("float") + 0.0))
    return str(table.to_csv(index=False, lineterminator="\n", float_format=form))
