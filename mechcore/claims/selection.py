"""Which rows of the tables each claim is judged by, and how simulations are paired."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.experiment.representative import PAPER_ACTIVATIONS, PAPER_FAMILY
from mechcore.results.results import Results


def well_conditioned(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the simulations that a change in the last digit of their kernel does not move."""
    return pd.DataFrame(rows[~rows.ill_conditioned.astype(bool)])


def surviving(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the simulations that lived to the last layer: a state that died could not move."""
    return pd.DataFrame(rows[np.isfinite(rows.drift) & rows.extinct_at.isna()])


def paper_simulations(results: Results, activations: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the well-conditioned simulations of the paper's kernels, in the paper's setting."""
    rows = well_conditioned(results.simulations)
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
    measures = ["speed", "width_along", "contraction_along"]
    pairs = first.merge(second[[*keys, *measures]], on=keys, suffixes=("_first", "_second"))
    return pairs.dropna(subset=["speed_first", "speed_second"])


def paper_lines(results: Results) -> pd.DataFrame:
    """Return the lines through the paper's speeds; ``share`` is the worst miss over c."""
    rows = _paper_fits(results, results.regressions)
    light_speed = results.models.drop_duplicates("cell").set_index("cell").light_cone
    shares = rows.worst_residual / rows.cell.map(light_speed).astype(float)
    return rows.assign(share=shares).dropna(subset=["share"])


def paper_line_models(results: Results) -> pd.DataFrame:
    """Return the same lines fitted where all three predictors are finite, to be compared."""
    rows = _paper_fits(results, results.models)
    return pd.DataFrame(rows[rows.model.str.startswith("linear in")])


def bank_layers(results: Results, *, trained: bool) -> pd.DataFrame:
    """Return the layers of all trained networks, or of the same networks before training."""
    rows = results.bank_layers
    return pd.DataFrame(rows[rows.trained == trained])


def _paper_fits(results: Results, fits: pd.DataFrame) -> pd.DataFrame:
    names = [
        name
        for name, cell in results.cells.items()
        if cell.kernel == PAPER_FAMILY and cell.activation in PAPER_ACTIVATIONS and results.free
    ]
    return pd.DataFrame(fits[fits.cell.isin(names)])
