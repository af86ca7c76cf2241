"""Judges of speeds: the gradient (C3), the mixing ratio (C5), the modulus (C6), the size (C7)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from mechcore.analysis.beta_ranges import within_theory
from mechcore.analysis.lines import FEWEST_POINTS
from mechcore.analysis.measures import end_column
from mechcore.analysis.regressions import horizons
from mechcore.claims import thresholds as limits
from mechcore.claims.judgement import Judgement, measured, percentage, trajectories_file, verdict
from mechcore.claims.selection import converged, paired_simulations, paper_simulations
from mechcore.claims.verdict import REPRODUCED, Figure
from mechcore.claims.wording import extent, horizon_text, where_it_holds
from mechcore.experiment.paths import MECHANICS_FILE, METRICS_FILE
from mechcore.experiment.representative import PAPER_ACTIVATIONS
from mechcore.results.results import Results

STEERING = {
    "correlation": "rank correlation of speed and β",
    "mixed": "the same with β = 1 left out",
    "span": "range of speeds over light speed",
    "fastest": "β of the largest speed",
}
"""How well the mixing ratio steers the speed: columns, and how texts write them."""


def gradient(results: Results) -> Judgement | None:
    """C3: a gradient with ReLU moves at 0.5 px/layer."""
    rows = paper_simulations(results, ("relu",))
    rows = rows[(rows["size"] == 2) & (rows.beta == 1) & (rows.angle % 90 == 0)]
    if rows.empty:
        return None
    low, high = (limits.GRADIENT_SPEED + sign * limits.GRADIENT_ERROR for sign in (-1, 1))
    point = rows.pattern == results.point
    exact = (rows.speed >= low) & (rows.speed <= high)
    compatible = (rows.asymptotic_low <= high) & (rows.asymptotic_high >= low)
    decided = point | converged(rows)
    holds = exact.where(point, compatible)[decided]
    first = rows[rows.angle == rows.angle.iloc[0]]
    # The point decides.
    first = first.sort_values("pattern", key=lambda names: names != results.point, kind="stable")
    figures = [figure for _, row in first.iterrows() for figure in _speeds(row, results)]
    where = where_it_holds(rows[decided], holds, ("pattern", "angle"))
    where += _not_converged(list(rows.pattern[~decided]))
    return Judgement(verdict(holds), figures, where)


def _not_converged(names: list[str]) -> str:
    """The patterns or cases whose asymptotic speed is not known."""
    text = ", ".join(dict.fromkeys(names))
    return f". Not judged, because the speed still changes: {text}" if text else ""


def _speeds(row: pd.Series, results: Results) -> Iterator[Figure]:
    """The speed of a point; of a wider pattern, which is slow to reach it, what it tends to."""
    source = trajectories_file(row)
    yield measured(f"speed of {row.pattern}", row.speed, "px/layer", source)
    if row.pattern != results.point:
        half = (row.asymptotic_high - row.asymptotic_low) / 2
        name = f"asymptotic speed of {row.pattern}"
        yield measured(name, row.asymptotic_speed, "px/layer", source)
        yield measured(f"half the interval of the {name}", half, "px/layer", source)


def mixing_ratio(results: Results) -> Judgement | None:
    """C5: the mixing ratio controls the speed."""
    rows = paper_simulations(results, PAPER_ACTIVATIONS)
    if rows.empty:
        return None
    keys = ["kernel", "activation", "size", "pattern"]
    columns = ["asymptotic_speed", "light_speed"]
    rows = rows.assign(decides=converged(rows) & ~within_theory(rows))
    means = rows[converged(rows)].groupby([*keys, "beta"], sort=False)[columns].mean()
    by_case = means.reset_index().groupby(keys, sort=False)[["beta", *columns]]
    decided = rows.groupby(keys, sort=False).decides.sum() >= limits.FEWEST_CASES
    every: pd.DataFrame = by_case.apply(_steering).reset_index()
    cases = every[every.join(decided, on=keys).decides]
    if cases.empty:
        return None
    holds = (cases.correlation >= limits.MONOTONE) & (cases.span >= limits.HALF)
    medians = cases.groupby("activation", sort=False)[list(STEERING)].median()
    lowest = cases.correlation.min()
    figures = [measured("lowest rank correlation of speed and β", lowest, source=METRICS_FILE)]
    figures += [
        measured(f"{name}, median, {activation}", row[column], source=METRICS_FILE)
        for activation, row in medians.iterrows()
        for column, name in STEERING.items()
    ]
    where = where_it_holds(cases, holds, ("activation", "size"))
    undecided = [f"{name} k = {k} {pattern}" for _, name, k, pattern in decided.index[~decided]]
    where += _not_converged(undecided)
    return Judgement(verdict(holds), figures, where)


def modulus(results: Results) -> Judgement | None:
    """C6: the modulus moves the centre of mass faster than ReLU."""
    both = paired_simulations(results, "activation", PAPER_ACTIVATIONS, PAPER_ACTIVATIONS)
    pairs = _rectified(both)
    parts = {
        f"{pattern}, {horizon_text(layers)}": lead
        for layers in horizons(results.metrics)
        for pattern, lead in _leads(pairs, layers).groupby(pairs.pattern, sort=False)
        if len(lead) >= limits.FEWEST_CASES
    }
    if not parts:
        return None
    faster = pd.Series({key: (lead > limits.EQUAL_SPEED).mean() for key, lead in parts.items()})
    slower = pd.Series({key: (lead < -limits.EQUAL_SPEED).mean() for key, lead in parts.items()})
    outcome = verdict(faster >= limits.MOST)
    # The case nearest to another verdict decides.
    decisive = str(faster.idxmin() if outcome == REPRODUCED else faster.idxmax())
    name = f"of the pairs: the modulus is faster, {decisive}"
    figures = [percentage(name, faster[decisive], METRICS_FILE)]
    figures += [
        percentage(f"modulus {way}, {case}", share, METRICS_FILE)
        for case in parts
        for way, share in (("faster", faster[case]), ("slower", slower[case]))
    ]
    where = f"beyond β* it is faster in {_span(faster)} and slower in {_span(slower)} of the pairs"
    return Judgement(outcome, figures, f"{where}, depending on pattern and T")


def _span(shares: pd.Series) -> str:
    """The smallest and the largest of some shares."""
    low, high = f"{shares.min():.0%}", f"{shares.max():.0%}"
    return low if low == high else f"{low} to {high}"


def _rectified(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs that no theorem decides: beyond beta*, and not odd, which the modulus splits evenly."""
    return pairs[~within_theory(pairs) & (pairs.beta < 1)]


