"""What is measured on each cell, and the tables of a whole experiment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pandas as pd
import xarray as xr

from mechcore.analysis.measures import METRICS, end_column, metrics_table
from mechcore.analysis.mechanics import (
    KERNELS,
    MECHANICS,
    SIMULATION,
    kernels_table,
    mechanics_table,
)
from mechcore.analysis.tables import KERNEL, table_text
from mechcore.errors import MechcoreError, one_line
from mechcore.experiment.cell import Cell
from mechcore.io.atomic import replace_file
from mechcore.io.fingerprint import code_fingerprint
from mechcore.io.hashes import settings_sha256
from mechcore.io.netcdf import AGAIN
from mechcore.simulation.reading import read_trajectories

MEASURES = "measures"
"""Folder of results with a CSV file for every cell: its rows of all tables, side by side."""

FINGERPRINT = "fingerprint"
"""Its first column: a hash of the settings of the cell and of the code that measured."""

OF_KERNEL = "kernel."
"""How its columns begin that describe the kernel and not the simulation."""


@dataclass(frozen=True)
class Measurements:
    """What is measured on the trajectories of an experiment."""

    metrics: pd.DataFrame
    mechanics: pd.DataFrame
    """One row a simulation, see `mechcore.analysis.measures.METRICS`,
    `mechcore.analysis.mechanics.MECHANICS`."""
    kernels: pd.DataFrame
    """One row a kernel, columns `mechcore.analysis.mechanics.KERNELS`."""


def collect(
    cells: Mapping[str, Cell],
    trajectories: Path,
    measures: Path | None = None,
    read: Callable[[Path, Cell], xr.Dataset] = read_trajectories,
) -> Measurements:
    """Put the measures of cells together, in the order of the cells.

    ``trajectories`` and ``measures`` are folders with a file for every cell. A cell without a file
    of measures, or with one of other settings or other code, is measured now; so are all cells if
    there is no such folder. ``read`` reads the trajectories of a cell.
    """
    table = _together(
        _measured_before(measures, cell)
        or _measures_text(read(trajectories / f"{name}.nc", cell), cell)
        for name, cell in cells.items()
    )
    # The kernels of a family and size are the same under all activations, for all patterns.
    kernels = table.drop_duplicates(list(KERNEL), ignore_index=True)
    columns = [name if name in KERNEL else f"{OF_KERNEL}{name}" for name in KERNELS]
    ends = [end_column(layers) for layers in next(iter(cells.values())).ends]
    return Measurements(
        table[[*METRICS, *ends]].astype({"extinct_at": "Int64"}),
        table[list(MECHANICS)],
        kernels[columns].set_axis(list(KERNELS), axis="columns"),
    )


def write_measures(trajectories: Path, cell: Cell, path: Path) -> None:
    """Measure the trajectories of a cell and write its file of measures."""
    text = _measures_text(read_trajectories(trajectories, cell), cell)
    replace_file(path, lambda draft: draft.write_text(text, encoding="utf-8"))


def _measures_text(dataset: xr.Dataset, cell: Cell) -> str:
    """The measures of a cell as CSV, one row a simulation."""
    metrics = metrics_table(dataset, cell.ends)
    mechanics, kernels = mechanics_table(dataset), kernels_table(dataset)
    # Rows are in the order of patterns, angles and betas; kernels have no pattern.
    kernels = pd.concat([kernels] * len(cell.patterns), ignore_index=True)
    columns = [
        metrics,
        mechanics.drop(columns=list(SIMULATION)),
        kernels.drop(columns=list(KERNEL)).add_prefix(OF_KERNEL),
    ]
    table = pd.concat(columns, axis="columns")
    table.insert(0, FINGERPRINT, cell_fingerprint(cell))
    return table_text(table)


def _measured_before(measures: Path | None, cell: Cell) -> str:
    """The measures of a cell, if a file holds all of them as this code would measure them."""
    path = None if measures is None else measures / f"{cell.id}.csv"
    if path is None or not path.is_file():
        return ""
    text = path.read_text(encoding="utf-8", errors="replace")
    header, _, rows = text.partition("\n")
    sound = (
        header.startswith(f"{FINGERPRINT},")
        and rows.startswith(f"{cell_fingerprint(cell)},")
        and rows.count("\n") == cell.simulations
    )
    return text if sound else ""


def cell_fingerprint(cell: Cell) -> str:
    """Return the hash of the settings of a cell and of the code that measures."""
    made_of = {"cell": cell.to_mapping(), "code": code_fingerprint("analysis")}
    return settings_sha256(made_of)[:16]


def _together(texts: Iterable[str]) -> pd.DataFrame:
    """Tables with the same columns, one after the other."""
    headers, _, rows = zip(*(text.partition("\n") for text in texts), strict=True)
    try:
        return pd.read_csv(StringIO("\n".join([headers[0], "".join(rows)])), low_memory=False)
    except pd.errors.ParserError as error:
        reason = one_line(str(error))
        raise MechcoreError(f"a file of {MEASURES} is damaged ({reason}); {AGAIN}") from None
