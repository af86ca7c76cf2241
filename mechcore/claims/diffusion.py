"""Judges of widths: diffusion at rest (C2) and contraction in motion (C8)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
import pandas as pd

from mechcore.analysis.beta_ranges import within_theory
from mechcore.claims import thresholds as limits
from mechcore.claims.judgement import (
    Judgement,
    largest,
    measured,
    percentage,
    trajectories_file,
    verdict,
)
from mechcore.claims.selection import paper_simulations, well_conditioned
from mechcore.claims.verdict import Figure
from mechcore.claims.wording import where_it_holds
from mechcore.results.results import Results

DEVIATIONS = {
    "exponent_error": ("deviation of the exponent from 1/2", limits.EXPONENT_ERROR),
    "coefficient_error": ("relative deviation of the coefficient from s", limits.RELATIVE_ERROR),
    "anisotropy": ("anisotropy of the width", limits.RELATIVE_ERROR),
    "non_gaussian": ("excess kurtosis at the last layer", limits.GAUSSIAN_KURTOSIS),
}
"""How far a state is from diffusing like a Gaussian: columns, their names in texts, and limits."""


def diffusion(results: Results) -> Judgement | None:
    """C2: DC diffuses isotropically, towards a Gaussian."""
    rows = paper_simulations(results)
    rows = well_conditioned(rows[(rows.beta == 0) & (rows.pattern == results.point)])
    if rows.empty:
        return None
    kurtosis = rows[["excess_kurtosis_x", "excess_kurtosis_y"]]
    rows = rows.assign(
        exponent_error=(rows.diffusion_exponent - 0.5).abs(),
        coefficient_error=(rows.diffusion_coefficient / rows.diffusion_speed - 1).abs(),
        anisotropy=(rows.width_across / rows.width_along - 1).abs(),
        non_gaussian=kurtosis.abs().max(axis=1, skipna=False),
    )
    most = pd.Series({column: limit for column, (_, limit) in DEVIATIONS.items()})
    holds = (rows[list(DEVIATIONS)] <= most).all(axis=1)
    # A curve holds if none of its deviations is beyond its limit.
    worst = (rows[list(DEVIATIONS)] / most).max(axis=1, skipna=False)
    decisive = largest(
        rows.assign(worst=worst), "worst", "largest deviation, in units of its limit"
    )
    figures = [decisive, *_coefficients(rows), *_deviations(rows, holds)]
    where = where_it_holds(rows, holds, ("activation", "size"))
    return Judgement(verdict(holds), figures, where)


def contraction(results: Results) -> Judgement | None:
    """C8, a test of our own: beyond beta*, ReLU contracts widths by the Lorentz factor."""
    rows = paper_simulations(results, ("relu",))
    rows = rows.dropna(subset=["diffusion_speed", "speed", "contraction_along"])
    # A state without width is no longer contracted.
    rows = well_conditioned(rows[(rows.beta > 0) & (rows.contraction_along > 0)])
    if rows.empty:
        return None
    share = rows.speed / rows.diffusion_speed
    # Beyond s there is no factor: such a simulation has no gap, and fails.
    factor = np.sqrt((1 - share**2).clip(lower=0).where(share <= 1 + limits.ENGINE_ERROR))
    rows = rows.assign(
        gap=(rows.contraction_along - factor).abs(),
        across=(rows.contraction_across - 1).abs(),
        relative_speed=share,
    )
    # Up to beta* ReLU does nothing.
    inside = within_theory(rows)
    below, beyond = rows[inside], rows[~inside]
    if beyond.empty:
        return None
    holds = (beyond.gap <= limits.LORENTZ) & (beyond.across <= limits.LORENTZ)
    figures = [
        percentage("of the simulations beyond β* have the factor", holds.mean()),
        largest(beyond, "gap", "largest miss of the factor, β > β*"),
        largest(beyond, "across", "largest change of the width across, β > β*"),
        largest(beyond, "relative_speed", "largest v/s"),
        largest(below, "gap", "largest miss of the factor, β ≤ β*, where ReLU does nothing"),
    ]
    faster = int((beyond.relative_speed > 1 + limits.ENGINE_ERROR).sum())
    where = (
        f"{int(holds.sum())} of {len(holds)} simulations beyond β*; {faster} others are faster "
        "than s, so that the factor does not exist"
    )
    return Judgement(verdict(holds), figures, where)


def _coefficients(rows: pd.DataFrame) -> Iterator[Figure]:
    """The coefficient of sqrt(t), px: the width after one layer."""
    first = rows[rows.activation == rows.activation.iloc[0]].drop_duplicates("size")
    for _, row in first[first["size"] <= 3].iterrows():
        name = f"coefficient of √t, k = {row['size']}"
        yield measured(name, row.diffusion_coefficient, "px", trajectories_file(row))


def _deviations(rows: pd.DataFrame, holds: pd.Series) -> Iterator[Figure]:
    parts = {"where it holds": rows[holds], "where not": rows[~holds]}
    for (where, part), (column, (name, _)) in product(parts.items(), DEVIATIONS.items()):
        if len(part):
            yield largest(part, column, f"largest {name}, {where}")
