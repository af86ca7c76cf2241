"""Regressions cell by cell: speed on three measures of the odd share, and the paper's law."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mechcore.analysis.beta_ranges import UP_TO_BETA_STAR, Sample, known_rows, samples
from mechcore.analysis.combinations import axes_of, within_combinations
from mechcore.analysis.lines import FEWEST_POINTS, fit_lines
from mechcore.analysis.measures import END_SPEED, end_column, end_columns
from mechcore.io.arrays import Array
from mechcore.model.kernels import FAMILIES

PREDICTORS = ("odd_energy_ratio", "beta", "celerity")
"""What speed is fitted against."""

SPEED, EXACT_PREDICTOR = "speed", "squared_celerity"

LAW_PREDICTORS = ("odd_energy_ratio", "asymmetric_share")
"""What the paper calls beta^2: of families that are split by parity, and of the others."""

LINE = ("slope", "intercept", "r2", "worst_residual", "cross_validated_error")

COLUMNS = (
    *("cell", "pattern", "response", "predictor", "domain", *LINE),
    *("law", "law_miss", "law_miss_at", "n", "beta_min", "beta_max"),
)
"""Columns of ``regressions.csv``."""

CELERITY_LIMIT = 1e3
"""A kernel whose even part is a thousandth of its odd part is odd: its celerity is left out."""

SPEED_ROUNDING = 1e-12
"""Speeds are known to this share of (k - 1)/2 at best: where theory is exact they miss it by up to
7e-16 of it, and a simulation that the last digit of its kernel moves by 1e-12 still passes for
well conditioned. Speeds that differ by less have no R^2."""

FOLDS = 5
"""Blocks of neighbouring betas that are held out in turn. A single held-out beta would be
interpolated by its neighbours, and say nothing about the curvature."""

FEWEST_TO_VALIDATE = 2 * FOLDS
"""Two betas a block: with one, blocks would be single betas."""


@within_combinations
def regress(metrics: pd.DataFrame, kernels: pd.DataFrame) -> pd.DataFrame:
    """Fit straight lines over the betas of a cell and pattern, domain by domain.

    Parameters
    ----------
    metrics, kernels : pandas.DataFrame
        Tables of `mechcore.analysis.collect.Measurements`.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, and settings in which cells of the grid differ; one row for each cell,
        pattern, response, predictor and domain of `mechcore.analysis.beta_ranges.DOMAINS`.
        Responses are

        speed : px/layer
            On each of `PREDICTORS`, with an intercept.
        squared_end_speed_T, squared_asymptotic_speed
            (v/c)^2 of the mean speed over T layers and of the asymptotic speed, on rho (for
            families that are not split by parity, on the asymmetric share of the energy) and, up to
            beta*, on the squared celerity rho/(1 - rho), through the origin. ``law`` is the slope
            by the paper (1) or by the exact theory (g = (s_1/c)^2 on the squared
            celerity, with s_1 the speed at equal energy of both parities), ``law_miss`` the largest
            distance of a point from that line, ``law_miss_at`` its abscissa.

        ``worst_residual`` is the largest distance of a point from the fitted line,
        ``cross_validated_error`` the root mean square error with which `FOLDS` blocks of
        neighbouring betas are predicted from the others. ``beta_min`` and ``beta_max`` bound what
        was fitted: simulations without a speed, and for the celerity odd kernels, are left out.
        With fewer than three points the figures are NaN.

    Notes
    -----
    Speeds are means over the angles: directions of one kernel are no independent observations. An
    even part that favours a diagonal, as of ``highpass`` and ``random`` kernels, may move states
    along the momentum at one angle and against it at another; their mean then hides the motion.

    A simulation has no noise: what a line leaves over is curvature. So there are no standard errors
    and no intervals here; `mechcore.analysis.pooled` has those from cell to cell.
    """
    points = squared_speeds(mean_speeds(metrics), kernels)
    families = points.drop_duplicates("cell").set_index("cell").kernel
    rows = [row for sample in samples(points) for row in _rows(sample, families[sample.cell])]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def mean_speeds(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the points of all fits: speeds averaged over the angles.

    One row for each cell, pattern and beta, by rising beta: cell, kernel, activation, size,
    pattern, beta, odd_energy_ratio, mixing_ratio, celerity = beta / sqrt(1 - beta^2) (NaN for odd
    kernels), speed, asymptotic_speed with its interval, and mean speeds to the horizons (px/layer,
    means over the angles at which they are known, else NaN), and beta_star, the smallest over the
    angles, NaN if an angle has none.
    """
    with np.errstate(divide="ignore"):
        celerity = metrics.beta / np.sqrt((1 - metrics.odd_energy_ratio).clip(lower=0))
    speeds = [SPEED, *(end_column(layers) for layers in horizons(metrics))]
    speeds += ["asymptotic_low", "asymptotic_high"]
    known = metrics.assign(
        celerity=celerity.where(celerity < CELERITY_LIMIT),
        **metrics[speeds].where(np.isfinite(metrics[speeds])),
    )
    keys = ["cell", "kernel", "activation", "size", *axes_of(metrics), "pattern"]
    keys += ["beta", "mixing_ratio"]
    groups = known.groupby(keys, sort=False)
    means = groups[["odd_energy_ratio", "celerity", *speeds]].mean()
    smallest = groups.beta_star.min(skipna=False)
    points = means.assign(beta_star=smallest).reset_index()
    return points.sort_values("beta", kind="stable", ignore_index=True)


