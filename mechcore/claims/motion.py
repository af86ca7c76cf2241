"""Judges of speeds: the gradient (C3), the mixing ratio (C5), the modulus (C6), the size (C7)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.analysis.beta_ranges import within_theory
from mechcore.analysis.lines import FEWEST_POINTS
from mechcore.claims import thresholds as limits
from mechcore.claims.judgement import Judgement, largest, measured, trajectories_file, verdict
from mechcore.claims.selection import paired_simulations, paper_simulations
from mechcore.claims.wording import extent, where_it_holds
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
    rows = rows[(rows["size"] == 2) & (rows.beta == 1)]
    oblique, rows = rows[rows.angle % 90 != 0], rows[rows.angle % 90 == 0]
    if rows.empty:
        return None
    rows = rows.assign(gap=(rows.speed - limits.GRADIENT_SPEED).abs())
    holds = rows.gap <= limits.GRADIENT_ERROR
    name, unit = "speed of {0.pattern} at {0.angle:g}°", "px/layer"
    figures = [
        measured(name.format(row), row.speed, unit, trajectories_file(row))
        for _, row in rows[rows.angle == rows.angle.iloc[0]].iterrows()
    ]
    figures.append(largest(rows, "gap", "largest deviation from 0.5", unit))
    where = f"along the axes: {where_it_holds(rows, holds, ('pattern', 'angle'))}"
    if len(oblique):
        figures.append(largest(oblique, "speed", "largest, off the axes", unit))
        where += f". Off the axes, where light is faster, up to {oblique.speed.max():.4g} px/layer"
    return Judgement(verdict(holds), figures, where)


def mixing_ratio(results: Results) -> Judgement | None:
    """C5: the mixing ratio controls the speed."""
    rows = paper_simulations(results, PAPER_ACTIVATIONS)
    if rows.empty:
        return None
    keys, columns = ["kernel", "activation", "size", "pattern"], ["speed", "light_speed"]
    means = rows.groupby([*keys, "beta"], sort=False)[columns].mean().reset_index()
    by_case = means.groupby(keys, sort=False)[["beta", *columns]]
    cases: pd.DataFrame = by_case.apply(_steering).reset_index()
    if cases.correlation.isna().all():
        return None
    holds = (cases.correlation >= limits.MONOTONE) & (cases.span >= limits.HALF)
    medians = cases.groupby("activation", sort=False)[list(STEERING)].median()
    figures = [
        measured(f"{name}, median, {activation}", row[column], source=METRICS_FILE)
        for activation, row in medians.iterrows()
        for column, name in STEERING.items()
    ]
    where = where_it_holds(cases, holds, ("activation", "size"))
    mixed = ", ".join(f"{row.mixed:.3g} for {name}" for name, row in medians.iterrows())
    where += f". With β = 1 left out the median rank correlation is {mixed}"
    return Judgement(verdict(holds), figures, where)


def modulus(results: Results) -> Judgement | None:
    """C6: the modulus moves the centre of mass faster than ReLU."""
    pairs = paired_simulations(results, "activation", PAPER_ACTIVATIONS, PAPER_ACTIVATIONS)
    pairs = pairs.assign(lead=pairs.speed_second - pairs.speed_first)
    beyond = pairs[~within_theory(pairs)]
    if beyond.empty:
        return None
    share = float((beyond.lead > limits.EQUAL_SPEED).mean())
    slower = float((beyond.lead < -limits.EQUAL_SPEED).mean())
    below = pairs[within_theory(pairs)].assign(gap=lambda rows: rows.lead.abs())
    name = "share of pairs beyond β* in which the modulus is faster"
    figures = [
        measured(name, share, source=METRICS_FILE),
        measured("share in which it is slower", slower, source=METRICS_FILE),
        largest(beyond, "lead", "largest lead of the modulus", "px/layer"),
        largest(below, "gap", "largest difference up to β*", "px/layer"),
    ]
    outcome = verdict(pd.Series([share >= limits.MOST]), partly=share >= limits.SOME)
    where = [_lead(str(name), rows) for name, rows in beyond.groupby("pattern", sort=False)]
    return Judgement(outcome, figures, f"for β > β*: {'; '.join(where)}")


def sizes(results: Results) -> Judgement | None:
    """C7: 3x3 kernels diffuse and move more than 2x2."""
    pairs = paired_simulations(results, "size", (2, 3), PAPER_ACTIVATIONS)
    still = pairs[pairs.beta == 0].dropna(subset=["width_along_first", "width_along_second"])
    moving = pairs[pairs.beta > 0]
    if still.empty or moving.empty:
        return None
    all_wider = bool((still.width_along_second > still.width_along_first).all())
    faster = moving.speed_second > moving.speed_first + limits.EQUAL_SPEED
    share = float(faster.mean())
    known = moving[moving.speed_first > limits.EQUAL_SPEED]
    widths = (still.width_along_second / still.width_along_first).median()
    speeds = (known.speed_second / known.speed_first).median()
    name = "speed of 3x3 over 2x2, median (of their light speeds: 2)"
    figures = [
        measured("width of 3x3 over 2x2 at β = 0, median", widths, source=MECHANICS_FILE),
        measured("share of pairs with β > 0 in which 3x3 is faster", share, source=METRICS_FILE),
        measured(name, speeds, source=METRICS_FILE),
    ]
    mostly_faster = share >= limits.MOST
    holds = pd.Series([all_wider and mostly_faster])
    outcome = verdict(holds, partly=all_wider or mostly_faster)
    most = faster.groupby([moving.activation, moving.pattern], sort=False).mean() >= limits.MOST
    return Judgement(outcome, figures, f"moves more, as a rule: {extent(most)}")


def _steering(case: pd.DataFrame) -> pd.Series:
    """How well the mixing ratio steers the speed in one cell and pattern."""
    known = case[np.isfinite(case.speed)]
    if len(known) < FEWEST_POINTS:
        return pd.Series(dict.fromkeys(STEERING, np.nan))
    return pd.Series(
        {
            "correlation": _rank_correlation(known),
            "mixed": _rank_correlation(known[known.beta < 1]),
            "span": float(np.ptp(known.speed) / known.light_speed.mean()),
            "fastest": float(known.beta[known.speed.idxmax()]),
        }
    )


def _rank_correlation(rows: pd.DataFrame) -> float:
    """Spearman's, of speed with beta; a speed that never changes is steered by nothing."""
    if rows.speed.nunique() < 2:
        return 0.0
    return float(rows.beta.rank().corr(rows.speed.rank()))


def _lead(pattern: str, pairs: pd.DataFrame) -> str:
    """Where the modulus leads under a pattern."""
    faster, slower = pairs[pairs.lead > limits.EQUAL_SPEED], pairs[pairs.lead < -limits.EQUAL_SPEED]
    span = f" (β from {faster.beta.min():g} to {faster.beta.max():g})" if len(faster) else ""
    return (
        f"{pattern}: faster in {len(faster)} of {len(pairs)} pairs{span}, slower in {len(slower)}"
    )
