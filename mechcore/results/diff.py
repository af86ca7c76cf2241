"""What differs between two sweeps: settings, code, machine, and every number."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd

from mechcore.results.sweep import Sweep, content_hashes, metric_names

COLUMNS = ["kind", "cell", "name", "a", "b", "difference", "scaled", "change"]
"""Columns of ``diff.csv``."""

EQUAL, ROUNDING, DIFFERS, ONLY_A, ONLY_B = "equal", "rounding", "differs", "only in A", "only in B"
"""Values of the column ``change``."""

ROUNDING_SHARE = 1e-9
"""Share of a metric's scale that is still rounding: ten times the limit between engines."""

ROUNDING_SIZE = 1e-12
"""Numbers closer than this differ by rounding, too: speeds are known to it, and what is zero in
theory, as a standard error of an exact line, is some 1e-17 in practice."""


def compare(a: Sweep, b: Sweep) -> pd.DataFrame:
    """Return the differences between two sweeps, and the metrics that are equal.

    ``scaled`` is relative to the largest value of the metric in both sweeps: an intercept that goes
    from -0.001 to 0.001 beside others of 0.3 has hardly moved, whatever its ratio says.
    """
    cells = _facts("cell", content_hashes(a.records), content_hashes(b.records))
    tables = [
        _facts("config", a.config, b.config),
        _facts("code", a.code.model_dump(), b.code.model_dump()),
        _facts("environment", a.environment.model_dump(), b.environment.model_dump()),
        _facts("bank", a.banks, b.banks),
        cells.assign(cell=cells.name, name="content_sha256"),
        _metrics(a, b),
    ]
    rows = [table.reindex(columns=COLUMNS).astype(object) for table in tables if len(table)]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=COLUMNS)


def outcome(a: Sweep, b: Sweep, table: pd.DataFrame) -> str:
    """Return in a few words whether two sweeps are the same."""
    changed = table[table.kind.isin(["bank", "cell", "metric"]) & (table.change != EQUAL)]
    same_files = a.identifier == b.identifier
    if changed.empty:
        cause = "identical" if same_files else "configurations differ, results do not"
        return f"{cause}: the same numbers, to the last digit"
    if not set(a.records) & set(b.records):
        return "no cell in common: compare their runs in MLflow (mechcore ui), or their metrics.csv"
    alone = (changed.kind == "cell") & (changed.change != DIFFERS)
    visible = changed[(changed.kind == "metric") | alone]
    if visible.empty:
        return "no metric differs, files do"
    if (visible.change == ROUNDING).all():
        return "results differ by rounding only"
    return "the same trajectories, measured in another way" if same_files else "results differ"


def largest(table: pd.DataFrame) -> pd.DataFrame:
    """Return the metrics that differ beyond rounding, each with the cell in which it does most."""
    rows = table[(table.kind == "metric") & (table.change == DIFFERS)]
    size = rows.scaled.astype(float).abs().sort_values(ascending=False, kind="stable")
    return rows.loc[size.index].drop_duplicates("name")


def flattened(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return nested mappings as one, with keys joined by dots; lists are not taken apart."""
    flat: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{name}.")
        elif value is not None:
            flat[prefix + name] = value
    return flat


def _facts(kind: str, a: Mapping[str, object], b: Mapping[str, object]) -> pd.DataFrame:
    """Facts that differ, as texts on one line."""
    first, second = (
        {name: _text(value) for name, value in flattened(side).items()} for side in (a, b)
    )
    names = [name for name in first | second if first.get(name) != second.get(name)]
    table = pd.DataFrame({"name": names, "kind": kind}, dtype=object)
    table = table.assign(a=table.name.map(first), b=table.name.map(second), cell="")
    change = np.select([table.b.isna(), table.a.isna()], [ONLY_A, ONLY_B], DIFFERS)
    return table.assign(change=change)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _metrics(a: Sweep, b: Sweep) -> pd.DataFrame:
    """Every number of every cell that both have."""
    shared = set(a.records) & set(b.records)
    first, second = (
        sweep.cells[sweep.cells.cell.isin(shared)]
        .melt("cell", metric_names(sweep.cells), "name", value)
        .astype({value: float})
        for sweep, value in ((a, "a"), (b, "b"))
    )
    table = first.merge(second, on=["cell", "name"], how="outer")
    table = table.dropna(subset=["a", "b"], how="all")
    # Adding zero turns -0.0 into 0.0.
    difference = table.b - table.a + 0.0
    scale = table[["a", "b"]].abs().max(axis=1).groupby(table.name).transform("max")
    scaled = (difference / scale).where(difference != 0, 0.0)
    close = (scaled.abs() <= ROUNDING_SHARE) | (difference.abs() <= ROUNDING_SIZE)
    names = [ONLY_A, ONLY_B, EQUAL, ROUNDING]
    change = np.select([table.b.isna(), table.a.isna(), difference == 0, close], names, DIFFERS)
    return table.assign(kind="metric", difference=difference, scaled=scaled, change=change)
