"""The CSV files: reading and writing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mechcore.analysis.measures import METRICS
from mechcore.analysis.mechanics import SIMULATION
from mechcore.analysis.regressions import THEIL_SEN
from mechcore.errors import MechcoreError, shown
from mechcore.io.atomic import replace_file

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


def read_metrics(path: Path) -> pd.DataFrame:
    """Read ``metrics.csv``."""
    table = read_table(path, METRICS, SIMULATION)
    return table.astype({"extinct_at": "Int64"})


def read_table(path: Path, columns: Sequence[str], key: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table that `write_table` wrote."""
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
    """What a column may hold."""

    expected: str
    """In words."""
    allows: Callable[[pd.Series], pd.Series]
    """Column to whether each value is allowed."""


def kind_of(column: str) -> Kind:
    """Return what a column of the tables may hold.

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


def write_table(table: pd.DataFrame, path: Path, digits: int | None = None) -> None:
    """Write a table as CSV, whole or not at all."""
    text = table_text(table, digits)
    replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def table_text(table: pd.DataFrame, digits: int | None = None) -> str:
    r"""Return a table as CSV.

    Examples
    --------
    >>> table_text(pd.DataFrame({"beta": [0.5, -0.0]}))
    'beta\n0.5\n0.0\n'
    """
    form = None if digits is None else f"%.{digits}g"
    # Adding zero turns -0.0 into 0.0.
    table = table.assign(**(table.select_dtypes("float") + 0.0))
    return str(table.to_csv(index=False, lineterminator="\n", float_format=form))


DIGITS = 5
"""Significant digits of tables beside the page: more than figures show, in half as many bytes."""
