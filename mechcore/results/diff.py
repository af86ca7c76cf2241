"""What differs between two sweeps: what was asked for, what made them, and what came out."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mechcore.results.sweep import Sweep, metric_names

Numbers = NDArray[np.float64]

COLUMNS = ("kind", "cell", "name", "a", "b", "difference", "relative", "scaled", "change")
"""Columns of ``diff.csv``."""

KINDS = ("config", "code", "environment", "bank", "cell", "metric")
"""What a row is about: settings, code, machine, the file of a bank, a cell as a whole, a number."""

EQUAL, ROUNDING, DIFFERS, ONLY_A, ONLY_B = "equal", "rounding", "differs", "only in A", "only in B"
"""What the column ``change`` says."""

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
    What differs most is told by ``scaled``: an intercept that goes from -0.001 to 0.001 beside
    others of 0.3 has hardly moved, whatever its ratio says.
    """
    facts = {
        "config": (a.config, b.config),
        "code": (a.code.model_dump(), b.code.model_dump()),
        "environment": (a.environment.model_dump(), b.environment.model_dump()),
        "bank": (_banks(a), _banks(b)),
    }
    rows = [
        row
        for kind, (first, second) in facts.items()
        for row in _facts(kind, flattened(first), flattened(second))
    ]
    table = pd.DataFrame([*rows, *_cells(a, b)], columns=list(COLUMNS)).astype(object)
    return pd.concat([table, _metrics(a, b)], ignore_index=True)


def outcome(a: Sweep, b: Sweep, table: pd.DataFrame) -> str:
    """Return in a few words whether two sweeps are the same."""
    changed = table[table.kind.isin(["bank", "cell", "metric"]) & (table.change != EQUAL)]
    same_files = a.identifier == b.identifier
    if changed.empty:
        told = "identical: " if same_files else "configurations differ, results do not: "
        return told + "the same numbers, to the last digit"
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
    """Return the metrics that both sweeps know, and that differ beyond rounding."""
    return table[(table.kind == "metric") & (table.change == DIFFERS)]


def flattened(values: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return nested mappings as one, with keys joined by dots; lists stay whole.

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


def _banks(sweep: Sweep) -> dict[str, object]:
    return dict(sweep.banks)


def _facts(kind: str, a: dict[str, object], b: dict[str, object]) -> list[dict[str, object]]:
    names = [name for name in {**a, **b} if a.get(name) != b.get(name)]
    return [_fact(kind, "", name, a.get(name), b.get(name)) for name in names]


def _fact(kind: str, cell: str, name: str, a: object, b: object) -> dict[str, object]:
    change = ONLY_B if a is None else ONLY_A if b is None else DIFFERS
    row = {"kind": kind, "cell": cell, "name": name, "a": _text(a), "b": _text(b)}
    return {**row, "change": change}


def _text(value: object) -> str | None:
    """A value as it stands in a configuration, on one line."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _cells(a: Sweep, b: Sweep) -> list[dict[str, object]]:
    """Cells that only one has, and those whose files differ."""
    rows = []
    for cell in {**a.records, **b.records}:
        first, second = a.records.get(cell), b.records.get(cell)
        if first is None or second is None:
            there = ["yes" if record else None for record in (first, second)]
            rows.append(_fact("cell", cell, PRESENT, *there))
        elif first.content_sha256 != second.content_sha256:
            hashes = (first.content_sha256, second.content_sha256)
            rows.append(_fact("cell", cell, CONTENT, *hashes))
    return rows


def _metrics(a: Sweep, b: Sweep) -> pd.DataFrame:
    """Every number of every cell that both have."""
    cells = [cell for cell in a.records if cell in b.records]
    names = list(dict.fromkeys([*metric_names(a.cells), *metric_names(b.cells)]))
    first, second = (
        sweep.cells.set_index("cell").reindex(index=cells, columns=names).to_numpy(float)
        for sweep in (a, b)
    )
    distance = _distances(first, second)
    changes = _changes(first, second, distance["difference"], distance["scaled"])
    columns = {"a": first, "b": second, **distance, "change": changes}
    where = {
        "kind": "metric",
        "cell": np.repeat(np.array(cells, object), len(names)),
        "name": np.tile(np.array(names, object), len(cells)),
    }
    table = pd.DataFrame(where | {name: values.ravel() for name, values in columns.items()})
    known: pd.DataFrame = table[table.a.notna() | table.b.notna()]
    return known.astype(object)


def _distances(first: Numbers, second: Numbers) -> dict[str, Numbers]:
    """How far tables of numbers are apart: as it is, relatively, and on the scale of a column."""
    # Adding zero turns -0.0 into 0.0.
    difference = second - first + 0.0
    size = np.fmax(np.abs(first), np.abs(second))
    scale = np.broadcast_to(np.fmax.reduce(size, axis=0, initial=0.0), size.shape)
    return {"difference": difference} | {
        name: np.divide(
            difference, whole, out=np.where(difference == 0, 0.0, np.nan), where=whole > 0
        )
        for name, whole in (("relative", np.abs(first)), ("scaled", scale))
    }


def _changes(
    first: Numbers, second: Numbers, difference: Numbers, scaled: Numbers
) -> NDArray[np.str_]:
    """What to call each pair of numbers: the first that applies."""
    close = (np.abs(scaled) <= ROUNDING_SHARE) | (np.abs(difference) <= ROUNDING_SIZE)
    names = {
        ONLY_A: np.isnan(second),
        ONLY_B: np.isnan(first),
        EQUAL: difference == 0,
        ROUNDING: close,
    }
    return np.select(list(names.values()), list(names), DIFFERS)
