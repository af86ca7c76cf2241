"""Judges of the controls (N1 to N4): theorems, which only an error of the program can break."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.analysis.beta_ranges import within_theory
from mechcore.analysis.mechanics import SOUND_SHARE
from mechcore.claims.judgement import Judgement, measured, trajectories_file
from mechcore.claims.selection import surviving
from mechcore.claims.thresholds import EXACT
from mechcore.claims.verdict import BROKEN, HOLDS
from mechcore.claims.wording import where_it_holds
from mechcore.experiment.controls import SHIFT_RATIO, STEPS, SYMMETRIC
from mechcore.experiment.paths import CONTROLS_FILE
from mechcore.model.patterns import Image
from mechcore.results.results import Results


def linear_motion(results: Results) -> Judgement | None:
    """N1: without rectification the signed centroid moves by M1/M0 a layer."""
    rows = linear_controls(results)
    return _control(rows.assign(gap=rows.off_course), ("kernel", "density"))


def linear_rest(results: Results) -> Judgement | None:
    """N2: even kernels leave the signed centroid in place."""
    rows = linear_controls(results)
    rows = rows[rows.mixing_ratio == 0]
    return _control(rows.assign(gap=distance_from(rows, (0.0, 0.0))), ("kernel", "density"))


def symmetric_rest(results: Results) -> Judgement | None:
    """N3: even kernels leave symmetric patterns in place."""
    rows, grid = results.controls, _symmetric_grid(results)
    rows = rows[rows.pattern.isin(SYMMETRIC) & (rows.mixing_ratio == 0)]
    rows = rows.assign(source=CONTROLS_FILE, both_signs=rows.smallest_tap < 0)
    grid = grid.assign(both_signs=~within_theory(grid))
    columns = ["kernel", "activation", "drift", "ill_conditioned", "both_signs", "source"]
    parts = [surviving(part)[columns] for part in (rows, grid)]
    known = pd.concat(parts, ignore_index=True).rename(columns={"drift": "gap"})
    # Rounding grows only where taps of both signs cancel: elsewhere it is no excuse.
    doubtful = known.ill_conditioned.astype(bool) & known.both_signs.astype(bool)
    judgement = _control(known[~doubtful], ("kernel", "activation"))
    if judgement is None:
        return None
    where = judgement.range + _left_out(known[doubtful])
    return Judgement(judgement.verdict, judgement.figures, where)


def shift(results: Results) -> Judgement | None:
    """N4: a shift kernel moves a point by one pixel a layer."""
    rows = results.controls
    rows = rows[rows.mixing_ratio == SHIFT_RATIO]
    return _control(rows.assign(gap=distance_from(rows, (1.0, 0.0))), ("activation", "size"))


def linear_controls(results: Results) -> pd.DataFrame:
    """Return the controls without rectification whose mass is the signed one and not zero."""
    rows = results.controls
    # Where no tap is negative, |x| is x.
    signed = (rows.density == "signed") | (rows.smallest_tap >= 0)
    chosen = signed & (rows.activation == "identity") & (rows.cancellation >= SOUND_SHARE)
    return pd.DataFrame(rows[chosen])


def distance_from(rows: pd.DataFrame, velocity: tuple[float, float]) -> pd.Series:
    """Return how far controls are from a given course at most: from their own, and this from it."""
    x, y = velocity
    apart = np.hypot(rows.velocity_x - x, rows.velocity_y - y)
    return pd.Series(rows.off_course + STEPS * apart)


def _symmetric_grid(results: Results) -> pd.DataFrame:
    """The grid's own symmetric patterns at beta = 0, where neither edge nor grid moves them."""
    plan, rows = results.experiment, results.simulations
    plain = plan.boundary == "free" and plan.placement == "centred"
    labels = [
        pattern.label
        for pattern, region in zip(plan.patterns, plan.regions, strict=True)
        if region == "image" and _is_symmetric(pattern.image())
    ]
    rows = rows[rows.pattern.isin(labels) & (rows.beta == 0) & plain]
    return rows.assign(source=[trajectories_file(row) for _, row in rows.iterrows()])


def _is_symmetric(image: Image) -> bool:
    return np.array_equal(image, image[::-1, ::-1])


def _control(rows: pd.DataFrame, by: tuple[str, str]) -> Judgement | None:
    """Whether no simulation has a gap (px) between where it is and where it must be."""
    if rows.empty:
        return None
    # A centroid that is lost is not where it must be.
    holds = rows.gap <= EXACT
    farthest = rows.sort_values("gap", na_position="first").iloc[-1]
    source = farthest.get("source", CONTROLS_FILE)
    figures = [
        measured("farthest from where it must be", farthest.gap, "px", source),
        measured("simulations", len(rows)),
        measured("of them not where they must be", (~holds).sum()),
    ]
    return Judgement(HOLDS if holds.all() else BROKEN, figures, where_it_holds(rows, holds, by))


def _left_out(rows: pd.DataFrame) -> str:
    """The simulations that are no results, as rounding decides where they go."""
    if rows.empty:
        return ""
    counts = (rows.kernel + " " + rows.activation).value_counts(sort=False)
    names = ", ".join(f"{name} ({count})" for name, count in counts.items())
    return (
        f". Not judged, because rounding decides where they go (up to {rows.gap.max():.3g} px): "
        f"{names}"
    )
