"""The tables of fits as text: comparison of curves, pooled lines, lines of single cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import starmap

import numpy as np
import pandas as pd
from markupsafe import Markup

from mechcore.analysis.beta_ranges import DOMAIN_SYMBOLS
from mechcore.analysis.regressions import PREDICTORS
from mechcore.analysis.tables import ALL_FAMILIES
from mechcore.claims.wording import PREDICTOR_SYMBOLS
from mechcore.report.numbers import fixed, interval, significant, two_digits, with_error
from mechcore.results.results import Results

CURVES = {
    **{f"linear in {name}": f"line in {PREDICTOR_SYMBOLS[name]}" for name in PREDICTORS},
    "saturating": "tanh",
    "Lorentz": "Lorentz",
}
"""The models by the names of ``models.csv``, as the page names them."""


@dataclass(frozen=True)
class StatisticsTable:
    """A table that the page folds."""

    title: str
    headings: list[str]
    """The first one names the row."""
    rows: list[tuple[str, ...]]
    """Text, as long as the headings; the best of its kind as markup."""


@dataclass(frozen=True)
class Chapter:
    """Tables of one kind, with what a reader must know."""

    title: str
    file: str
    """Data file with all rows."""
    words: str
    tables: Callable[[Results], Iterator[StatisticsTable]]


def chapters(results: Results) -> dict[str, tuple[Chapter, list[StatisticsTable]]]:
    """Return the statistics of an experiment by anchor; tables without rows are left out."""
    return {
        name: (chapter, [table for table in chapter.tables(results) if table.rows])
        for name, chapter in CHAPTERS.items()
    }


def _curve_tables(results: Results) -> Iterator[StatisticsTable]:
    """For each domain, how much worse each curve is than the best one."""
    for domain, symbol in DOMAIN_SYMBOLS.items():
        rows = _representative(results.models[results.models.domain == domain], results)
        yield _table(
            f"{symbol}: {results.family}, k = {results.size}",
            {
                "cell": rows.cell,
                "pattern": rows.pattern,
                "curve": rows.model.map(CURVES),
                "ΔAIC": _best_in_bold(rows, "delta_aic", lambda delta: fixed(delta, 1)),
                "cross-validated error (px/layer)": _best_in_bold(
                    rows, "cross_validated_error", two_digits
                ),
                "its light speed (px/layer)": _with_errors(rows, "light_speed"),
                "light cone": rows.light_cone.map(significant),
                "s": rows.diffusion_speed.map(significant),
            },
        )


def _pooled_tables(results: Results) -> Iterator[StatisticsTable]:
    pooled = results.pooled
    if len(results.experiment.kernels) > 1:
        pooled = pooled[pooled.kernel == ALL_FAMILIES]
    for predictor in PREDICTORS:
        rows = pooled[pooled.predictor == predictor]
        yield _table(
            f"v/s on {PREDICTOR_SYMBOLS[predictor]}",
            {
                "pool": rows.pool,
                "pattern": rows.pattern,
                "domain": rows.domain.map(DOMAIN_SYMBOLS),
                "slope ± clustered s.e.": _with_errors(rows, "slope"),
                "95% interval": starmap(interval, _values(rows, "ci_low", "ci_high", "slope_se")),
                "naive s.e.": rows.slope_se_independent.map(two_digits),
                "Theil–Sen": rows.theil_sen.map(lambda slope: significant(slope, 3)),
                "R²": rows.r2.map(lambda r2: fixed(r2, 3)),
                "cells": rows.clusters.map("{:.0f}".format),
                "n": rows.n.map("{:.0f}".format),
            },
        )


def _line_tables(results: Results) -> Iterator[StatisticsTable]:
    for predictor in PREDICTORS:
        fits = results.regressions[results.regressions.predictor == predictor]
        rows = _representative(fits, results)
        yield _table(
            f"Speed on {PREDICTOR_SYMBOLS[predictor]}: {results.family}, k = {results.size}",
            {
                "cell": rows.cell,
                "pattern": rows.pattern,
                "domain": rows.domain.map(DOMAIN_SYMBOLS),
                "slope ± s.e.": _with_errors(rows, "slope"),
                "95% interval": starmap(interval, _values(rows, "ci_low", "ci_high", "slope_se")),
                "R²": rows.r2.map(lambda r2: fixed(r2, 3)),
                "n": rows.n.map("{:.0f}".format),
            },
        )


def _representative(table: pd.DataFrame, results: Results) -> pd.DataFrame:
    """The rows of the family and size that stand for all."""
    cells = [results.cells[name] for name in table.cell]
    chosen = [cell.kernel == results.family and cell.size == results.size for cell in cells]
    return table[chosen]


def _table(title: str, columns: dict[str, Iterable[str]]) -> StatisticsTable:
    return StatisticsTable(title, list(columns), list(zip(*columns.values(), strict=True)))


def _values(rows: pd.DataFrame, *columns: str) -> list[list[float]]:
    values: list[list[float]] = rows[list(columns)].to_numpy(float).tolist()
    return values


def _with_errors(rows: pd.DataFrame, column: str) -> list[str]:
    """Return values with their standard errors; infinite ones are no limit."""
    return [
        "no limit" if np.isinf(value) else with_error(value, error)
        for value, error in _values(rows, column, f"{column}_se")
    ]


def _best_in_bold(rows: pd.DataFrame, column: str, text: Callable[[float], str]) -> list[str]:
    """Return texts of which the smallest of each cell and pattern is marked."""
    ranks = rows.groupby(["cell", "pattern"])[column].rank(method="first")
    bold = Markup("<strong>{}</strong>")
    return [
        bold.format(text(value)) if rank == 1 else text(value)
        for value, rank in zip(rows[column].astype(float), ranks, strict=True)
    ]


CHAPTERS = {
    "comparison": Chapter(
        "Which curve does speed follow, and is there a light speed?",
        "models.csv",
        "All curves have two parameters and are fitted to the same betas, those of finite "
        "celerity. ΔAIC: 0 is the best; residuals are curvature, not noise, so it ranks curves "
        "and is not a probability. Cross-validated error: root mean square of predictions for "
        "held-out blocks of neighbouring betas; the outermost blocks are extrapolated. Bold: "
        "the best. Two curves have a light speed, to be compared with the light cone, (k − 1)/2 "
        "along an axis, and the diffusion speed s; a fitted light speed with an error as large as "
        "its value is not evidence of one.",
        _curve_tables,
    ),
    "pooled": Chapter(
        "All cells together",
        "pooled.csv",
        "Speeds in units of each cell's diffusion speed s. The betas of a cell are not independent "
        "draws: errors are clustered by cell; the naive standard error treats them as "
        "independent. The cells of a grid are not a random sample: the interval says how well one "
        "line serves them all. Theil–Sen: median over cells of the robust slope of each. Speeds "
        "are means over the angles, along the momentum; those of random and highpass kernels can "
        "differ in sign from angle to angle.",
        _pooled_tables,
    ),
    "regressions": Chapter(
        "Lines, cell by cell",
        "regressions.csv",
        "Least squares; speeds in px/layer, averaged over the angles. The residuals of a line are "
        "curvature, not scatter: the intervals say how well a line describes these points, not "
        "how well the speed is known. Fits on γβ leave out β = 1.",
        _line_tables,
    ),
}
"""The statistics by anchor."""
