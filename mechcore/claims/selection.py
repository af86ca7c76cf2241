"""The cases that claims are judged by: which rows of the tables, and how they are paired."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.experiment.representative import PAPER_ACTIVATIONS, PAPER_FAMILY
from mechcore.results.results import Results


def sound(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the simulations that a change in the last digit of their kernel does not move."""
    return pd.DataFrame(rows[~rows.ill_conditioned.astype(bool)])


def alive(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the simulations whose drift is known to the end: of what died nothing could move."""
    return pd.DataFrame(rows[np.isfinite(rows.drift) & rows.extinct_at.isna()])


def simulations_of_paper(results: Results, activations: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the simulations of the paper's kernels that rounding does not decide."""
    rows = sound(results.simulations)
    rows = rows[(rows.kernel == PAPER_FAMILY) & results.free]
    return pd.DataFrame(rows[rows.activation.isin(activations)] if activations else rows)


def paired_simulations(
    results: Results, axis: str, values: tuple[object, object], activations: tuple[str, ...]
) -> pd.DataFrame:
    """Return simulations that differ in one axis only."""
    rows = simulations_of_paper(results, activations)
    keys = [name for name in ("kernel", "activation", "size") if name != axis]
    keys += ["pattern", "angle", "beta"]
    first, second = (rows[rows[axis] == value] for value in values)
    figures = ["speed", "width_along", "contraction_along"]
    both = first.merge(second[[*keys, *figures]], on=keys, suffixes=("_first", "_second"))
    return both.dropna(subset=["speed_first", "speed_second"])


def lines_of_paper(results: Results) -> pd.DataFrame:
    """Return the straight lines of the paper's kernels."""
    rows = _fits_of_paper(results, results.regressions)
    light = results.models.drop_duplicates("cell").set_index("cell").light_cone
    shares = rows.worst_residual / rows.cell.map(light).astype(float)
    return rows.assign(share=shares).dropna(subset=["share"])


def models_of_paper(results: Results) -> pd.DataFrame:
    """Return the same lines on the betas that all three predictors know, to be compared."""
    rows = _fits_of_paper(results, results.models)
    return pd.DataFrame(rows[rows.model.str.startswith("linear in")])


def layers_of_banks(results: Results, *, trained: bool) -> pd.DataFrame:
    """Return the layers of all networks."""
    rows = results.bank_layers
    return pd.DataFrame(rows[rows.trained == trained])


def finite_number(value: object) -> float | None:
    """Return a number as JSON knows it: there is no NaN and no infinity.

    Examples
    --------
    >>> finite_number(np.float64(0.5)), finite_number(np.nan)
    (0.5, None)
    """
    number = np.nan if value is None else float(value)  # type: ignore[arg-type]
    return float(number) if np.isfinite(number) else None


def _fits_of_paper(results: Results, fits: pd.DataFrame) -> pd.DataFrame:
    cells = {
        name: cell
        for name, cell in results.cells.items()
        if cell.kernel == PAPER_FAMILY and cell.activation in PAPER_ACTIVATIONS and results.free
    }
    rows = fits[fits.cell.isin(cells)]
    places = [cells[name] for name in rows.cell]
    return rows.assign(
        kernel=PAPER_FAMILY,
        activation=[cell.activation for cell in places],
        size=[cell.size for cell in places],
    )
