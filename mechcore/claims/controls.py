"""Judges of what must stay at rest: even kernels (C1) and the negative controls (N1 to N4)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.analysis.beta_ranges import within_theory
from mechcore.claims.judgement import Judgement, largest, measured, verdict
from mechcore.claims.selection import surviving, well_conditioned
from mechcore.claims.thresholds import AT_REST_DRIFT
from mechcore.claims.verdict import AT_REST, MOVED
from mechcore.claims.wording import where_it_holds
from mechcore.experiment.paths import CONTROLS_FILE, MECHANICS_FILE
from mechcore.results.results import Results


def centre_of_mass(results: Results) -> Judgement | None:
    """C1: even kernels keep the centre of mass of noise."""
    even = surviving(well_conditioned(results.controls[results.controls.beta == 0]))
    if even.empty or not results.free:
        return None
    still = even.drift <= AT_REST_DRIFT
    grid = well_conditioned(results.simulations[results.simulations.beta == 0])
    signs = {"without": even.smallest_tap >= 0, "with": even.smallest_tap < 0}
    figures = [
        measured(
            f"drift on noise, kernels {sign} negative taps",
            even.drift[chosen].max(),
            "px",
            CONTROLS_FILE,
        )
        for sign, chosen in signs.items()
    ]
    figures.append(largest(grid, "drift", "drift at β = 0 on the grid's own patterns", "px"))
    where = where_it_holds(even, still, ("activation", "kernel"))
    return Judgement(verdict(still), figures, where)


def grid_at_beta_zero(results: Results) -> Judgement | None:
    """N1: nothing on the grid moves at beta = 0."""
    rows = results.simulations
    return _at_rest(rows[rows.beta == 0], ("kernel", "activation"))


def even_on_noise(results: Results, *, family: str) -> Judgement | None:
    """N2 and N3: even kernels of a family do not move noise."""
    rows = results.controls
    rows = rows[(rows.kernel == family) & (rows.beta == 0)]
    return _at_rest(rows, ("activation", "size"), CONTROLS_FILE)


def identity_beyond_beta_star(results: Results) -> Judgement | None:
    """N4: without rectification nothing moves beyond beta*."""
    rows = results.simulations[results.simulations.activation == "identity"]
    # Kernels without a beta* have negative taps at every beta.
    rows = rows[(rows.beta > 0) & ~within_theory(rows)]
    part = np.where(rows.beta == 1, "β = 1", "β* < β < 1")
    rows = rows.assign(part=part, pace=rows.speed.abs() / rows.light_speed)
    judgement = _at_rest(rows, ("kernel", "part"))
    if judgement is None:
        return None
    figures = [
        largest(rows[rows.part == name], "pace", f"largest speed, {name}", "of the light speed")
        for name in ("β* < β < 1", "β = 1")
    ]
    return Judgement(judgement.verdict, [*judgement.figures, *figures], judgement.range)


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
        measured("simulations", len(rows), source=table),
        measured("of them moved", (~still).sum(), source=table),
        largest(rows, "drift", "largest drift", "px", source),
        largest(rows.assign(pace=_pace(rows)), "pace", "largest speed", "px/layer", source),
    ]
    left_out = known[known.ill_conditioned.astype(bool)]
    where = where_it_holds(rows, still, by) + _left_out(left_out)
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
