"""What differs between two sweeps: settings, code, machine, and every number."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd

from mechcore.results.sweep import Sweep, metric_names

COLUMNS = ("kind", "cell", "name", "a", "b", "difference", "relative", "scaled", "change")
"""Columns of ``diff.csv``."""

KINDS = ("config", "code", "environment", "bank", "cell", "metric")
"""What a row is about: settings, code, machine, the file of a bank, a cell, a number."""

EQUAL, ROUNDING, DIFFERS, ONLY_A, ONLY_B = "equal", "rounding", "differs", "only in A", "only in B"
"""Values of the column ``change``."""

ROUNDING_SHARE = 1e-9
"""Numbers that are closer than this share of their metric's scale differ by rounding: that is ten
times what the engines agree to."""

ROUNDING_SIZE = 1e-12
"""So do numbers that are closer than this: speeds are known to it, and what is zero in theory, as a
standard error of an exact line, is some 1e-17 in practice."""

PRESENT, CONTENT = "present", "content_sha256"
"""Names of the rows of cells."""


def compare(a: Sweep, b: Sweep) -> pd.DataFrame:
    """Return the differences between two sweeps.

    Notes
    -----
    ``scaled`` is the difference relative to the largest value of the metric in both sweeps, and
    tells what moved most: an intercept that goes from -0.001 to 0.001 beside others of 0.3 has
    hardly moved, whatever its ratio says.
    """
    shared = [cell for cell in a.records if cell in b.records]
    tables = [
        _differing("config", a.config, b.config),
        _differing("code", a.code.model_dump(), b.code.model_dump()),
        _differing("environment", a.environment.model_dump(), b.environment.model_dump()),
        _differing("bank", a.banks, b.banks),
        _cell_facts(PRESENT, *(dict.fromkeys(sweep.records, "yes") for sweep in (a, b))),
        _cell_facts(CONTENT, *({cell: _hash(sweep, cell) for cell in shared} for sweep in (a, b))),
        _metrics(a, b, shared),
    ]
    rows = [table.reindex(columns=list(COLUMNS)).astype(object) for table in tables]
    return pd.concat([table for table in rows if len(table)] or rows, ignore_index=True)


def outcome(a: Sweep, b: Sweep, table: pd.DataFrame) -> str:
    """Return in a few words whether two sweeps are the same."""
    changed = table[table.kind.isin(["bank", "cell", "metric"]) & (table.change != EQUAL)]
    same_files = a.identifier == b.identifier
    if changed.empty:
        cause = "identical" if same_files else "configurations differ, results do not"
        return f"{cause}: the same numbers, to the last digit"
    visible = changed[(changed.kind == "metric") | (changed.name == PRESENT)]
    if visible.empty:
        return "no metric differs, files do"
    if (visible.change == ROUNDING).all():
        return "results differ by rounding only"
    return "the same trajectories, measured in another way" if same_files else "results differ"


def largest(table: pd.DataFrame, count: int) -> pd.DataFrame:
    """Return the metrics that differ most, each with the cell in which it does."""
    rows = changed_metrics(table)
    size = rows.scaled.astype(float).abs().sort_values(ascending=False, kind="stable")
    worst = rows.loc[size.index].drop_duplicates("name")[:count]
    return worst.assign(cells=worst.name.map(rows.name.value_counts()))


def changed_metrics(table: pd.DataFrame) -> pd.DataFrame:
    """Return the metrics that both sweeps have, and that differ beyond rounding."""
    return table[(table.kind == "metric") & (table.change == DIFFERS)]


def flattened(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return nested mappings as one, with keys joined by dots; lists are not taken apart.

    Examples
    --------
    >>> flattened({"snapshots": {"window": 129}, "sizes": [2, 3]})
    {'snapshots.window': 129, 'sizes': [2, 3]}
    """
    flat: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{name}.")
        elif value is not None:
            flat[prefix + name] = value
    return flat


def _differing(kind: str, a: Mapping[str, object], b: Mapping[str, object]) -> pd.DataFrame:
    """Facts that differ, as texts on one line."""
    sides = [
        pd.Series({name: _text(value) for name, value in flattened(side).items()}, dtype=object)
        for side in (a, b)
    ]
    table = pd.concat(sides, axis=1, keys=["a", "b"]).rename_axis("name").reset_index()
    table = table[table.a != table.b]
    change = np.select([table.b.isna(), table.a.isna()], [ONLY_A, ONLY_B], DIFFERS)
    return table.assign(kind=kind, cell="", change=change)


def _cell_facts(name: str, a: Mapping[str, object], b: Mapping[str, object]) -> pd.DataFrame:
    return (
        _differing("cell", a, b)
        .drop(columns="cell")
        .rename(columns={"name": "cell"})
        .assign(name=name)
    )


def _hash(sweep: Sweep, cell: str) -> str:
    return sweep.records[cell].content_sha256


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _metrics(a: Sweep, b: Sweep, shared: list[str]) -> pd.DataFrame:
    """Every number of every cell that both have."""
    sides = [
        sweep.cells[sweep.cells.cell.isin(shared)]
        .melt("cell", metric_names(sweep.cells), "name", value)
        .astype({value: float})
        for sweep, value in ((a, "a"), (b, "b"))
    ]
    table = (
        sides[0]
        .merge(sides[1], on=["cell", "name"], how="outer")
        .dropna(subset=["a", "b"], how="all")
    )
    # Adding zero turns -0.0 into 0.0.
    difference = table.b - table.a + 0.0
    sizes = table[["a", "b"]].abs().max(axis=1)
    scale = sizes.groupby(table.name).transform("max")
    scaled = (difference / scale).where(difference != 0, 0.0)
    close = (scaled.abs() <= ROUNDING_SHARE) | (difference.abs() <= ROUNDING_SIZE)
    names = [ONLY_A, ONLY_B, EQUAL, ROUNDING]
    change = np.select([table.b.isna(), table.a.isna(), difference == 0, close], names, DIFFERS)
    relative = (difference / table.a.abs().where(table.a != 0)).where(difference != 0, 0.0)
    return table.assign(
        kind="metric", difference=difference, relative=relative, scaled=scaled, change=change
    )
