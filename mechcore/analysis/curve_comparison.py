"""Which curve speed follows: a comparison on common samples, by AIC and by prediction."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.analysis.beta_ranges import samples
from mechcore.analysis.curves import MODELS, Fit, PaddedSamples, dot
from mechcore.analysis.lines import FEWEST_POINTS
from mechcore.analysis.mechanics import characteristic_speeds
from mechcore.analysis.regressions import PREDICTORS, akaike, mean_speeds, speed_rounding
from mechcore.analysis.tables import MODEL_COLUMNS
from mechcore.io.arrays import Array

FOLDS = 5
"""Blocks of neighbouring betas that are held out in turn. A single held-out beta would be
interpolated by its neighbours, and say nothing about the curvature."""

FEWEST_TO_VALIDATE = 10
"""Two betas a block: with one, blocks would be single betas."""


def compare_models(metrics: pd.DataFrame, kernels: pd.DataFrame) -> pd.DataFrame:
    """Fit all curves to the same speeds: those of betas whose celerity is finite.

    Returns
    -------
    pandas.DataFrame
        Columns `mechcore.analysis.tables.MODEL_COLUMNS`, one row for each cell, pattern, domain and
        model. ``cross_validated_error`` is the root mean square error, in px/layer, with which
        `FOLDS` blocks of neighbouring betas are predicted, each from a fit to the others; NaN below
        `FEWEST_TO_VALIDATE` points. Light cone and diffusion speed are means over the angles, as
        the speeds are.

    Notes
    -----
    The first and the last block are extrapolated. In celerity, which has no bound, the last one
    is far from the others: a curve may fit best by AIC and still predict it worse than a line in
    beta.

    Standard errors are those of independent draws, which the betas of a cell are not: see
    `mechcore.analysis.regressions.regress`. An error of the light speed larger than itself says
    that the speeds show no limit.
    """
    points = mean_speeds(metrics)
    labels, padded = _pad(points)
    tables = [labels.assign(model=name, **_judge(fit, padded)) for name, fit in MODELS.items()]
    table = pd.concat(tables).sort_index(kind="stable")
    delta = table.aic - table.aic.groupby(level=0).transform("min")
    sizes = points.drop_duplicates("cell").set_index("cell")[["kernel", "size"]]
    table = table.assign(delta_aic=delta).reset_index(drop=True).join(sizes, on="cell")
    return table.join(characteristic_speeds(kernels), on=["kernel", "size"])[list(MODEL_COLUMNS)]


def _pad(points: pd.DataFrame) -> tuple[pd.DataFrame, PaddedSamples]:
    """Write the common sample of each cell, pattern and domain into a row."""
    common = np.isfinite(points.speed) & np.isfinite(points.celerity)
    drawn = [(sample, sample.points[common[sample.points.index]]) for sample in samples(points)]
    labels = pd.DataFrame(
        [(sample.cell, sample.pattern, sample.domain, len(rows)) for sample, rows in drawn],
        columns=["cell", "pattern", "domain", "n"],
    )
    counts = labels.n.to_numpy(int)
    known = np.arange(max([1, *counts])) < counts[:, np.newaxis]

    def column(name: str) -> Array:
        values = np.zeros(known.shape)
        values[known] = np.concatenate([rows[name] for _, rows in drawn])
        return values

    predictors = {name: column(name) for name in PREDICTORS}
    rounding = speed_rounding([sample.points["size"].max() for sample, _ in drawn])
    return labels, PaddedSamples(predictors, column("speed"), known, rounding)


def _judge(fit: Fit, padded: PaddedSamples) -> dict[str, Array]:
    curves, n = fit(padded, padded.known), padded.known.sum(axis=1)
    residual = np.where(padded.known, padded.speed - curves.fitted, 0.0)
    square_sum = np.where(n >= FEWEST_POINTS, np.sum(residual**2, axis=1), np.nan)
    return {
        "level": curves.level,
        "level_se": curves.level_se,
        "light_speed": curves.light_speed,
        "light_speed_se": curves.light_speed_se,
        "r2": 1 - square_sum / _variation(padded),
        "aic": akaike(square_sum, n, padded.rounding),
        "cross_validated_error": _cross_validated_error(fit, padded),
        "worst_residual": np.where(n >= FEWEST_POINTS, np.abs(residual).max(axis=1), np.nan),
    }


def _variation(padded: PaddedSamples) -> Array:
    """Return the sum of squares about the mean; NaN where speeds differ by rounding alone."""
    n = np.maximum(padded.known.sum(axis=1), 1)
    deviation = padded.speed - (np.sum(padded.speed, axis=1) / n)[:, np.newaxis]
    deviation = np.where(padded.known, deviation, 0.0)
    varies = np.ptp(deviation, axis=1) > padded.rounding
    return np.where(varies, np.sum(deviation**2, axis=1), np.nan)


def _cross_validated_error(fit: Fit, padded: PaddedSamples) -> Array:
    known, n = padded.known, padded.known.sum(axis=1)
    fold = FOLDS * np.arange(known.shape[1]) // np.maximum(n, 1)[:, np.newaxis]
    error = np.zeros(known.shape)
    for held_out in range(FOLDS):
        curves = fit(padded, known & (fold != held_out))
        error = np.where(fold == held_out, padded.speed - curves.fitted, error)
    with np.errstate(invalid="ignore"):
        mean_square = dot(error, error, known) / n
    return np.where(n >= FEWEST_TO_VALIDATE, np.sqrt(mean_square), np.nan)
