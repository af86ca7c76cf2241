"""Judges of the mass |x| under taps of both signs: even kernels (C1, F1), and the identity (F2)."""

from __future__ import annotations

import pandas as pd

from mechcore.analysis.beta_ranges import within_theory
from mechcore.claims.controls import distance_from, linear_controls
from mechcore.claims.judgement import Judgement, largest, measured, percentage, verdict
from mechcore.claims.selection import surviving, well_conditioned
from mechcore.claims.thresholds import AT_REST_DRIFT, EXACT, OBSERVED_SHARE
from mechcore.claims.verdict import NOT_OBSERVED, OBSERVED, Figure
from mechcore.claims.wording import where_it_holds
from mechcore.experiment.controls import NOISE
from mechcore.experiment.paths import CONTROLS_FILE, MECHANICS_FILE
from mechcore.model.activations import ACTIVATIONS
from mechcore.results.results import Results


def centre_of_mass(results: Results) -> Judgement | None:
    """C1: even kernels keep the centre of mass of noise."""
    rows = _even_on_noise(results)
    rows = rows[rows.activation.isin(results.experiment.activations)]
    if rows.empty:
        return None
    still = rows.drift <= AT_REST_DRIFT
    # In part: an activation under which nothing moves.
    partly = bool(still.groupby(rows.activation).all().any())
    where = where_it_holds(rows, still, ("activation", "kernel"))
    where += ". Tested on noise with taps of both signs; without negative taps it is a theorem"
    return Judgement(verdict(still, partly=partly), _movement(rows), where)


def noise_moves(results: Results) -> Judgement | None:
    """F1: even kernels with taps of both signs move |x|, while the signed centroid stays."""
    rows = _even_on_noise(results)
    if rows.empty:
        return None
    moved = rows.drift > AT_REST_DRIFT
    how = rows.activation.map(lambda name: name if name == "identity" else "other activations")
    signed = linear_controls(results)
    signed = signed[(signed.mixing_ratio == 0) & (signed.smallest_tap < 0)]
    signed = signed.assign(gap=distance_from(signed, (0.0, 0.0)))
    figures = [
        figure for name, part in rows.groupby(how) for figure in _movement(part, f", {name}")
    ]
    figures.append(
        largest(signed, "gap", "farthest from the start, signed centroid", "px", CONTROLS_FILE)
    )
    moves = (moved.groupby(how).mean() > OBSERVED_SHARE).all()
    observed = moves and (signed.gap <= EXACT).all()
    where = where_it_holds(rows, moved, ("activation", "kernel"))
    return Judgement(OBSERVED if observed else NOT_OBSERVED, figures, where)


def identity_beyond_beta_star(results: Results) -> Judgement | None:
    """F2: without rectification |x| moves beyond beta*."""
    rows = results.simulations
    # Kernels without a beta* have taps of both signs at every beta.
    beyond = (rows.activation == "identity") & (rows.beta > 0) & ~within_theory(rows)
    rows = surviving(well_conditioned(rows[beyond & results.free]))
    rows = rows.assign(pace=rows.speed.abs() / rows.light_speed)
    odd, rows = rows[rows.beta == 1], rows[rows.beta < 1]
    if rows.empty:
        return None
    moved = rows.drift > AT_REST_DRIFT
    figures = [
        percentage("of the simulations move", moved.mean(), MECHANICS_FILE),
        measured("simulations", len(rows), source=MECHANICS_FILE),
        largest(rows, "drift", "farthest from the start", "px"),
        largest(rows, "pace", "largest speed, β* < β < 1", "of the light speed"),
        largest(odd, "pace", "largest speed, β = 1", "of the light speed"),
    ]
    observed = moved.mean() > OBSERVED_SHARE
    where = where_it_holds(rows, moved, ("kernel", "size"))
    return Judgement(OBSERVED if observed else NOT_OBSERVED, figures, where)


def _even_on_noise(results: Results) -> pd.DataFrame:
    """Controls of even kernels with taps of both signs on noise, whose mass is |x|."""
    rows = results.controls
    even = (rows.density == "absolute") & (rows.pattern == NOISE) & (rows.mixing_ratio == 0)
    # Others drown every pattern in what fills the light cone.
    kept = [name for name, entry in ACTIVATIONS.items() if entry.keeps_zero]
    chosen = even & (rows.smallest_tap < 0) & rows.activation.isin(kept)
    return surviving(well_conditioned(rows[chosen]))


def _movement(rows: pd.DataFrame, which: str = "") -> list[Figure]:
    """How many of some controls moved, and how far."""
    moved = (rows.drift > AT_REST_DRIFT).sum()
    return [
        largest(rows, "drift", f"farthest from the start{which}", "px", CONTROLS_FILE),
        measured(f"simulations{which}", len(rows), source=CONTROLS_FILE),
        measured(f"of them moved{which}", moved, source=CONTROLS_FILE),
    ]
