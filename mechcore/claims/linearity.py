"""The judge of the headline law (C4): the measures of the odd share that speed is linear in."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pandas as pd

from mechcore.analysis.beta_ranges import DOMAIN_SYMBOLS, EVERYWHERE, UP_TO_BETA_STAR
from mechcore.claims.judgement import Judgement, largest, measured, trajectories_file, verdict
from mechcore.claims.selection import paper_line_models, paper_lines, paper_simulations
from mechcore.claims.thresholds import LINEAR
from mechcore.claims.verdict import Figure
from mechcore.claims.wording import PREDICTOR_SYMBOLS
from mechcore.experiment.paths import MODELS_FILE
from mechcore.results.results import Results

JUDGED_DOMAINS = (EVERYWHERE, UP_TO_BETA_STAR)
FITS = list(product(JUDGED_DOMAINS, PREDICTOR_SYMBOLS.items()))


def linearity(results: Results) -> Judgement | None:
    """C4: speed is linear in the odd share of the energy."""
    lines, models = paper_lines(results), paper_line_models(results)
    holds = lines.share <= LINEAR
    literal = holds[_is_fit(lines, "odd_energy_ratio", EVERYWHERE)]
    if literal.empty:
        return None
    below = [holds[_is_fit(lines, name, UP_TO_BETA_STAR)] for name in ("beta", "celerity")]
    partly = bool(literal.any()) or any(len(part) > 0 and bool(part.all()) for part in below)
    figures = [*_misses(lines), *_predictions(models), *_small_beta(results)]
    where = [_linear_in(lines, domain) + _best_line(models, domain) for domain in JUDGED_DOMAINS]
    return Judgement(verdict(literal, partly=partly), figures, ". ".join(where))


def _is_fit(rows: pd.DataFrame, predictor: str, domain: str) -> pd.Series:
    return (rows.predictor == predictor) & (rows.domain == domain)


def _misses(lines: pd.DataFrame) -> Iterator[Figure]:
    """How far the worst line misses, for each predictor and domain."""
    for domain, (predictor, symbol) in FITS:
        part = lines[_is_fit(lines, predictor, domain)]
        name = f"worst miss of a line in {symbol}, {DOMAIN_SYMBOLS[domain]}"
        yield largest(part, "share", name, "of the light speed")


def _predictions(models: pd.DataFrame) -> Iterator[Figure]:
    """How well lines predict blocks of betas that they were not fitted to."""
    for domain, (predictor, symbol) in FITS:
        part = models[(models.model == f"linear in {predictor}") & (models.domain == domain)]
        name = f"median cross-validated error of a line in {symbol}, {DOMAIN_SYMBOLS[domain]}"
        yield measured(name, part.cross_validated_error.median(), "px/layer", MODELS_FILE)


def _small_beta(results: Results) -> Iterator[Figure]:
    """Up to which beta speed is proportional to beta, with the slope at the smallest beta."""
    rows = paper_simulations(results, ("relu",))
    rows = rows[(rows["size"] == results.size) & (rows.pattern == results.point)]
    rows = rows[(rows.angle == results.angle) & (rows.beta > 0)].sort_values("beta")
    if rows.empty:
        return
    slope = rows.speed.iloc[0] / rows.beta.iloc[0]
    good = ((rows.speed / (slope * rows.beta) - 1).abs() <= LINEAR).cummin()
    name = f"β up to which speed is proportional to β within 5 %, ReLU, k = {results.size}"
    yield measured(name, rows.beta[good].max(), source=trajectories_file(rows.iloc[0]))


def _linear_in(lines: pd.DataFrame, domain: str) -> str:
    """How many lines hold in each predictor, and by how much the worst one misses."""
    counts = []
    for predictor, symbol in PREDICTOR_SYMBOLS.items():
        part = lines[_is_fit(lines, predictor, domain)]
        good = int((part.share <= LINEAR).sum())
        miss = f" ({part.share.max():.2g})" if len(part) else ""
        counts.append(f"in {symbol} {good} of {len(part)}{miss}")
    held = f"lines that hold (worst miss in light speeds) {', '.join(counts)}"
    return f"{DOMAIN_SYMBOLS[domain]}: {held}"


def _best_line(models: pd.DataFrame, domain: str) -> str:
    """Which of the three lines has the lowest AIC, and how often."""
    rows = models[(models.domain == domain) & np.isfinite(models.aic)]
    if rows.empty:
        return ""
    best = rows.model[rows.groupby(["cell", "pattern"]).aic.idxmin()].value_counts()
    symbol = PREDICTOR_SYMBOLS[str(best.index[0]).removeprefix("linear in ")]
    return f"; lowest AIC of the three: {symbol} in {best.iloc[0]} of {best.sum()}"