def horizons(metrics: Iterable[object]) -> list[float]:
    """Return the numbers of layers over which mean speeds are known; infinity is the last."""
    layers = (int(name.removeprefix(END_SPEED)) for name in end_columns(metrics))
    return [*layers, math.inf]


def squared(layers: float) -> str:
    """Return the response of a horizon.

    >>> squared(10), squared(math.inf)
    ('squared_end_speed_10', 'squared_asymptotic_speed')
    """
    return f"squared_{end_column(layers)}"


def squared_speeds(points: pd.DataFrame, kernels: pd.DataFrame) -> pd.DataFrame:
    """Add (v/c)^2 of all horizons to mean speeds, and what it is fitted to, with g."""
    sizes = _laws(kernels)
    known = points.join(sizes, on=["kernel", "size"])
    ratios = {
        squared(layers): (known[end_column(layers)] / known.light_speed) ** 2
        for layers in horizons(points)
    }
    return known.assign(
        **ratios,
        asymmetric_share=known.mixing_ratio**2,
        **{EXACT_PREDICTOR: known.celerity**2},
    )


def law_predictor(family: str) -> str:
    """Return what the law of the paper is about, see `LAW_PREDICTORS`."""
    return LAW_PREDICTORS[0 if FAMILIES[family].by_parity else 1]


def law_fits(fits: pd.DataFrame) -> pd.DataFrame:
    """Return the fits that test the law of the paper."""
    return pd.DataFrame(fits[fits.predictor.isin(LAW_PREDICTORS) & (fits.response != SPEED)])


def fit_line(
    x: Array, y: Array, *, through_origin: bool = False, rounding: float = 0.0
) -> dict[str, float]:
    """Fit a line by least squares: `LINE`.

    All are NaN with fewer than three points or points at one place; R2, about the mean of y, is NaN
    where values of ``y`` differ by no more than ``rounding``.

    Examples
    --------
    >>> fit_line(np.arange(3.0), np.array([0.0, 1.0, 2.0]), through_origin=True)["slope"]
    1.0
    """
    if len(x) < FEWEST_POINTS or np.ptp(x) == 0:
        return dict.fromkeys(LINE, np.nan)
    # One line through all points, and one without each block.
    held_out = np.vstack([np.zeros(len(x), dtype=bool), _blocks(len(x))])
    lines = fit_lines(x, np.where(held_out, np.nan, y), through_origin=through_origin)
    errors = y - (lines.intercept[:, np.newaxis] + lines.slope[:, np.newaxis] * x)
    residuals, unseen = errors[0], errors[held_out]
    spread = np.sum((y - y.mean()) ** 2)
    return {
        "slope": float(lines.slope[0]),
        "intercept": float(lines.intercept[0]),
        "r2": float(1 - np.sum(residuals**2) / spread) if np.ptp(y) > rounding else np.nan,
        "worst_residual": float(np.abs(residuals).max()),
        "cross_validated_error": float(np.sqrt(np.mean(unseen**2))) if len(unseen) else np.nan,
    }


