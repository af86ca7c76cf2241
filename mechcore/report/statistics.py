"""The tables of fits as text: the law, and lines of all cells together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import starmap

import numpy as np
import pandas as pd

from mechcore.analysis.beta_ranges import DOMAIN_SYMBOLS, EVERYWHERE
from mechcore.analysis.combinations import axes_of
from mechcore.analysis.regressions import PREDICTORS, horizons, law_fits, squared
from mechcore.analysis.tables import ALL_FAMILIES
from mechcore.claims.wording import PREDICTOR_SYMBOLS, horizon_text
from mechcore.experiment.paths import TRAINING_TESTS_FILE
from mechcore.report.numbers import fixed, interval, significant, two_digits, with_error
from mechcore.results.results import Results


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
    applies: Callable[[Results], bool] = lambda _: True


def chapters(results: Results) -> dict[str, tuple[Chapter, list[StatisticsTable]]]:
    """Return the statistics of an experiment by anchor; tables without rows are left out."""
    return {
        name: (chapter, [table for table in chapter.tables(results) if table.rows])
        for name, chapter in CHAPTERS.items()
        if chapter.applies(results)
    }


def _pooled_tables(results: Results) -> Iterator[StatisticsTable]:
    pooled = results.pooled[results.pooled.pattern.isin(results.patterns)]
    if len(results.experiment.kernels) > 1:
        pooled = pooled[pooled.kernel == ALL_FAMILIES]
    for predictor in PREDICTORS:
        rows = pooled[pooled.predictor == predictor]
        yield _table(
            f"v/s on {PREDICTOR_SYMBOLS[predictor]}",
            {
                "pool": [
                    ", ".join(map(str, names))
                    for names in rows[["pool", *axes_of(rows)]].to_numpy()
                ],
                "pattern": rows.pattern,
                "domain": rows.domain.map(DOMAIN_SYMBOLS),
                "slope ± clustered s.e.": starmap(with_error, _values(rows, "slope", "slope_se")),
                "95% interval": starmap(interval, _values(rows, "ci_low", "ci_high", "slope_se")),
                "Theil–Sen": rows.theil_sen.map(lambda slope: significant(slope, 3)),
                "R²": rows.r2.map(lambda r2: fixed(r2, 3)),
                "cells": rows.clusters.map("{:.0f}".format),
                "n": rows.n.map("{:.0f}".format),
            },
        )


def _law_tables(results: Results) -> Iterator[StatisticsTable]:
    """How far (v/c)^2 is from rho, for all cells."""
    laws = law_fits(results.regressions)
    for layers in horizons(results.metrics):
        rows = laws[(laws.response == squared(layers)) & (laws.domain == EVERYWHERE)]
        yield _table(
            f"(v/c)² on ρ, {horizon_text(layers)}",
            {
                "cell": rows.cell,
                "pattern": rows.pattern,
                "largest miss of y = x": rows.law_miss.map(two_digits),
                "at": rows.law_miss_at.map(two_digits),
                "slope through the origin": rows.slope.map(lambda slope: significant(slope, 3)),
                "R²": rows.r2.map(lambda r2: fixed(r2, 3)),
                "cross-validated error": rows.cross_validated_error.map(two_digits),
                "n": rows.n.map("{:.0f}".format),
            },
        )


def _training_tables(results: Results) -> Iterator[StatisticsTable]:
    for (kind, response), rows in results.training_tests.groupby(["kind", "response"], sort=False):
        yield _table(
            f"{KINDS[str(kind)]}: {RESPONSES[str(response)]}",
            {
                "compared": rows.compared,
                "networks": rows.architecture + np.where(rows.fine_tuned, ", cut", ""),
                "k": rows["size"].map(str),
                "activation": rows.activation,
                "mean over seeds": rows.estimate.map(lambda value: significant(value, 3)),
                "95% interval": starmap(_between, _values(rows, "low", "high")),
                "p, adjusted": rows.p_adjusted.map(two_digits),
                "effect d": rows.effect.map(lambda value: significant(value, 2)),
                "interval of d": starmap(_between, _values(rows, "effect_low", "effect_high")),
                "seeds": rows.seeds.map(str),
            },
        )


def _between(low: float, high: float) -> str:
    return f"{significant(low, 3)} … {significant(high, 3)}"


def _table(title: str, columns: dict[str, Iterable[str]]) -> StatisticsTable:
    return StatisticsTable(title, list(columns), list(zip(*columns.values(), strict=True)))


def _values(rows: pd.DataFrame, *columns: str) -> list[list[float]]:
    values: list[list[float]] = rows[list(columns)].to_numpy(float).tolist()
    return values


KINDS = {"line": "Slopes", "pair": "Differences"}
RESPONSES = {"score": "score after the last epoch", "score_mean": "mean score over the epochs"}

CHAPTERS = {
    "law": Chapter(
        "The law (v/c)² = ρ",
        "regressions.csv",
        "v is the mean speed over T layers, or the asymptotic speed (T → ∞); c is (k − 1)/2 px a "
        "layer along an axis; of translation kernels ρ is the asymmetric share. Lines through the "
        "origin; R² is about the mean.",
        _law_tables,
    ),
    "pooled": Chapter(
        "All cells together",
        "pooled.csv",
        "Speeds in units of each cell's diffusion speed s. The betas of a cell are not independent "
        "draws: errors are clustered by cell. The cells of a grid are not a random sample: the "
        "interval says how well one line serves them all. Theil–Sen: median over cells of the "
        "robust slope of each. Speeds are means over the angles, along the momentum; those of "
        "random and highpass kernels can differ in sign from angle to angle.",
        _pooled_tables,
    ),
    "trainings": Chapter(
        "Trained networks",
        TRAINING_TESTS_FILE,
        "Seeds are the replicates: runs of one seed share draws and order of examples, so slopes "
        "and differences are computed in each seed. Student's intervals of their mean; p adjusted "
        "for all tests of a kind (Benjamini and Hochberg); d is the mean over the standard "
        "deviation of seeds. Initialisations differ in odd share and in low-frequency share at "
        "once: the two slopes are not separate causes.",
        _training_tables,
        lambda results: results.experiment.training is not None,
    ),
}
"""The statistics by anchor."""
