"""What is measured on trajectories, cell by cell, and the tables of a whole experiment."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path

import pandas as pd
import xarray as xr

from mechcore.analysis.measures import metrics_table
from mechcore.analysis.mechanics import kernels_table, mechanics_table
from mechcore.analysis.tables import table_text
from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.io.atomic import replace_file
from mechcore.io.fingerprint import code_fingerprint
from mechcore.io.hashes import file_sha256
from mechcore.simulation.reading import read_trajectories

KEPT = "measured"
"""Folder beside that of the trajectories. What lies in it is looked up instead of measured, if it
is of the same file, cell and code; it can be deleted at any time."""

TABLES: dict[str, Callable[[xr.Dataset], pd.DataFrame]] = {
    "metrics": metrics_table,
    "mechanics": mechanics_table,
    "kernels": kernels_table,
}
"""What is measured on the trajectories of a cell."""

Texts = Mapping[str, str]
"""Tables of a cell as CSV, by name."""


@dataclass(frozen=True)
class Measurements:
    """What is measured on the trajectories of an experiment."""

    metrics: pd.DataFrame
    mechanics: pd.DataFrame
    """One row a simulation, see `mechcore.analysis.measures.METRICS`,
    `mechcore.analysis.mechanics.MECHANICS`."""
    kernels: pd.DataFrame
    """One row a kernel, columns `mechcore.analysis.mechanics.KERNELS`."""


def collect(cells: Mapping[str, Cell], trajectories: Path, *, kept: bool = True) -> Measurements:
    """Measure the trajectories of all cells."""
    texts_of = measured if kept else measured_anew
    texts = {name: texts_of(trajectories / f"{name}.nc", cell) for name, cell in cells.items()}
    # The kernels of a family and size are the same under all activations.
    bodies = {(cell.kernel, cell.size): name for name, cell in reversed(list(cells.items()))}
    owners = set(bodies.values())
    return Measurements(
        _together(text["metrics"] for text in texts.values()).astype({"extinct_at": "Int64"}),
        _together(text["mechanics"] for text in texts.values()),
        _together(text["kernels"] for name, text in texts.items() if name in owners),
    )


def measured(path: Path, cell: Cell) -> Texts:
    """Return what is measured on a cell, and keep it."""
    kept, source = path.resolve().parents[1] / KEPT / f"{cell.id}.json", made_of(path, cell)
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(kept.read_text(encoding="utf-8"))
        if found["made_of"] == source:
            return {name: str(found["tables"][name]) for name in TABLES}
    texts = measured_anew(path, cell)
    content = json.dumps({"made_of": source, "tables": texts})
    # Results that cannot be written to are measured every time.
    with suppress(MechcoreError):
        replace_file(kept, lambda draft: draft.write_text(content, encoding="utf-8"))
    return texts


def measured_anew(path: Path, cell: Cell) -> Texts:
    """Measure a cell, whatever was kept of it."""
    dataset = read_trajectories(path, cell)
    return {name: table_text(table(dataset)) for name, table in TABLES.items()}


def made_of(path: Path, cell: Cell) -> dict[str, object]:
    """Return what measurements depend on."""
    # All bytes, as times tell nothing: Snakemake gives files a new one when their job has ended.
    found: dict[str, object] = {"cell": cell.to_mapping(), "code": _code()}
    return found | {"file": file_sha256(path, "trajectories")}


@cache
def _code() -> str:
    return code_fingerprint("analysis")


def _together(texts: Iterable[str]) -> pd.DataFrame:
    """Tables with the same columns, one after the other."""
    parts = [text.partition("\n") for text in texts]
    return pd.read_csv(StringIO("\n".join([parts[0][0], "".join(rows for _, _, rows in parts)])))
