"""The cases that claims are judged by: which rows of the tables, and how they are paired."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.choices import PAPER_ACTIVATIONS, PAPER_FAMILY
from mechcore.evidence import Evidence


def sound(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the simulations that a change in the last digit of their kernel does not move.

    Parameters
    ----------
    rows : DataFrame
        Simulations or controls.

    Returns
    -------
    DataFrame
        Those that are not ill-conditioned.
    """
    return pd.DataFrame(rows[~rows.ill_conditioned.astype(bool)])


def alive(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the simulations whose drift is known to the end: of what died nothing could move.

    Parameters
    ----------
    rows : DataFrame
        Simulations or controls.

    Returns
    -------
    DataFrame
        Those with a drift, and without a layer at which they died.
    """
    return pd.DataFrame(rows[np.isfinite(rows.drift) & rows.extinct_at.isna()])


def simulations_of_paper(evidence: Evidence, activations: tuple[str, ...] = ()) -> pd.DataFrame:
    """Return the simulations of the paper's kernels that rounding does not decide.

    Parameters
    ----------
    evidence : Evidence
        The results.
    activations : tuple of str, optional
        Only these; all by default.

    Returns
    -------
    DataFrame
        Rows of `Evidence.simulations`; none where the paper's setting, free space and the mass |x|,
        is not that of the experiment.
    """
    rows = sound(evidence.simulations)
    rows = rows[(rows.kernel == PAPER_FAMILY) & evidence.free]
    return pd.DataFrame(rows[rows.activation.isin(activations)] if activations else rows)


def paired_simulations(
    evidence: Evidence, axis: str, values: tuple[object, object], activations: tuple[str, ...]
) -> pd.DataFrame:
    """Return simulations that differ in one axis only.

    Parameters
    ----------
    evidence : Evidence
        The results.
    axis : str
        ``activation`` or ``size``.
    values : tuple
        The two values of that axis.
    activations : tuple of str
        Only these.

    Returns
    -------
    DataFrame
        The first of each pair, with the figures of both as ``_first`` and ``_second``.
    """
    rows = simulations_of_paper(evidence, activations)
    keys = [name for name in ("kernel", "activation", "size") if name != axis]
    keys += ["pattern", "angle", "beta"]
    first, second = (rows[rows[axis] == value] for value in values)
    figures = ["speed", "width_along", "contraction_along"]
    both = first.merge(second[[*keys, *figures]], on=keys, suffixes=("_first", "_second"))
    return both.dropna(subset=["speed_first", "speed_second"])


def lines_of_paper(evidence: Evidence) -> pd.DataFrame:
    """Return the straight lines of the paper's kernels.

    Parameters
    ----------
    evidence : Evidence
        The results.

    Returns
    -------
    DataFrame
        Rows of the regressions, with ``share``, the worst miss in units of the light speed.
    """
    rows = _fits_of_paper(evidence, evidence.regressions)
    light = evidence.models.drop_duplicates("cell").set_index("cell").light_cone
    shares = rows.worst_residual / rows.cell.map(light).astype(float)
    return rows.assign(share=shares).dropna(subset=["share"])


def models_of_paper(evidence: Evidence) -> pd.DataFrame:
    """Return the same lines on the betas that all three predictors know, to be compared.

    Parameters
    ----------
    evidence : Evidence
        The results.

    Returns
    -------
    DataFrame
        Rows of the models.
    """
    rows = _fits_of_paper(evidence, evidence.models)
    return pd.DataFrame(rows[rows.model.str.startswith("linear in")])


def layers_of_banks(evidence: Evidence, *, trained: bool) -> pd.DataFrame:
    """Return the layers of all networks.

    Parameters
    ----------
    evidence : Evidence
        The results.
    trained : bool
        Whether to return those of trained weights, or of weights before training.

    Returns
    -------
    DataFrame
        Rows of `Evidence.bank_layers`.
    """
    rows = evidence.bank_layers
    return pd.DataFrame(rows[rows.trained == trained])


def finite_number(value: object) -> float | None:
    """Return a number as JSON knows it: there is no NaN and no infinity.

    Parameters
    ----------
    value : object
        A number, or None.

    Returns
    -------
    float or None
        None for what is not finite.

    Examples
    --------
    >>> finite_number(np.float64(0.5)), finite_number(np.nan)
    (0.5, None)
    """
    number = np.nan if value is None else float(value)  # type: ignore[arg-type]
    return float(number) if np.isfinite(number) else None


def _fits_of_paper(evidence: Evidence, fits: pd.DataFrame) -> pd.DataFrame:
    cells = {
        name: cell
        for name, cell in evidence.cells.items()
        if cell.kernel == PAPER_FAMILY and cell.activation in PAPER_ACTIVATIONS and evidence.free
    }
    rows = fits[fits.cell.isin(cells)]
    places = [cells[name] for name in rows.cell]
    return rows.assign(
        kernel=PAPER_FAMILY,
        activation=[cell.activation for cell in places],
        size=[cell.size for cell in places],
    )