def speed_rounding(size: object) -> Array:
    """Return the rounding error of speeds at kernel sizes k, px/layer."""
    return SPEED_ROUNDING * (np.asarray(size, dtype=np.float64) - 1) / 2


def _laws(kernels: pd.DataFrame) -> pd.DataFrame:
    """The light speed (px/layer) and g, by kernel and size; means over the angles, as speeds are.

    M1/M0 is a multiple of the celerity where parts are even and odd; g is NaN for other families,
    and where taps of the even part add up to zero.
    """
    mixed = kernels[(kernels.beta > 0) & (kernels.beta < 1)]
    by_parity = mixed.kernel.map(lambda name: FAMILIES[name].by_parity).astype(bool)
    at_equal_energy = (mixed.speed_linear / mixed.celerity).where(by_parity)
    keys = [kernels.kernel, kernels["size"]]
    cone = kernels.groupby(keys).light_speed.mean()
    speed = at_equal_energy.where(np.isfinite(at_equal_energy)).groupby(keys).mean()
    return pd.DataFrame({"light_speed": cone, "g": (speed / cone) ** 2})


def _rows(sample: Sample, family: str) -> Iterator[dict[str, object]]:
    points = sample.points
    for predictor in PREDICTORS:
        yield _row(sample, SPEED, predictor)
    exact = float(points["g"][0]) if len(points["g"]) else np.nan
    for layers in horizons(points):
        yield _row(sample, squared(layers), law_predictor(family), law=1.0)
        if sample.domain == UP_TO_BETA_STAR:
            yield _row(sample, squared(layers), EXACT_PREDICTOR, law=exact)


def _row(sample: Sample, response: str, predictor: str, law: float = math.nan) -> dict[str, object]:
    x, y, beta, size = known_rows(sample, predictor, response, "beta", "size")
    of_speed = response == SPEED
    rounding = float(speed_rounding(size.max(initial=1))) if of_speed else SPEED_ROUNDING
    return {
        "cell": sample.cell,
        "pattern": sample.pattern,
        "domain": sample.domain,
        "response": response,
        "predictor": predictor,
        **fit_line(x, y, through_origin=not of_speed, rounding=rounding),
        **_misses(x, np.abs(y - law * x)),
        "law": law,
        "n": len(beta),
        "beta_min": beta[0] if len(beta) else np.nan,
        "beta_max": beta[-1] if len(beta) else np.nan,
    }


def _misses(x: Array, distance: Array) -> dict[str, float]:
    if not np.isfinite(distance).any():
        return {"law_miss": np.nan, "law_miss_at": np.nan}
    worst = int(np.nanargmax(distance))
    return {"law_miss": float(distance[worst]), "law_miss_at": float(x[worst])}


def _blocks(count: int) -> NDArray[np.bool_]:
    """Which of so many points are in each block, (`FOLDS`, n); no blocks of too few points."""
    if count < FEWEST_TO_VALIDATE:
        return np.empty((0, count), dtype=bool)
    sizes = [len(block) for block in np.array_split(np.arange(count), FOLDS)]
    numbers: NDArray[np.intp] = np.repeat(np.arange(FOLDS), sizes)
    return np.asarray(numbers == np.arange(FOLDS)[:, np.newaxis])
