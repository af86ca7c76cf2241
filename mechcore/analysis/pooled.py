"""Speeds of many cells together, in units of each cell's diffusion speed, clustered by cell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import scipy

from mechcore.analysis.beta_ranges import Sample, known_rows, samples
from mechcore.analysis.combinations import within_combinations
from mechcore.analysis.intervals import CONFIDENCE
from mechcore.analysis.lines import FEWEST_POINTS
from mechcore.analysis.mechanics import characteristic_speeds
from mechcore.analysis.regressions import PREDICTORS, fit_line, mean_speeds, speed_rounding
from mechcore.analysis.tables import ALL_FAMILIES
from mechcore.io.arrays import Array

THEIL_SEN = ("theil_sen", "theil_sen_low", "theil_sen_high")
"""The median over cells of the median slope between pairs of points, and its interval."""

POOLED_COLUMNS = (
    *("pool", "kernel", "activation", "pattern", "predictor", "domain"),
    *("slope", "slope_se", "ci_low", "ci_high", *THEIL_SEN),
    *("intercept", "r2", "n", "clusters", "cells_without_s"),
)
"""Columns of ``pooled.csv``."""


IDENTITY = ("angle", "beta", "energy", "rest_mass", "smallest_tap", "momentum_x", "momentum_y")

FEWEST_CLUSTERS = 3
"""Two cells leave one degree of freedom: an interval of 13 standard errors says nothing."""


@within_combinations
def pool(metrics: pd.DataFrame, kernels: pd.DataFrame) -> pd.DataFrame:
    """Fit lines to the speeds of many cells, in units of the diffusion speed s of each.

    Returns
    -------
    pandas.DataFrame
        Columns `POOLED_COLUMNS`, and settings in which cells of the grid differ; one row for each
        pool, combination of such settings, pattern, predictor and domain. A pool is an activation
        and a family over all sizes (``dct-relu``), or an activation over all families and sizes
        (``relu``), in which kernels that several families share count once. Cells without an s, as
        of ``highpass`` kernels, are left out; their number is ``cells_without_s``. Points and cells
        that were used are ``n`` and ``clusters``.

    Notes
    -----
    The betas of a cell are no independent draws: their residuals are the curvature and the level of
    that cell. So cells are the units that count. The errors of the least-squares slope are the
    sandwich of Liang and Zeger (1986) with the usual correction for few clusters, and Student's t
    with one degree of freedom less than cells. Cells differ in size and family and are no random
    sample either: the interval says how well the line holds from cell to cell of the grid.

    ``theil_sen`` is the median over cells of each cell's own Theil-Sen slope, with the interval of
    order statistics, which assumes nothing of the distribution. Pairs of points of different cells
    would mix how speed rises with how cells differ, and there are millions; a median of cells takes
    each as one draw.
    """
    points = _in_diffusion_speeds(mean_speeds(metrics), kernels)
    pooled = _by_pool(points, repeated_kernels(kernels))
    slopes = {
        (sample.cell, sample.pattern, sample.domain, predictor): _theil_sen(sample, predictor)
        for sample in samples(points)
        for predictor in PREDICTORS
    }
    rows = [
        _fit_pool(sample, predictor, slopes)
        for sample in samples(pooled)
        for predictor in PREDICTORS
    ]
    return pd.DataFrame(rows).join(_describe_pools(pooled), on="pool")[list(POOLED_COLUMNS)]


def fit_clustered(x: Array, y: Array, clusters: object, rounding: float = 0.0) -> dict[str, float]:
    """Fit a line by least squares to points that come in clusters.

    Standard error and interval are NaN with fewer than three clusters.
    """
    line = fit_line(x, y, rounding=rounding)
    codes, names = pd.factorize(np.asarray(clusters))
    slope, slope_se = line["slope"], np.nan
    if len(names) >= FEWEST_CLUSTERS and np.isfinite(slope):
        deviation = x - x.mean()
        residuals = y - (line["intercept"] + slope * x)
        scores = np.bincount(codes, deviation * residuals)
        # The usual correction for few clusters.
        correction = len(names) / (len(names) - 1) * (len(x) - 1) / (len(x) - 2)
        slope_se = float(np.sqrt(correction * (scores @ scores)) / (deviation @ deviation))
    half = slope_se * float(scipy.special.stdtrit(max(len(names) - 1, 1), (1 + CONFIDENCE) / 2))
    return {
        "slope": slope,
        "slope_se": slope_se,
        "ci_low": slope - half,
        "ci_high": slope + half,
        "intercept": line["intercept"],
        "r2": line["r2"],
    }


def median_interval(values: Array) -> tuple[float, float]:
    """Return the interval of 95% of a median by order statistics; NaN for fewer than six values."""
    below = scipy.special.bdtr(np.arange(len(values)), len(values), 0.5)
    cut = int(np.count_nonzero(below <= (1 - CONFIDENCE) / 2))
    ordered = np.sort(values)
    return (float(ordered[cut - 1]), float(ordered[-cut])) if cut else (np.nan, np.nan)


def repeated_kernels(kernels: pd.DataFrame) -> set[tuple[str, int]]:
    """Return families and sizes whose kernels are those of an earlier family.

    As gaussian kernels of size 2, which are DCT kernels: their cells are no further results.
    """
    seen: set[tuple[object, ...]] = set()
    repeated = set()
    for _, rows in kernels.groupby(["kernel", "size"], sort=False):
        family, size = str(rows.kernel.iloc[0]), int(rows["size"].iloc[0])
        # Nine digits: families reach the same taps by other formulas, with other rounding.
        values = (size, *rows[list(IDENTITY)].round(9).to_numpy().ravel())
        if values in seen:
            repeated.add((family, size))
        seen.add(values)
    return repeated


def _in_diffusion_speeds(points: pd.DataFrame, kernels: pd.DataFrame) -> pd.DataFrame:
    keys = pd.MultiIndex.from_frame(points[["kernel", "size"]])
    unit = characteristic_speeds(kernels).diffusion_speed.reindex(keys).to_numpy(float)
    unit = np.where(unit > 0, unit, np.nan)
    rounding = speed_rounding(points["size"]) / unit
    return points.assign(speed=points.speed / unit, rounding=rounding)


def _theil_sen(sample: Sample, predictor: str) -> float:
    """The median of the slopes between all pairs of points of a cell."""
    x, y = (column.astype(float) for column in known_rows(sample, predictor, "speed"))
    if len(x) < FEWEST_POINTS or np.ptp(x) == 0:
        return np.nan
    run, rise = np.subtract.outer(x, x), np.subtract.outer(y, y)
    return float(np.median(rise[run > 0] / run[run > 0]))


def _by_pool(points: pd.DataFrame, repeated: set[tuple[str, int]]) -> pd.DataFrame:
    """Return the points of each pool, with its name as the cell and the cell as the member."""
    members = points.assign(member=points.cell)
    families = members.assign(cell=members.kernel + "-" + members.activation)
    known = [key in repeated for key in zip(members.kernel, members["size"], strict=True)]
    others = members[~np.array(known, dtype=bool)]
    activations = others.assign(cell=others.activation, kernel=ALL_FAMILIES)
    return pd.concat([families, activations], ignore_index=True)


def _fit_pool(
    sample: Sample, predictor: str, slopes: Mapping[tuple[str, str, str, str], float]
) -> dict[str, object]:
    x, y, rounding, member = known_rows(sample, predictor, "speed", "rounding", "member")
    members = pd.unique(member)
    of_cells = [slopes[cell, sample.pattern, sample.domain, predictor] for cell in members]
    own = np.array([slope for slope in of_cells if np.isfinite(slope)])
    median = float(np.median(own)) if len(own) else np.nan
    return {
        "pool": sample.cell,
        "pattern": sample.pattern,
        "predictor": predictor,
        "domain": sample.domain,
        **fit_clustered(x, y, member, rounding.max(initial=0.0)),
        **dict(zip(THEIL_SEN, (median, *median_interval(own)), strict=True)),
        "n": len(x),
        "clusters": len(members),
    }


def _describe_pools(points: pd.DataFrame) -> pd.DataFrame:
    """Return family and activation of each pool, and how many cells have no diffusion speed."""
    cells = points.drop_duplicates(["cell", "member"])
    counted = cells.assign(cells_without_s=cells["rounding"].isna())
    pools = counted.groupby("cell")
    return pools.agg({"kernel": "first", "activation": "first", "cells_without_s": "sum"})