def _leads(pairs: pd.DataFrame, layers: float) -> pd.Series:
    """The lead of the second of each pair in speed over a number of layers, px/layer.

    In the limit, what is between their intervals: zero where these overlap.
    """
    if math.isfinite(layers):
        first, second = (pairs[f"{end_column(layers)}_{name}"] for name in ("first", "second"))
        return (second - first).dropna()
    above = pairs.asymptotic_low_second - pairs.asymptotic_high_first
    below = pairs.asymptotic_high_second - pairs.asymptotic_low_first
    lead: pd.Series = above.clip(lower=0) + below.clip(upper=0)
    return lead.dropna()


def sizes(results: Results) -> Judgement | None:
    """C7: 3x3 kernels move more than 2x2."""
    pairs = paired_simulations(results, "size", (2, 3), PAPER_ACTIVATIONS)
    still, moving = pairs[pairs.beta == 0], _rectified(pairs)
    lead = _leads(moving, math.inf)
    # Overlapping intervals decide nothing.
    lead = lead[lead != 0]
    moving = moving.loc[lead.index]
    groups = (lead > limits.EQUAL_SPEED).groupby([moving.activation, moving.pattern], sort=False)
    shares = groups.mean()[groups.size() >= limits.FEWEST_CASES]
    if shares.empty:
        return None
    holds = shares >= limits.MOST
    widths = (still.width_along_second / still.width_along_first).median()
    speeds = (moving.asymptotic_speed_second / moving.asymptotic_speed_first).median()
    name = "asymptotic speed of 3x3 over 2x2, median (of their light speeds: 2)"
    figures = [
        percentage("of the pairs: 3x3 is faster", shares.min(), METRICS_FILE),
        measured("pairs with different speeds", len(lead), source=METRICS_FILE),
        measured(name, speeds, source=METRICS_FILE),
        measured("width of 3x3 over 2x2 at β = 0, median", widths, source=MECHANICS_FILE),
    ]
    return Judgement(verdict(holds), figures, f"beyond β*, {extent(holds)}")


def _steering(case: pd.DataFrame) -> pd.Series:
    """How well the mixing ratio steers the speed in one cell and pattern."""
    known = case[np.isfinite(case.asymptotic_speed)]
    if len(known) < FEWEST_POINTS:
        return pd.Series(dict.fromkeys(STEERING, np.nan))
    return pd.Series(
        {
            "correlation": _rank_correlation(known),
            "mixed": _rank_correlation(known[known.beta < 1]),
            "span": float(np.ptp(known.asymptotic_speed) / known.light_speed.mean()),
            "fastest": float(known.beta[known.asymptotic_speed.idxmax()]),
        }
    )


def _rank_correlation(rows: pd.DataFrame) -> float:
    """Spearman's, of speed with beta; a speed that never changes is steered by nothing."""
    if rows.asymptotic_speed.nunique() < 2:
        return 0.0
    return float(rows.beta.rank().corr(rows.asymptotic_speed.rank()))
