"""Regressions of speed on the odd energy ratio, beta and celerity, cell by cell."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.analysis.beta_ranges import samples
from mechcore.analysis.lines import FEWEST_POINTS
from mechcore.io.arrays import Array

PREDICTORS = ("odd_energy_ratio", "beta", "celerity")
LEAST_SQUARES = ("slope", "slope_se", "ci_low", "ci_high", "intercept", "r2", "aic")

THEIL_SEN = ("theil_sen", "theil_sen_low", "theil_sen_high")
"""The median of the slopes between all pairs of points, and its interval."""

COLUMNS = (
    *("cell", "pattern", "predictor", *LEAST_SQUARES, "n", "domain"),
    *(*THEIL_SEN, "worst_residual", "beta_min", "beta_max"),
)
"""Columns of ``regressions.csv``."""

CONFIDENCE = 0.95

CELERITY_LIMIT = 1e3
"""A kernel whose even part is a thousandth of its odd part is odd: its celerity is left out."""

SPEED_ROUNDING = 1e-12
"""Speeds are known to this share of (k - 1)/2 at best: where theory is exact they miss it by up to
7e-16 of it, and a simulation that the last digit of its kernel moves by 1e-12 still passes for
well conditioned. Smaller residuals are rounding: their logarithm would be noise."""

FEWEST_FOR_RANKS = 5
"""Among n points without a trend all pairs rise with probability 1/n!, so even the widest interval
of ranks, from the smallest pair slope to the largest, covers 1 - 2/n!: 92% for four points."""


def regress(metrics: pd.DataFrame) -> pd.DataFrame:
    """Fit straight lines to speed over the betas of a cell and pattern, domain by domain.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, one row for each cell, pattern, predictor and domain of
        `mechcore.analysis.beta_ranges.DOMAINS`. ``beta_min`` and ``beta_max`` bound what was
        fitted: simulations without a speed, and for the celerity odd kernels, are left out. With
        fewer than three points the figures are NaN.

    Notes
    -----
    Speeds are means over the angles: directions of one kernel are no independent observations. An
    even part that favours a diagonal, as of ``highpass`` and ``random`` kernels, may move states
    along the momentum at one angle and against it at another; their mean then hides the motion.

    The betas of a cell are no independent draws either: a simulation has no noise, and what a line
    leaves over is curvature, which neighbours share. Standard error, interval and AIC are those of
    independent draws; they rank predictors and scale the misfit, but a new beta falls where the
    curve is and not within the interval by chance. `mechcore.analysis.pooled` clusters by cell
    instead.
    """
    rows = [
        {
            "cell": sample.cell,
            "pattern": sample.pattern,
            "predictor": predictor,
            "domain": sample.domain,
            **_fit(sample.points, predictor),
        }
        for sample in samples(mean_speeds(metrics))
        for predictor in PREDICTORS
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def mean_speeds(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the points of all fits: speeds averaged over the angles.

    One row for each cell, pattern and beta, by rising beta: cell, kernel, activation, size,
    pattern, beta, odd_energy_ratio, celerity = beta / sqrt(1 - beta^2) (NaN for odd kernels), speed
    (px/layer, mean over the angles at which it is known, else NaN), and beta_star, the smallest
    over the angles, NaN if an angle has none.
    """
    with np.errstate(divide="ignore"):
        celerity = metrics.beta / np.sqrt((1 - metrics.odd_energy_ratio).clip(lower=0))
    known = metrics.assign(
        celerity=celerity.where(celerity < CELERITY_LIMIT),
        speed=metrics.speed.where(np.isfinite(metrics.speed)),
    )
    keys = ["cell", "kernel", "activation", "size", "pattern", "beta"]
    groups = known.groupby(keys, sort=False)
    means = groups[["odd_energy_ratio", "celerity", "speed"]].mean()
    smallest = groups.beta_star.min(skipna=False)
    points = means.assign(beta_star=smallest).reset_index()
    return points.sort_values("beta", kind="stable", ignore_index=True)


def fit_line(x: Array, y: Array, rounding: float = 0.0) -> dict[str, float]:
    """Fit a line by ordinary least squares: `LEAST_SQUARES` and ``worst_residual``.

    The interval is that of 95% of independent draws. All are NaN with fewer than three points or
    points at one place; R2 is NaN where values of ``y`` differ by no more than ``rounding``.
    """
    if len(x) < FEWEST_POINTS or np.ptp(x) == 0:
        return dict.fromkeys((*LEAST_SQUARES, "worst_residual"), np.nan)
    # Imported here because figures and tracking read tables of fits and make none.
    import statsmodels.api as sm

    fit = sm.OLS(y, np.column_stack([np.ones_like(x), x])).fit()
    low, high = fit.conf_int(1 - CONFIDENCE)[1]
    return {
        "slope": float(fit.params[1]),
        "slope_se": float(fit.bse[1]),
        "ci_low": float(low),
        "ci_high": float(high),
        "intercept": float(fit.params[0]),
        "r2": float(fit.rsquared) if np.ptp(y) > rounding else np.nan,
        "aic": float(akaike(fit.ssr, len(x), rounding)),
        "worst_residual": float(np.abs(fit.resid).max()),
    }


def fit_theil_sen(x: Array, y: Array) -> dict[str, float]:
    """Fit a line by the median of the slopes between all pairs of points: `THEIL_SEN`.

    With the interval of 95% after Sen (1968); no interval below five points.

    Examples
    --------
    >>> fit_theil_sen(np.arange(5.0), np.array([0.0, 1.0, 2.0, 3.0, 90.0]))["theil_sen"]
    1.0
    """
    if len(x) < FEWEST_POINTS or np.ptp(x) == 0:
        return dict.fromkeys(THEIL_SEN, np.nan)
    from scipy.stats import theilslopes

    slope, _, low, high = theilslopes(y, x, CONFIDENCE)
    interval = (low, high) if len(x) >= FEWEST_FOR_RANKS else (np.nan, np.nan)
    return {name: float(value) for name, value in zip(THEIL_SEN, (slope, *interval), strict=True)}


def akaike(square_sum: object, n: object, rounding: object) -> Array:
    """Return Akaike's criterion of a model with two parameters and normal residuals.

    As statsmodels has it; smaller is better. Residuals count as at least as large as ``rounding``,
    as smaller ones say nothing: a model that is exact wins by a margin that is finite and that the
    digits of the data support.
    """
    count = np.asarray(n, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.maximum(np.asarray(square_sum) / count, np.asarray(rounding) ** 2)
        criterion: Array = count * (np.log(2 * np.pi * variance) + 1) + 4
    return criterion


def speed_rounding(size: object) -> Array:
    """Return the rounding error of speeds at kernel sizes k, px/layer."""
    return SPEED_ROUNDING * (np.asarray(size, dtype=np.float64) - 1) / 2


def _fit(points: pd.DataFrame, predictor: str) -> dict[str, object]:
    used = points[np.isfinite(points.speed) & np.isfinite(points[predictor])]
    x, y = used[predictor].to_numpy(float), used.speed.to_numpy(float)
    rounding = float(speed_rounding(used["size"].max()))
    return {
        **fit_line(x, y, rounding),
        **fit_theil_sen(x, y),
        "n": len(used),
        "beta_min": used.beta.min(),
        "beta_max": used.beta.max(),
    }
