"""The judge of the headline law (C4): the square of the speed is the odd share of the energy."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from mechcore.analysis.beta_ranges import EVERYWHERE, UP_TO_BETA_STAR
from mechcore.analysis.regressions import EXACT_PREDICTOR, LAW_PREDICTOR, horizons, squared
from mechcore.claims.judgement import Judgement, measured, verdict
from mechcore.claims.selection import paper_fits
from mechcore.claims.thresholds import LAW
from mechcore.claims.verdict import Figure
from mechcore.claims.wording import horizon_text
from mechcore.experiment.paths import REGRESSIONS_FILE
from mechcore.experiment.representative import PAPER_ACTIVATIONS
from mechcore.results.results import Results

UNIT = "c²"


def headline(results: Results) -> Judgement | None:
    """C4: (v/c)^2 is rho."""
    fits = _law_fits(results, LAW_PREDICTOR, EVERYWHERE)
    if fits.empty:
        return None
    holds = fits.law_miss <= LAW
    figures = [*_by_the_paper(fits), *_slopes(fits, results), *_by_theory(results)]
    parts = [
        _extent(str(name), part, holds[part.index])
        for name, part in fits.groupby("activation", sort=False)
    ]
    return Judgement(verdict(holds), figures, ". ".join(parts))


def _law_fits(results: Results, predictor: str, domain: str) -> pd.DataFrame:
    """The fits of (v/c)^2 on the paper's pattern, with the number of layers of each."""
    fits = paper_fits(results, PAPER_ACTIVATIONS)
    layers = {squared(number): number for number in horizons(results.metrics)}
    chosen = fits.response.isin(layers) & (fits.pattern == results.point)
    chosen &= (fits.predictor == predictor) & (fits.domain == domain) & fits.law_miss.notna()
    return fits[chosen].assign(layers=lambda rows: rows.response.map(layers))


def _by_the_paper(fits: pd.DataFrame) -> Iterator[Figure]:
    """How far the worst point is from the line y = x."""
    worst = fits.groupby(["activation", "layers"], sort=False).law_miss.idxmax()
    for row in fits.loc[worst].to_dict("records"):
        name = f"largest miss of (v/c)² = ρ, {row['activation']}, {horizon_text(row['layers'])}"
        place = f" (k = {row['size']}, ρ = {row['law_miss_at']:.2g})"
        yield measured(name + place, row["law_miss"], UNIT, REGRESSIONS_FILE)


def _slopes(fits: pd.DataFrame, results: Results) -> Iterator[Figure]:
    """The line through the origin that fits best, at one size."""
    for row in fits[fits["size"] == results.size].to_dict("records"):
        where = f"{row['activation']}, k = {results.size}, {horizon_text(row['layers'])}"
        yield measured(f"slope through the origin, {where}", row["slope"], "1", REGRESSIONS_FILE)
        yield measured(f"its R², {where}", row["r2"], "1", REGRESSIONS_FILE)


def _by_theory(results: Results) -> Iterator[Figure]:
    """The exact law below beta*, by size, and how far the worst point is from it."""
    fits = _law_fits(results, EXACT_PREDICTOR, UP_TO_BETA_STAR)
    for size, part in fits.groupby("size"):
        yield measured(f"g of the exact law g ρ/(1 − ρ), k = {size}", part.law.iloc[0])
    if len(fits):
        name = "largest miss of the exact law, β ≤ β*"
        yield measured(name, fits.law_miss.max(), UNIT, REGRESSIONS_FILE)


def _extent(activation: str, fits: pd.DataFrame, holds: pd.Series) -> str:
    """In how many cases the law holds under an activation, and the range of its slopes."""
    miss = f"largest misses {fits.law_miss.min():.2g} to {fits.law_miss.max():.2g} c²"
    cases = f"{int(holds.sum())} of {len(holds)} cases of k and T"
    return f"{activation}: holds in {cases}; {miss}"
