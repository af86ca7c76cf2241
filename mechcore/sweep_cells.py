"""The table of a sweep: one row a cell, its parameters and the numbers that a person sorts by."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.boundaries import domain_side
from mechcore.cells import Cell
from mechcore.domains import EVERYWHERE
from mechcore.evidence import Evidence
from mechcore.fits import first_fitted_layer
from mechcore.measures import AT_REST, NO_GROWTH
from mechcore.naming import metric_name
from mechcore.regressions import PREDICTORS, cell_names, mean_speeds
from mechcore.tables import read_table

PARAMETERS = (
    *("kernel", "activation", "size", "patterns", "angles", "beta_min", "beta_max", "beta_count"),
    *("steps", "t_burn", "mixing", "normalise", "boundary", "domain", "density", "engine", "seed"),
)
"""The axes and settings of a cell, as they are in tables and in MLflow."""

TEXTS = (
    *("kernel", "activation", "patterns", "angles"),
    *("mixing", "normalise", "boundary", "domain", "density", "engine"),
)
"""The parameters that are no numbers, even where they look like one."""

FITTED = ("slope", "slope_se", "intercept", "r2", "aic")
"""Columns of the regressions that are told of each predictor."""

LONGEST_TEXT = 500
"""Longer values are cut: MLflow takes no more of a parameter."""

DEVIATIONS_FILE = "deviations.csv"


def parameters(cell: Cell) -> dict[str, object]:
    """Return all axes and settings of a cell, short enough for a table.

    Parameters
    ----------
    cell : Cell
        The cell.

    Returns
    -------
    dict of str to object
        Numbers and texts by the names `PARAMETERS`.
    """
    derived: dict[str, object] = {
        "patterns": " ".join(pattern.label for pattern in cell.patterns)[:LONGEST_TEXT],
        "angles": " ".join(f"{angle:g}" for angle in cell.angles)[:LONGEST_TEXT],
        "beta_min": min(cell.betas),
        "beta_max": max(cell.betas),
        "beta_count": len(cell.betas),
        "t_burn": first_fitted_layer(cell.steps, cell.t_burn),
        "domain": domain_side(cell.boundary, cell.domain) or "free",
    }
    return {name: derived[name] if name in derived else getattr(cell, name) for name in PARAMETERS}


def cells_table(evidence: Evidence) -> pd.DataFrame:
    """Return what is known of the finished cells of an experiment.

    Parameters
    ----------
    evidence : Evidence
        The results.

    Returns
    -------
    pandas.DataFrame
        One row a cell in the order of the grid: ``cell``, the columns `PARAMETERS`, then numbers
        by the names that they have in MLflow, NaN where they are not known or not finite:

        simulations, extinct, ill_conditioned
            How many there are, how many died, and how many rounding moves.
        beta_star
            The smallest over the angles; up to it the exact theory holds.
        light_speed : px/layer
            Mean over the angles.
        <pattern>/speed_max : px/layer
            The largest of the curve of speed over beta, in the mean over the angles.
        <pattern>/slope_<predictor>, slope_se_, intercept_, r2_, aic_
            The line of speed through all betas, see `mechcore.regressions.regress`.
        <pattern>/diffusion_coefficient, diffusion_exponent
            At the smallest beta, mean over the angles.
        <pattern>/isotropy
            The smaller width over the larger, along and across, at the smallest beta; 1 is
            isotropic.
        <pattern>/speed_isotropy
            With several angles: the lowest speed at the largest beta as a share of the fastest, 1
            is isotropic, negative if some angle moves the other way.
        engine_deviation : px
            How far the engines are apart, see `mechcore.deviations`; only if they were compared,
            and not where rounding decides.
    """
    rows = _named(evidence)
    planned = {
        name: parameters(cell) for name, cell in evidence.cells.items() if name in evidence.finished
    }
    cells = pd.DataFrame(list(planned.values()), pd.Index(planned, name="cell", dtype=str))
    figures = pd.concat(
        [_wide(evidence, rows), _counts(evidence, rows), _deviations(evidence)], axis=1
    )
    finite = figures.where(np.isfinite(figures.astype(float)))
    return cells.astype(dict.fromkeys(TEXTS, str)).join(finite).reset_index()


def _named(evidence: Evidence) -> pd.DataFrame:
    """Every simulation with the name of its cell."""
    rows = evidence.simulations
    return rows.assign(cell=cell_names(rows, evidence.experiment.boundary))


def _counts(evidence: Evidence, rows: pd.DataFrame) -> pd.DataFrame:
    groups = rows.assign(dead=rows.extinct_at.notna()).groupby("cell", sort=False)
    return pd.DataFrame(
        {
            "simulations": groups.size(),
            "extinct": groups.dead.sum(),
            "ill_conditioned": groups.ill_conditioned.sum(),
            "beta_star": groups.beta_star.min(skipna=False),
            "light_speed": groups["size"].first().map(evidence.mean_light_speed),
        }
    )


def _wide(evidence: Evidence, rows: pd.DataFrame) -> pd.DataFrame:
    """The numbers of each pattern, side by side."""
    tables = [_fastest(evidence), _fits(evidence), _at_rest(rows), _directions(rows)]
    known = pd.concat(tables, axis=1)
    parts = []
    for pattern in evidence.patterns:
        part = known.xs(pattern, level="pattern")
        parts.append(part.set_axis([metric_name(pattern, str(name)) for name in part], axis=1))
    return pd.concat(parts, axis=1)


def _fastest(evidence: Evidence) -> pd.DataFrame:
    points = mean_speeds(evidence.metrics, evidence.experiment.boundary)
    return points.groupby(["cell", "pattern"]).speed.max().to_frame("speed_max")


def _fits(evidence: Evidence) -> pd.DataFrame:
    lines = evidence.regressions
    # One number a name: the fits over all betas stand for the cell.
    whole = lines[lines.domain == EVERYWHERE].set_index(["cell", "pattern"])
    return pd.concat(
        [
            whole.loc[whole.predictor == predictor, list(FITTED)].add_suffix(f"_{predictor}")
            for predictor in PREDICTORS
        ],
        axis=1,
    )


def _at_rest(rows: pd.DataFrame) -> pd.DataFrame:
    """Diffusion at the smallest beta, where nothing but the even part acts."""
    rest = rows.loc[rows.groupby(["cell", "pattern", "angle"]).beta.idxmin()]
    widths = rest[["width_along", "width_across"]]
    # Where nothing grew the ratio would be that of two rounding errors.
    grown = widths.max(axis=1, skipna=False)
    isotropy = (widths.min(axis=1) / grown).where(grown**2 > NO_GROWTH)
    known = rest.assign(isotropy=isotropy).groupby(["cell", "pattern"])
    return known[["diffusion_coefficient", "diffusion_exponent", "isotropy"]].mean()


def _directions(rows: pd.DataFrame) -> pd.DataFrame:
    """How even the speeds are over the angles at the largest beta; no column for a single angle."""
    if rows.angle.nunique() < 2:
        return pd.DataFrame(index=pd.MultiIndex.from_arrays([[], []], names=["cell", "pattern"]))
    last = rows.loc[rows.groupby(["cell", "pattern", "angle"]).beta.idxmax()]
    speeds = last.groupby(["cell", "pattern"]).speed
    return speeds.agg(evenness).to_frame("speed_isotropy")


def evenness(speeds: pd.Series) -> float:
    """Return the lowest speed as a share of the fastest.

    Parameters
    ----------
    speeds : pandas.Series
        Speeds of one cell in several directions, px/layer.

    Returns
    -------
    float
        1 if all are equal, negative if some point the other way; NaN if fewer than two are known,
        or all rest, which leaves rounding errors to compare.

    Examples
    --------
    >>> evenness(pd.Series([0.5, 0.4])), evenness(pd.Series([0.2, -0.5]))
    (0.8, -0.4)
    """
    known = speeds[np.isfinite(speeds)]
    if len(known) < 2 or known.abs().max() < AT_REST:
        return float("nan")
    return float((known / known.loc[known.abs().idxmax()]).min())


def _deviations(evidence: Evidence) -> pd.DataFrame:
    """How far the engines are apart; no column if they were not compared."""
    path = evidence.results / DEVIATIONS_FILE
    if not path.is_file():
        return pd.DataFrame()
    found = read_table(path, ("cell", "ill_conditioned", "deviation"))
    # Of a simulation that rounding decides the distance says nothing about the engines.
    sound = found[~found.ill_conditioned]
    return sound.groupby("cell").deviation.max().to_frame("engine_deviation")
