"""Regressions of speed on the odd energy ratio, beta and celerity, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import NDArray

from mechcore.fits import FEWEST_POINTS
from mechcore.naming import cell_name

PREDICTORS = ("odd_energy_ratio", "beta", "celerity")
"""What speed is regressed on."""

COLUMNS = (
    "cell",
    "pattern",
    "predictor",
    "slope",
    "slope_se",
    "ci_low",
    "ci_high",
    "intercept",
    "r2",
    "aic",
    "n",
    "domain",
)
"""Columns of ``regressions.csv``."""

CONFIDENCE = 0.95

CELERITY_LIMIT = 1e3
"""A kernel whose even part is a thousandth of its odd part is odd: its celerity is left out."""


def regress(metrics: pd.DataFrame, boundary: str = "free") -> pd.DataFrame:
    """Fit speed by ordinary least squares over the betas of a cell and pattern.

    Speeds are means over the angles: directions of one kernel are no independent observations.

    Parameters
    ----------
    metrics : pandas.DataFrame
        The table of metrics.
    boundary : str, optional
        Boundary of the experiment, a part of the names of its cells.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, one row for each cell, pattern and predictor. ``domain`` is the range of
        beta that was fitted: simulations without a speed, and for the celerity odd kernels, are
        left out. The interval is of 95%; AIC is NaN for a perfect fit.
    """
    rows = list(_rows(metrics.assign(cell=cell_names(metrics, boundary))))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def cell_names(metrics: pd.DataFrame, boundary: str = "free") -> pd.Series:
    """Return the name of the cell of each row, as ``dct-relu-k3``.

    Parameters
    ----------
    metrics : pandas.DataFrame
        The table of metrics.
    boundary : str, optional
        Boundary of the experiment.

    Returns
    -------
    pandas.Series
        What `mechcore.grid.cell_name` makes of kernel, activation, size and boundary.
    """
    columns = zip(metrics.kernel, metrics.activation, metrics["size"], strict=True)
    return pd.Series([cell_name(*row, boundary) for row in columns], metrics.index, dtype=str)


def with_celerity(metrics: pd.DataFrame) -> pd.DataFrame:
    """Add the column ``celerity`` = beta / sqrt(1 - beta^2), NaN for odd kernels.

    Parameters
    ----------
    metrics : pandas.DataFrame
        The table of metrics.

    Returns
    -------
    pandas.DataFrame
        A copy with one column more.
    """
    with np.errstate(divide="ignore"):
        celerity = metrics.beta / np.sqrt(1 - metrics.odd_energy_ratio)
    return metrics.assign(celerity=celerity.where(celerity < CELERITY_LIMIT))


def mean_over_angles(metrics: pd.DataFrame, predictor: str) -> pd.DataFrame:
    """Return what a line is fitted to: one point for each beta.

    Parameters
    ----------
    metrics : pandas.DataFrame
        Rows of one cell and pattern.
    predictor : str
        One of `PREDICTORS`.

    Returns
    -------
    pandas.DataFrame
        Columns beta, speed and the predictor, means over the angles whose speed is known.
    """
    known = with_celerity(metrics)
    known = known[np.isfinite(known.speed) & np.isfinite(known[predictor])]
    columns = list(dict.fromkeys(["beta", "speed", predictor]))
    means: pd.DataFrame = known[columns].groupby(known.beta.to_numpy()).mean()
    return means.reset_index(drop=True)


def _rows(metrics: pd.DataFrame) -> Iterator[dict[str, object]]:
    for (cell, pattern), group in metrics.groupby(["cell", "pattern"], sort=False):
        for predictor in PREDICTORS:
            used = mean_over_angles(group, predictor)
            fit = _fit(used[predictor].to_numpy(float), used.speed.to_numpy(float))
            domain = f"{used.beta.min():g} <= beta <= {used.beta.max():g}" if len(used) else "none"
            yield {
                "cell": cell,
                "pattern": pattern,
                "predictor": predictor,
                **fit,
                "domain": domain,
            }


def _fit(x: NDArray[np.float64], y: NDArray[np.float64]) -> dict[str, float]:
    if len(x) < FEWEST_POINTS or np.ptp(x) == 0:
        empty = dict.fromkeys(COLUMNS[3:-2], np.nan)
        return empty | {"n": len(x)}
    fit = sm.OLS(y, sm.add_constant(x)).fit()
    low, high = fit.conf_int(1 - CONFIDENCE)[1]
    # The residuals of a perfect fit are rounding; their logarithm would be noise.
    perfect = fit.ssr <= 1e-28 * max(float(np.sum(y**2)), 1.0)
    return {
        "slope": fit.params[1],
        "slope_se": fit.bse[1],
        "ci_low": low,
        "ci_high": high,
        "intercept": fit.params[0],
        "r2": fit.rsquared if np.ptp(y) > 0 else np.nan,
        "aic": np.nan if perfect else fit.aic,
        "n": len(x),
    }
