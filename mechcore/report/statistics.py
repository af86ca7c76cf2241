"""The tables of fits as text: comparison of curves, pooled lines, lines of single cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from markupsafe import Markup

from mechcore.analysis.beta_ranges import DOMAIN_SYMBOLS, DOMAINS, EVERYWHERE
from mechcore.analysis.regressions import PREDICTORS
from mechcore.analysis.tables import ALL_FAMILIES
from mechcore.claims.wording import PREDICTOR_SYMBOLS
from mechcore.report.numbers import NOTHING, fixed, interval, significant, two_digits, with_error
from mechcore.results.results import Results

MOST_ROWS = 60
"""Of a longer table the page shows representative cells; the file has all."""

CURVES = {
    **{f"linear in {name}": f"line in {PREDICTOR_SYMBOLS[name]}" for name in PREDICTORS},
    "saturating": "tanh",
    "Lorentz": "Lorentz",
}
"""The models by the names of ``models.csv``, as headings."""

LIMITED = ("saturating", "Lorentz")
"""The models that have a light speed."""

LINE = ("slope ± s.e.", "95% interval", "R²", "n")
POOLED = (
    *("domain", "slope ± clustered s.e.", "95% interval", "naive s.e."),
    *("Theil–Sen (95%)", "R²", "cells", "n"),
)


class Heading(NamedTuple):
    """A heading over some columns; empty over the columns that name the row."""

    text: str
    span: int


@dataclass(frozen=True)
class StatisticsTable:
    """A table that the page folds."""

    title: str
    groups: list[Heading]
    """Headings over the headings; empty for none."""
    headings: list[str]
    """The first two name the row."""
    rows: list[list[str]]
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


def representative(table: pd.DataFrame, results: Results) -> tuple[pd.DataFrame, str]:
    """Return rows that stand for the rest, as few as a reader can take in, and what they are."""
    cells = table.cell.map(results.cells)
    family = cells.map(lambda cell: cell.kernel) == results.family
    size = cells.map(lambda cell: cell.size)
    few = ", ".join(map(str, results.sizes_shown))
    choices = {
        "all cells": family | True,
        results.family: family,
        f"{results.family}, k = {few}": family & size.isin(results.sizes_shown),
        f"{results.family}, k = {results.size}": family & (size == results.size),
    }
    fitting = [words for words, rows in choices.items() if _count(table[rows]) <= MOST_ROWS]
    words = fitting[0] if fitting else list(choices)[-1]
    return table[choices[words]], words


def _count(table: pd.DataFrame) -> int:
    return len(table[["cell", "pattern"]].drop_duplicates())


def _curve_tables(results: Results) -> Iterator[StatisticsTable]:
    """For each domain, how much worse each curve is than the best one."""
    for domain, symbol in DOMAIN_SYMBOLS.items():
        rows, words = representative(_in_domain(results.models, domain), results)
        yield StatisticsTable(
            f"{symbol}: {words}",
            [Heading("", 2), Heading("ΔAIC", 5), Heading("cross-validated error (px/layer)", 5)],
            ["cell", "pattern", *CURVES.values(), *CURVES.values()],
            [[*names, *_compared(fits)] for names, fits in _cases(rows)],
        )


def _compared(fits: pd.DataFrame) -> list[str]:
    table = fits.set_index("model").reindex(list(CURVES))
    deltas = [fixed(float(delta), 1) for delta in table.delta_aic]
    errors = [two_digits(float(error)) for error in table.cross_validated_error]
    return [
        *_best_in_bold(table.delta_aic, deltas),
        *_best_in_bold(table.cross_validated_error, errors),
    ]


def _best_in_bold(values: pd.Series, texts: list[str]) -> list[str]:
    """The same texts, that of the smallest value marked; of equal ones it is the first."""
    if not values.notna().any():
        return texts
    best = int(np.nanargmin(values))
    bold = Markup("<strong>{}</strong>").format(texts[best])
    return [*texts[:best], bold, *texts[best + 1 :]]


def _limit_tables(results: Results) -> Iterator[StatisticsTable]:
    rows, words = representative(_in_domain(results.models, EVERYWHERE), results)
    yield StatisticsTable(
        f"Fitted light speed, {DOMAIN_SYMBOLS[EVERYWHERE]}: {words}",
        [Heading("", 2), Heading("fitted (px/layer)", 2), Heading("candidates (px/layer)", 2)],
        ["cell", "pattern", *(CURVES[name] for name in LIMITED), "light cone", "s"],
        [[*names, *_limits(fits)] for names, fits in _cases(rows)],
    )


def _limits(fits: pd.DataFrame) -> list[str]:
    table = fits.set_index("model").reindex(list(LIMITED))
    limits = [
        "no limit" if np.isinf(row.light_speed) else with_error(row.light_speed, row.light_speed_se)
        for _, row in table.iterrows()
    ]
    candidates = table[["light_cone", "diffusion_speed"]].iloc[0]
    return [*limits, *(significant(float(speed)) for speed in candidates)]


def _pooled_tables(results: Results) -> Iterator[StatisticsTable]:
    pooled, words = results.pooled, "all pools"
    # With one family the pool of all families repeats it.
    if len(pooled) > MOST_ROWS * len(PREDICTORS) or len(results.experiment.kernels) == 1:
        pooled, words = pooled[pooled.kernel == ALL_FAMILIES], "all families together"
    for predictor in PREDICTORS:
        rows = pooled[pooled.predictor == predictor]
        yield StatisticsTable(
            f"v/s on {PREDICTOR_SYMBOLS[predictor]}: {words}",
            [],
            ["pool", "pattern", *POOLED],
            [_pooled(row) for _, row in rows.iterrows()],
        )


def _pooled(row: pd.Series) -> list[str]:
    robust = interval(row.theil_sen_low, row.theil_sen_high, row.slope_se)
    return [
        str(row.pool),
        str(row.pattern),
        DOMAIN_SYMBOLS[row.domain],
        with_error(row.slope, row.slope_se),
        interval(row.ci_low, row.ci_high, row.slope_se),
        two_digits(row.slope_se_independent),
        significant(row.theil_sen, 3) + (f" ({robust})" if robust != NOTHING else ""),
        fixed(row.r2, 3),
        str(int(row.clusters)),
        str(int(row.n)),
    ]


def _line_tables(results: Results) -> Iterator[StatisticsTable]:
    """For each predictor, the lines of the three domains side by side."""
    for predictor in PREDICTORS:
        fits = results.regressions[results.regressions.predictor == predictor]
        rows, words = representative(fits, results)
        yield StatisticsTable(
            f"Speed on {PREDICTOR_SYMBOLS[predictor]}: {words}",
            [Heading("", 2), *(Heading(DOMAIN_SYMBOLS[domain], len(LINE)) for domain in DOMAINS)],
            ["cell", "pattern", *(heading for _ in DOMAINS for heading in LINE)],
            [[*names, *_side_by_side(lines)] for names, lines in _cases(rows)],
        )


def _side_by_side(lines: pd.DataFrame) -> list[str]:
    table = lines.set_index("domain").reindex(list(DOMAINS))
    return [text for _, line in table.iterrows() for text in _line(line)]


def _line(line: pd.Series) -> list[str]:
    if np.isnan(line.n):
        return [NOTHING] * len(LINE)
    return [
        with_error(line.slope, line.slope_se),
        interval(line.ci_low, line.ci_high, line.slope_se),
        fixed(line.r2, 3),
        str(int(line.n)),
    ]


def _in_domain(table: pd.DataFrame, domain: str) -> pd.DataFrame:
    return table[table.domain == domain]


def _cases(table: pd.DataFrame) -> Iterator[tuple[list[str], pd.DataFrame]]:
    for (cell, pattern), part in table.groupby(["cell", "pattern"], sort=False):
        yield [str(cell), str(pattern)], part


CHAPTERS = {
    "comparison": Chapter(
        "Which curve does speed follow?",
        "models.csv",
        "All curves have two parameters and are fitted to the same betas, those of finite "
        "celerity. ΔAIC: 0 is the best; residuals are curvature, not noise, so it ranks curves "
        "and is not a probability. Cross-validated error: root mean square of predictions for "
        "held-out blocks of neighbouring betas; the outermost blocks are extrapolated. Bold: "
        "the best.",
        _curve_tables,
    ),
    "limits": Chapter(
        "Is there a light speed?",
        "models.csv",
        "The limits of the two curves that have one, next to the light cone, (k − 1)/2 along an "
        "axis, and the diffusion speed s. A limit whose error is as large as itself is no limit.",
        _limit_tables,
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
