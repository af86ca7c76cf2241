"""The CSV files: reading, writing, and the tables of measurements of a whole experiment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mechcore.errors import MechcoreError
from mechcore.grid import Cell
from mechcore.measures import METRICS, metrics_table
from mechcore.mechanics import kernels_table, mechanics_table
from mechcore.storage import read_dataset, replace_file


@dataclass(frozen=True)
class Measurements:
    """What is measured on the trajectories of an experiment.

    Parameters
    ----------
    metrics, mechanics : pandas.DataFrame
        One row a simulation, see `mechcore.measures.METRICS`, `mechcore.mechanics.MECHANICS`.
    kernels : pandas.DataFrame
        One row a kernel, columns `mechcore.mechanics.KERNELS`.
    """

    metrics: pd.DataFrame
    mechanics: pd.DataFrame
    kernels: pd.DataFrame


def collect(cells: Mapping[str, Cell], trajectories: Path) -> Measurements:
    """Measure the trajectories of all cells.

    Parameters
    ----------
    cells : mapping of str to Cell
        The grid.
    trajectories : Path
        Folder that holds a netCDF file for each cell.

    Returns
    -------
    Measurements
        In the order of the grid.

    Raises
    ------
    MechcoreError
        If a file is missing or damaged.
    """
    metrics, mechanics = [], []
    kernels: dict[tuple[str, int], pd.DataFrame] = {}
    for name, cell in cells.items():
        dataset = read_dataset(trajectories / f"{name}.nc")
        metrics.append(metrics_table(dataset))
        mechanics.append(mechanics_table(dataset))
        # The kernels of a family and size are the same under all activations.
        if (cell.kernel, cell.size) not in kernels:
            kernels[cell.kernel, cell.size] = kernels_table(dataset)
    parts = (metrics, mechanics, list(kernels.values()))
    return Measurements(*(pd.concat(part, ignore_index=True) for part in parts))


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
    form = None if digits is None else f"%.{digits}g"
    replace_file(
        path, lambda draft: table.to_csv(draft, index=False, lineterminator="\n", float_format=form)
    )
