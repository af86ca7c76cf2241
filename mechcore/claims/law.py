"""The judge of the headline law (C4): the square of the speed is the odd share of the energy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pandas as pd

from mechcore.analysis.beta_ranges import EVERYWHERE, UP_TO_BETA_STAR
from mechcore.analysis.regressions import (
    EXACT_PREDICTOR,
    horizons,
    law_fits,
    mean_speeds,
    squared,
    squared_speeds,
)
from mechcore.claims.judgement import Judgement, measured, verdict
from mechcore.claims.selection import paper_fits, paper_simulations
from mechcore.claims.thresholds import LAW
from mechcore.claims.verdict import Figure
from mechcore.claims.wording import RECTIFIERS, horizon_text
from mechcore.experiment.paths import METRICS_FILE, REGRESSIONS_FILE
from mechcore.experiment.representative import PAPER_ACTIVATIONS, spread
from mechcore.results.results import Results

UNIT = "c²"


def headline(results: Results) -> Judgement | None:
    """C4: (v/c)^2 is rho."""
    every = paper_fits(results, PAPER_ACTIVATIONS)
    fits = _on_point(law_fits(every), EVERYWHERE, results)
    if fits.empty:
        return None
    holds = fits.law_miss <= LAW
    exact = _on_point(every[every.predictor == EXACT_PREDICTOR], UP_TO_BETA_STAR, results)
    # The paper's first number of layers, and the limit.
    few = spread(horizons(results.metrics), 2)
    ends = fits[fits.layers.isin(few)]
    figures = [
        measured("largest miss of (v/c)² = ρ", fits.law_miss.max(), UNIT, REGRESSIONS_FILE),
        *_by_the_paper(ends),
        *_mixed(results, few),
        *_slopes(ends, results),
        *_by_theory(exact),
    ]
    mixed = _mixed_misses(results, horizons(results.metrics))
    misses = [
        _miss(str(name), part, mixed[name]) for name, part in fits.groupby("activation", sort=False)
    ]
    where = f"{_count(holds)}; its largest error is {' and '.join(misses)}"
    return Judgement(verdict(holds), figures, where + _exact_law(exact))


def _on_point(fits: pd.DataFrame, domain: str, results: Results) -> pd.DataFrame:
    """The fits of (v/c)^2 of a point in a domain, with the number of layers of each."""
    layers = {squared(number): number for number in horizons(results.metrics)}
    chosen = fits.response.isin(layers) & (fits.pattern == results.point)
    chosen &= (fits.domain == domain) & fits.law_miss.notna()
    return fits[chosen].assign(layers=lambda rows: rows.response.map(layers))


def _by_the_paper(fits: pd.DataFrame) -> Iterator[Figure]:
    """How far the worst point is from the line y = x."""
    worst = fits.groupby(["activation", "layers"], sort=False).law_miss.idxmax()
    for row in fits.loc[worst].to_dict("records"):
        name = f"largest miss of (v/c)² = ρ, {row['activation']}, {horizon_text(row['layers'])}"
        place = f" (k = {row['size']}, ρ = {row['law_miss_at']:.2g})"
        yield measured(name + place, row["law_miss"], UNIT, REGRESSIONS_FILE)


def _mixed(results: Results, ends: Iterable[float]) -> Iterator[Figure]:
    """The same without odd kernels, whose point the modulus splits into two equal halves."""
    for layers in ends:
        for activation, miss in _mixed_misses(results, [layers]).items():
            name = f"largest miss for ρ < 1, {activation}, {horizon_text(layers)}"
            yield measured(name, miss, UNIT, METRICS_FILE)


def _mixed_misses(results: Results, every: Iterable[float]) -> pd.Series:
    """The largest miss for rho < 1 over some numbers of layers, by activation."""
    rows = paper_simulations(results, PAPER_ACTIVATIONS)
    rows = rows[(rows.pattern == results.point) & (rows.beta < 1)]
    points = squared_speeds(mean_speeds(rows), results.kernels)
    miss = points[[*map(squared, every)]].sub(points.odd_energy_ratio, axis=0).abs()
    return miss.max(axis=1).groupby(points.activation, sort=False).max()


def _slopes(fits: pd.DataFrame, results: Results) -> Iterator[Figure]:
    """The line through the origin that fits best, at one size."""
    for row in fits[fits["size"] == results.size].to_dict("records"):
        where = f"{row['activation']}, k = {results.size}, {horizon_text(row['layers'])}"
        yield measured(f"slope through the origin, {where}", row["slope"], "1", REGRESSIONS_FILE)
        yield measured(f"its R², {where}", row["r2"], "1", REGRESSIONS_FILE)


def _by_theory(fits: pd.DataFrame) -> Iterator[Figure]:
    """The exact law below beta*, by size, and how far the worst point is from it."""
    for size, part in fits.groupby("size"):
        yield measured(f"g of the exact law g ρ/(1 − ρ), k = {size}", part.law.iloc[0])
    if len(fits):
        name = "largest miss of the exact law, β ≤ β*"
        yield measured(name, fits.law_miss.max(), UNIT, REGRESSIONS_FILE)


def _count(holds: pd.Series) -> str:
    """In how many cases the law holds."""
    cases = f"{len(holds)} cases (activation, kernel size k, number of layers T)"
    if not holds.any():
        return f"misses the measured (v/c)² by more than {LAW} in all {cases}"
    count = "all" if holds.all() else f"{int(holds.sum())} of"
    return f"stays within {LAW} of the measured (v/c)² in {count} {cases}"


def _miss(activation: str, fits: pd.DataFrame, mixed: float) -> str:
    """How far the speeds under an activation are from the law; odd kernels are apart if worse."""
    worst = fits.law_miss.max()
    odd = "" if f"{worst:.2g}" == f"{mixed:.2g}" else f" ({worst:.2g} at ρ = 1)"
    return f"{mixed:.2g} under {RECTIFIERS[activation]}{odd}"


def _exact_law(fits: pd.DataFrame) -> str:
    """The law that holds instead while no tap is negative, from the smallest to the largest k."""
    if fits.empty:
        return ""
    factors = fits.groupby("size").law.first().iloc[[0, -1]]
    ends = [f"{g:.3g} (k = {size})" for size, g in factors.drop_duplicates().items()]
    return (
        ". Where no tap of the kernel is negative (β ≤ β*), another law is exact: "
        f"(v/c)² = g ρ/(1 − ρ), {'with g from' if len(ends) > 1 else 'g ='} {' to '.join(ends)}"
    )
