"""Reading and writing of the CSV files: each value is checked, and no file is half written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mechcore.analysis.combinations import axes_of
from mechcore.analysis.measures import METRICS, end_columns
from mechcore.analysis.mechanics import SIMULATION
from mechcore.errors import MechcoreError, shown
from mechcore.io.atomic import replace_file
from mechcore.io.reading import LARGEST_TABLE, regular_file

DIGITS = 5
"""Significant digits of tables beside the page: more than figures show, in half as many bytes."""

KERNEL = ("kernel", "size", "angle", "mixing_ratio")

ALL_FAMILIES = "all"

NAMES = (
    *("cell", "kernel", "activation", "pattern", "response", "predictor", "domain", "pool"),
    *("title", "kind", "figure", "quantity", "command"),
    *("boundary", "normalise", "density", "engine"),
)
TEXTS = ("at", "note")
COUNTS = ("size", "n", "clusters", "cells_without_s", "steps", "seed")
"""Columns of texts, of those that may be empty, and of whole numbers that are always known."""


def read_metrics(path: Path) -> pd.DataFrame:
    """Read ``metrics.csv``."""
    table = read_table(path, METRICS, SIMULATION).astype({"extinct_at": "Int64"})
    for name in end_columns(table):
        _check_column(path, table[name])
    return table


def read_table(path: Path, columns: Sequence[str], key: Sequence[str] = ()) -> pd.DataFrame:
    """Read a table that `write_table` wrote."""
    table = _parsed(path)
    missing = [name for name in columns if name not in table]
    if missing:
        raise MechcoreError(f"{path}: no column {', '.join(missing)}")
    if table.empty:
        raise MechcoreError(f"{path}: no rows, expected at least one")
    axes = axes_of(table)
    for name in (*columns, *axes):
        _check_column(path, table[name])
    if key:
        _check_key(path, table, [*key, *axes])
    return table


def joined(tables: Iterable[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Return tables below each other; without any, a table of these columns."""
    known = list(tables)
    return pd.concat(known, ignore_index=True) if known else pd.DataFrame(columns=list(columns))


CONTENTS: dict[str, Callable[[pd.Series, pd.Series], pd.Series]] = {
    "a number or nothing": lambda column, numbers: column.isna() | numbers.notna(),
    "a name": lambda column, _: column.notna(),
    "a text or nothing": lambda column, _: pd.Series(data=True, index=column.index),
    "a whole number": lambda _, numbers: numbers % 1 == 0,
    "a layer or nothing": lambda column, numbers: column.isna() | (numbers % 1 == 0),
    "True or False": lambda column, _: column.astype(str).isin(["True", "False"]),
}
"""What a column may hold, and which of its values, also read as numbers, are allowed."""

CONTENT_OF = {
    **dict.fromkeys(NAMES, "a name"),
    **dict.fromkeys(TEXTS, "a text or nothing"),
    **dict.fromkeys(COUNTS, "a whole number"),
    "extinct_at": "a layer or nothing",
    **dict.fromkeys(("ill_conditioned", "within"), "True or False"),
}
"""The columns of anything else than a number or nothing."""


def _parsed(path: Path) -> pd.DataFrame:
    try:
        # In one piece: a column that is read in pieces can change its type, which pandas warns of.
        with regular_file(path, LARGEST_TABLE) as stream:
            return pd.read_csv(stream, low_memory=False)
    except OSError as error:
        raise MechcoreError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, pd.errors.ParserError) as error:
        reason = " ".join(str(error).split())
        raise MechcoreError(f"{path}: not a table ({reason})") from error


def _check_column(path: Path, column: pd.Series) -> None:
    expected = CONTENT_OF.get(str(column.name), "a number or nothing")
    # To pandas, truth is a number.
    texts = column.astype(str) if column.dtype == bool else column
    numbers = pd.to_numeric(texts, errors="coerce")
    wrong = np.flatnonzero(~CONTENTS[expected](column, numbers).to_numpy(bool))
    if len(wrong):
        value = column.tolist()[wrong[0]]
        text = "empty" if pd.isna(value) else shown(value)
        # The first row follows the line of headings.
        where = f"{column.name} in line {wrong[0] + 2}"
        raise MechcoreError(f"{path}: {where} is {text}, expected {expected}")


def _check_key(path: Path, table: pd.DataFrame, key: list[str]) -> None:
    for place in np.flatnonzero(table.duplicated(key))[:1]:
        names = ", ".join(f"{name} {table[name].iloc[place]}" for name in key)
        line = f"line {place + 2} repeats {names}"
        raise MechcoreError(f"{path}: {line}, expected one row of each")


def write_table(table: pd.DataFrame, path: Path, digits: int | None = None) -> None:
    """Write a table as CSV, whole or not at all."""
    text = table_text(table, digits)
    replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def table_text(table: pd.DataFrame, digits: int | None = None) -> str:
    """Return a table as CSV."""
    form = None if digits is None else f"%.{digits}g"
    # Adding zero turns -0.0 into 0.0.
    table = table.assign(**(table.select_dtypes("float") + 0.0))
    return str(table.to_csv(index=False, lineterminator="\n", float_format=form))
