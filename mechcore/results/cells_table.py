"""The table of a sweep: one row a cell, its parameters and the numbers that a person sorts by."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.analysis.beta_ranges import EVERYWHERE
from mechcore.analysis.measures import AT_REST, NO_GROWTH
from mechcore.analysis.regressions import PREDICTORS, SPEED, horizons, law_fits, squared
from mechcore.experiment.cell import Cell, first_fitted_layer
from mechcore.experiment.naming import metric_name
from mechcore.model.boundaries import domain_side
from mechcore.results.results import Results

PARAMETERS = (
    *("kernel", "activation", "size", "patterns", "angles", "beta_min", "beta_max", "beta_count"),
    *("steps", "t_burn", "mixing", "normalise", "boundary", "domain", "density", "engine", "seed"),
)
"""The axes and settings of a cell, as tables and MLflow name them."""

TEXTS = (
    *("kernel", "activation", "patterns", "angles"),
    *("mixing", "normalise", "boundary", "domain", "density", "engine"),
)
"""The parameters that are texts, even where they look like numbers."""

FITTED = ("slope", "intercept", "r2", "worst_residual")
"""Columns of the regressions of speed, shown for each predictor."""

LAW_FITTED = ("law_miss", "slope", "r2")
"""Columns of the regressions of (v/c)^2 on rho, shown for each number of layers."""

LONGEST_TEXT = 500
"""Longer values are cut: MLflow takes no more of a parameter."""


def parameters(cell: Cell) -> dict[str, object]:
    """Return all axes and settings of a cell, short enough for a table."""
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


def cells_table(results: Results) -> pd.DataFrame:
    """Return parameters and results of the finished cells of an experiment."""
    rows = results.simulations
    planned = {
        name: parameters(cell) for name, cell in results.cells.items() if name in results.finished
    }
    cells = pd.DataFrame(list(planned.values()), pd.Index(planned, name="cell", dtype=str))
    figures = pd.concat([_by_pattern(results, rows), _counts(results, rows)], axis=1)
    finite = figures.where(np.isfinite(figures.astype(float)))
    return cells.astype(dict.fromkeys(TEXTS, str)).join(finite).reset_index()


def _counts(results: Results, rows: pd.DataFrame) -> pd.DataFrame:
    groups = rows.assign(dead=rows.extinct_at.notna()).groupby("cell", sort=False)
    return pd.DataFrame(
        {
            "simulations": groups.size(),
            "extinct": groups.dead.sum(),
            "ill_conditioned": groups.ill_conditioned.sum(),
            "beta_star": groups.beta_star.min(skipna=False),
            "light_speed": groups["size"].first().map(results.mean_light_speed),
        }
    )


def _by_pattern(results: Results, rows: pd.DataFrame) -> pd.DataFrame:
    """The numbers of each pattern, side by side."""
    tables = [_fastest(results), _fits(results), _at_rest(rows), _directions(rows)]
    figures = pd.concat(tables, axis=1)
    parts, known = [], figures.index.unique("pattern")
    for pattern in filter(known.__contains__, results.patterns):
        part = figures.xs(pattern, level="pattern")
        parts.append(part.set_axis([metric_name(pattern, str(name)) for name in part], axis=1))
    return pd.concat(parts, axis=1)


def _fastest(results: Results) -> pd.DataFrame:
    points = results.mean_speeds
    return points.groupby(["cell", "pattern"]).speed.max().to_frame("speed_max")


def _fits(results: Results) -> pd.DataFrame:
    lines = results.regressions
    # The fits over all betas stand for the cell.
    fits = lines[lines.domain == EVERYWHERE].set_index(["cell", "pattern"])
    speeds, laws = fits[fits.response == SPEED], law_fits(fits)
    tables = [
        speeds.loc[speeds.predictor == predictor, list(FITTED)].add_suffix(f"_{predictor}")
        for predictor in PREDICTORS
    ]
    for layers in horizons(results.metrics):
        fitted = laws.loc[laws.response == squared(layers), list(LAW_FITTED)]
        tables.append(fitted.add_suffix(f"_{squared(layers)}"))
    return pd.concat(tables, axis=1)


def _at_rest(rows: pd.DataFrame) -> pd.DataFrame:
    """Diffusion at the smallest beta, where nothing but the even part acts."""
    rest = rows.loc[rows.groupby(["cell", "pattern", "angle"]).beta.idxmin()]
    widths = rest[["width_along", "width_across"]]
    # Where nothing grew the ratio would be that of two rounding errors.
    grown = widths.max(axis=1, skipna=False)
    isotropy = (widths.min(axis=1) / grown).where(grown**2 > NO_GROWTH)
    groups = rest.assign(isotropy=isotropy).groupby(["cell", "pattern"])
    return groups[["diffusion_coefficient", "diffusion_exponent", "isotropy"]].mean()


def _directions(rows: pd.DataFrame) -> pd.DataFrame:
    """Isotropy of the speeds at the largest beta; no column for a single angle."""
    if rows.angle.nunique() < 2:
        return pd.DataFrame(index=pd.MultiIndex.from_arrays([[], []], names=["cell", "pattern"]))
    last = rows.loc[rows.groupby(["cell", "pattern", "angle"]).beta.idxmax()]
    speeds = last.groupby(["cell", "pattern"]).speed
    return speeds.agg(evenness).to_frame("speed_isotropy")


def evenness(speeds: pd.Series) -> float:
    """Return the lowest speed as a share of the fastest: negative if they are opposed.

    Examples
    --------
    >>> evenness(pd.Series([0.5, 0.4])), evenness(pd.Series([0.2, -0.5]))
    (0.8, -0.4)
    """
    known = speeds[np.isfinite(speeds)]
    if len(known) < 2 or known.abs().max() < AT_REST:
        return float("nan")
    return float((known / known.loc[known.abs().idxmax()]).min())
