"""Which rows of the tables each claim is judged by, and how simulations are paired."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.analysis.measures import end_column
from mechcore.analysis.regressions import horizons
from mechcore.claims.thresholds import CONVERGED, STEADY
from mechcore.experiment.representative import PAPER_FAMILY
from mechcore.results.results import Results


def well_conditioned(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the simulations that a change in the last digit of their kernel does not move."""
    return pd.DataFrame(rows[~rows.ill_conditioned.astype(bool)])


def surviving(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the simulations that lived to the last layer: a state that died could not move."""
    return pd.DataFrame(rows[np.isfinite(rows.drift) & rows.extinct_at.isna()])


def paper_simulations(results: Results, activations: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the simulations of the paper's kernels whose centroid is sound, in its setting."""
    rows = results.simulations
    rows = rows[rows.centroid_sensitivity <= STEADY]
    rows = rows[(rows.kernel == PAPER_FAMILY) & results.free]
    return pd.DataFrame(rows[rows.activation.isin(activations)] if activations else rows)


def paired_simulations(
    results: Results, axis: str, values: tuple[object, object], activations: tuple[str, ...]
) -> pd.DataFrame:
    """Return pairs of simulations that differ in one axis only, as columns _first and _second."""
    rows = paper_simulations(results, activations)
    keys = [name for name in ("kernel", "activation", "size") if name != axis]
    keys += ["pattern", "angle", "beta"]
    first, second = (rows[rows[axis] == value] for value in values)
    measures = ["width_along", "asymptotic_low", "asymptotic_high"]
    measures += map(end_column, horizons(results.metrics))
    return first.merge(second[[*keys, *measures]], on=keys, suffixes=("_first", "_second"))


def converged(rows: pd.DataFrame) -> pd.Series:
    """Return which asymptotic speeds are known to a share of the light speed."""
    half: pd.Series = (rows.asymptotic_high - rows.asymptotic_low) / 2
    return half <= CONVERGED * rows.light_speed


def paper_fits(results: Results, activations: tuple[str, ...]) -> pd.DataFrame:
    """Return the fits to speeds of the paper's kernels, with activation and size."""
    planned = {
        name: (cell.activation, cell.size)
        for name, cell in results.cells.items()
        if cell.kernel == PAPER_FAMILY and cell.activation in activations and results.free
    }
    fits = results.regressions[results.regressions.cell.isin(planned)]
    axes = [planned[name] for name in fits.cell]
    return fits.assign(activation=[axis[0] for axis in axes], size=[axis[1] for axis in axes])
