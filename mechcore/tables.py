"""The CSV files: reading, writing, and the table of metrics of a whole experiment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from mechcore.errors import MechcoreError
from mechcore.grid import Cell
from mechcore.measures import METRICS, metrics_table
from mechcore.storage import read_dataset, replace_file


def collect_metrics(cells: Mapping[str, Cell], trajectories: Path) -> pd.DataFrame:
    """Measure the trajectories of all cells.

    Parameters
    ----------
    cells : mapping of str to Cell
        The grid.
    trajectories : Path
        Folder that holds a netCDF file for each cell.

    Returns
    -------
    pandas.DataFrame
        One row a simulation, columns `mechcore.measures.METRICS`, in the order of the grid.

    Raises
    ------
    MechcoreError
        If a file is missing or damaged.
    """
    tables = [metrics_table(read_dataset(trajectories / f"{cell}.nc")) for cell in cells]
    return pd.concat(tables, ignore_index=True)


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
        If the file is missing or lacks a column.
    """
    table = read_table(path)
    missing = [name for name in METRICS if name not in table]
    if missing:
        raise MechcoreError(f"{path}: no column {', '.join(missing)}")
    return table.astype({"extinct_at": "Int64"})


def read_table(path: Path) -> pd.DataFrame:
    """Read a table that `write_table` wrote.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    pandas.DataFrame
        The table.

    Raises
    ------
    MechcoreError
        If the file is missing or not a table.
    """
    try:
        return pd.read_csv(path)
    except OSError as error:
        raise MechcoreError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, pd.errors.ParserError) as error:
        raise MechcoreError(f"{path}: not a table ({error})") from error


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, whole or not at all; numbers keep all their digits.

    Parameters
    ----------
    table : pandas.DataFrame
        The table.
    path : Path
        The file.
    """
    replace_file(path, lambda draft: table.to_csv(draft, index=False, lineterminator="\n"))
