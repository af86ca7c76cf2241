"""Tables of grids whose cells also differ in settings, as the boundary: each is a column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any

import pandas as pd

from mechcore.analysis.measures import end_columns
from mechcore.experiment.cell import AXES

Fit = Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]
"""From the tables of metrics and of kernels to a table of fits."""


def axes_of(table: Iterable[object]) -> list[str]:
    """Return the columns of a table that are such settings."""
    columns = {*table}
    return [name for name in AXES if name in columns]


def with_axes(table: pd.DataFrame, values: Mapping[Any, Any]) -> pd.DataFrame:
    """Add columns of such settings, before those in which simulations of a cell differ."""
    columns = [*table]
    place = min(columns.index(name) for name in ("pattern", "angle") if name in columns)
    ordered = [*columns[:place], *values, *columns[place:]]
    return table.assign(**values)[ordered]


def rows_at(table: pd.DataFrame, values: Mapping[Any, Any]) -> pd.DataFrame:
    """Return the rows of a combination of such settings, as the table of a grid without them."""
    for name in values.keys() & {*table}:
        table = table[table[name] == values[name]].drop(columns=name)
    return table.reset_index(drop=True)


def within_combinations(fit: Fit) -> Fit:
    """Fit each combination of such settings by itself: no line goes through two of them."""

    @wraps(fit)
    def fitted(metrics: pd.DataFrame, kernels: pd.DataFrame) -> pd.DataFrame:
        axes = axes_of(metrics)
        if not axes:
            return fit(metrics, kernels)
        fits = []
        for values in metrics[axes].drop_duplicates().to_dict("records"):
            rows = rows_at(metrics, values)
            if "steps" in axes:
                # Mean speeds over the layers of others.
                unknown = [name for name in end_columns(rows) if rows[name].isna().all()]
                rows = rows.drop(columns=unknown)
            fits.append(with_axes(fit(rows, rows_at(kernels, values)), values))
        return pd.concat(fits, ignore_index=True)

    return fitted
