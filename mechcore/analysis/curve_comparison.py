"""Which curve speed follows: a comparison on common samples, by AIC and by prediction."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.analysis.beta_ranges import samples
from mechcore.analysis.curves import MODELS, Array, Batch, Model, dot
from mechcore.analysis.lines import FEWEST_POINTS
from mechcore.analysis.regressions import PREDICTORS, akaike, mean_speeds, speed_rounding
from mechcore.analysis.tables import MODEL_COLUMNS

COLUMNS = MODEL_COLUMNS
"""Columns of ``models.csv``."""

FOLDS = 5
"""Blocks of neighbouring betas that are held out in turn. A single held-out beta would be
interpolated by its neighbours, and tell nothing about the curvature of the whole."""

FEWEST_TO_VALIDATE = 10
"""Two betas a block: with one, blocks would be the single betas that tell nothing."""


def compare_models(metrics: pd.DataFrame, kernels: pd.DataFrame) -> pd.DataFrame:
    """Fit all curves to the same speeds: those of betas whose celerity is finite.

    Parameters
    ----------
    metrics : pandas.DataFrame
        The table of metrics.
    kernels : pandas.DataFrame
        The table of kernels, for the light cone and the diffusion speed.

    Returns
    -------
    pandas.DataFrame
        Columns `COLUMNS`, one row for each cell, pattern, domain and model.
        ``cross_validated_error`` is the root mean square error, in px/layer, with which `FOLDS`
        blocks of neighbouring betas are predicted, each from a fit to the others; NaN below
        `FEWEST_TO_VALIDATE` points. Light cone and diffusion speed are means over the angles, as
        the speeds are.

    Notes
    -----
    The first and the last block are extrapolated. In celerity, which has no bound, the last one
    lies far from the others: a curve may fit best by AIC and still foretell it worse than a line
    in beta.

    Standard errors are those of independent draws, which the betas of a cell are not: see
    `mechcore.analysis.regressions.regress`. An error of the light speed larger than itself says
    that the speeds show no limit.
    """
    points = mean_speeds(metrics)
    labels, batch = _gather(points)
    tables = [labels.assign(model=name, **_judge(model, batch)) for name, model in MODELS.items()]
    table = pd.concat(tables).sort_index(kind="stable")
    delta = table.aic - table.aic.groupby(level=0).transform("min")
    bodies = _bodies(points, kernels).reindex(table.cell).reset_index(drop=True)
    table = table.assign(delta_aic=delta).reset_index(drop=True)
    return table.join(bodies)[list(COLUMNS)]


def mean_bodies(kernels: pd.DataFrame) -> pd.DataFrame:
    """Return what speeds of a family and size are compared with, means over the angles.

    Parameters
    ----------
    kernels : pandas.DataFrame
        The table of kernels.

    Returns
    -------
    pandas.DataFrame
        light_cone and diffusion_speed (px/layer), by kernel and size; NaN where an angle lacks it.
    """
    names = {"light_speed": "light_cone", "diffusion_speed": "diffusion_speed"}
    groups = kernels.groupby(["kernel", "size"])[list(names)]
    return groups.mean(skipna=False).rename(columns=names)


def _bodies(points: pd.DataFrame, kernels: pd.DataFrame) -> pd.DataFrame:
    cells = points.drop_duplicates("cell")
    keys = pd.MultiIndex.from_frame(cells[["kernel", "size"]])
    return mean_bodies(kernels).reindex(keys).set_index(pd.Index(cells.cell))


def _gather(points: pd.DataFrame) -> tuple[pd.DataFrame, Batch]:
    """Lay the common sample of each cell, pattern and domain into a row."""
    common = np.isfinite(points.speed) & np.isfinite(points.celerity)
    drawn = [(sample, sample.points[common[sample.points.index]]) for sample in samples(points)]
    labels = pd.DataFrame(
        [(sample.cell, sample.pattern, sample.domain) for sample, _ in drawn],
        columns=["cell", "pattern", "domain"],
    )
    counts = np.array([len(rows) for _, rows in drawn], dtype=int)
    known = np.arange(max([1, *counts])) < counts[:, np.newaxis]
    columns = {}
    for name in (*PREDICTORS, "speed"):
        columns[name] = np.zeros(known.shape)
        columns[name][known] = np.concatenate([rows[name] for _, rows in drawn])
    sizes = [sample.points["size"].max() for sample, _ in drawn]
    return labels.assign(n=counts), Batch(**columns, known=known, rounding=speed_rounding(sizes))


def _judge(model: Model, batch: Batch) -> dict[str, Array]:
    curves = model.fit(batch, batch.known)
    residual = np.where(batch.known, batch.speed - curves.fitted, 0.0)
    n = batch.known.sum(axis=1)
    square_sum = np.where(n >= FEWEST_POINTS, np.sum(residual**2, axis=1), np.nan)
    return {
        "level": curves.level,
        "level_se": curves.level_se,
        "light_speed": curves.light_speed,
        "light_speed_se": curves.light_speed_se,
        "r2": 1 - square_sum / _variation(batch),
        "aic": akaike(square_sum, n, batch.rounding),
        "cross_validated_error": _cross_validated_error(model, batch),
        "worst_residual": np.where(n >= FEWEST_POINTS, np.abs(residual).max(axis=1), np.nan),
    }


def _variation(batch: Batch) -> Array:
    """Sum of squares about the mean; NaN where speeds differ by rounding alone."""
    n = np.maximum(batch.known.sum(axis=1), 1)
    away = batch.speed - (np.sum(batch.speed, axis=1) / n)[:, np.newaxis]
    away = np.where(batch.known, away, 0.0)
    varies = np.ptp(away, axis=1) > batch.rounding
    return np.where(varies, np.sum(away**2, axis=1), np.nan)


def _cross_validated_error(model: Model, batch: Batch) -> Array:
    n = batch.known.sum(axis=1)
    fold = FOLDS * np.arange(batch.known.shape[1]) // np.maximum(n, 1)[:, np.newaxis]
    error = np.zeros(batch.known.shape)
    for held_out in range(FOLDS):
        curves = model.fit(batch, batch.known & (fold != held_out))
        error = np.where(fold == held_out, batch.speed - curves.fitted, error)
    with np.errstate(invalid="ignore"):
        mean_square = dot(error, error, batch.known) / n
    return np.where(n >= FEWEST_TO_VALIDATE, np.sqrt(mean_square), np.nan)
