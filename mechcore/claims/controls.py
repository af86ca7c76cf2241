"""Judges of what must stay at rest: even kernels (C1) and the negative controls (N1 to N4)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.analysis.beta_ranges import within_theory
from mechcore.claims.judgement import Judgement, largest, measured, verdict
from mechcore.claims.selection import surviving, well_conditioned
from mechcore.claims.thresholds import AT_REST_DRIFT
from mechcore.claims.verdict import AT_REST, MOVED, Figure
from mechcore.claims.wording import extent, holds_throughout
from mechcore.experiment.paths import CONTROLS_FILE, MECHANICS_FILE
from mechcore.results.results import Results


def centre_of_mass(results: Results) -> Judgement | None:
    """C1: even kernels keep the centre of mass of noise."""
    even = surviving(well_conditioned(results.controls[results.controls.beta == 0]))
    if even.empty or not results.free:
        return None
    still = even.drift <= AT_REST_DRIFT
    grid = well_conditioned(results.simulations[results.simulations.beta == 0])
    positive, negative = even[even.smallest_tap >= 0], even[even.smallest_tap < 0]
    figures = [
        _largest_drift(positive, "drift on noise, kernels without negative taps"),
        _largest_drift(negative, "drift on noise, kernels with negative taps"),
        largest(grid, "drift", "drift at β = 0 on the grid's own patterns", "px"),
    ]
    where = extent(holds_throughout(even, still, ("activation", "kernel")))
    return Judgement(verdict(still), figures, where)


def grid_at_beta_zero(results: Results) -> Judgement | None:
    """N1: nothing on the grid moves at beta = 0."""
    rows = results.simulations[results.simulations.beta == 0]
    return _at_rest(rows, ("kernel", "activation"))


def even_random_on_noise(results: Results) -> Judgement | None:
    """N2: even random kernels do not move noise."""
    return _even_on_noise(results, "random")


def even_highpass_on_noise(results: Results) -> Judgement | None:
    """N3: even kernels without DC do not move noise."""
    return _even_on_noise(results, "highpass")


def identity_beyond_beta_star(results: Results) -> Judgement | None:
    """N4: without rectification nothing moves beyond beta*."""
    rows = results.simulations[results.simulations.activation == "identity"]
    # Kernels without a beta* have negative taps at every beta.
    rows = rows[(rows.beta > 0) & ~within_theory(rows)]
    rows = rows.assign(
        part=np.where(rows.beta == 1, "β = 1", "β* < β < 1"),
        pace=rows.speed.abs() / rows.light_speed,
    )
    judgement = _at_rest(rows, ("kernel", "part"))
    if judgement is None:
        return None
    odd, mixed = rows[rows.beta == 1], rows[rows.beta < 1]
    figures = [
        largest(mixed, "pace", "largest speed, β* < β < 1", "of the light speed"),
        largest(odd, "pace", "largest speed, β = 1", "of the light speed"),
    ]
    return Judgement(judgement.verdict, [*judgement.figures, *figures], judgement.range)


def _even_on_noise(results: Results, family: str) -> Judgement | None:
    rows = results.controls
    rows = rows[(rows.kernel == family) & (rows.beta == 0)]
    return _at_rest(rows, ("activation", "size"), CONTROLS_FILE)


def _at_rest(
    rows: pd.DataFrame, by: tuple[str, str], source: str | None = None
) -> Judgement | None:
    """Whether all these simulations stayed where they were."""
    known = surviving(rows)
    rows = well_conditioned(known)
    if rows.empty:
        return None
    still = rows.drift <= AT_REST_DRIFT
    table = source or MECHANICS_FILE
    figures = [
        measured("simulations", len(rows), "1", table),
        measured("of them moved", (~still).sum(), "1", table),
        largest(rows, "drift", "largest drift", "px", source),
        largest(rows.assign(pace=_pace(rows)), "pace", "largest speed", "px/layer", source),
    ]
    left_out = known[known.ill_conditioned.astype(bool)]
    where = extent(holds_throughout(rows, still, by)) + _left_out(left_out)
    return Judgement(AT_REST if still.all() else MOVED, figures, where)


def _pace(rows: pd.DataFrame) -> pd.Series:
    """The speed of the fitted motion, in any direction."""
    if "velocity_x" in rows:
        return pd.Series(np.hypot(rows.velocity_x, rows.velocity_y), rows.index)
    return rows.speed


def _left_out(rows: pd.DataFrame) -> str:
    """The simulations that are no results, as rounding decides where they go."""
    if rows.empty:
        return ""
    counts = (rows.kernel + " " + rows.activation).value_counts(sort=False)
    names = ", ".join(f"{name} ({count})" for name, count in counts.items())
    drift = f"{rows.drift.max():.3g} px"
    return f". Left out, as rounding decides them: {names}, which drift up to {drift}"


def _largest_drift(rows: pd.DataFrame, name: str) -> Figure:
    return measured(name, rows.drift.max(), "px", CONTROLS_FILE)
