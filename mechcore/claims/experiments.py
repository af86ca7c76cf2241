"""Judges of the paper's other experiments (C13 to C15, F3), whose numbers are computed again."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mechcore.claims import thresholds as limits
from mechcore.claims.judgement import Judgement, measured, verdict
from mechcore.claims.verdict import NOT_OBSERVED, OBSERVED
from mechcore.claims.wording import extent
from mechcore.experiment.controls import SHIFT_SHARE
from mechcore.experiment.paths import REPRODUCTION_FILE
from mechcore.results.results import Results


def bipolar(results: Results) -> Judgement | None:
    """C13: kernels that are turned by 180 degrees after each layer keep a pattern in place."""
    rows = _numbers(results, "Disc, bipolar", "mu_x")
    rows = rows[rows.x % 2 == 0]
    return _within(rows, rows.ours.abs(), limits.ONE_LAYER, "farthest centroid", "px")


def translation(results: Results) -> Judgement | None:
    """C14: a translation kernel moves a point one pixel a layer at three quarters."""
    rows = _numbers(results, "Pixel, translation", "mu_x")
    rows = rows[rows.beta2 == SHIFT_SHARE]
    gap = (rows.ours - rows.x).abs()
    return _within(rows, gap, limits.EXACT, "largest distance from t px", "px")


def laplace(results: Results) -> Judgement | None:
    """C15: under ReLU a Laplace kernel spreads a point as an even kernel without negative taps."""
    rows = _numbers(results, "Pixel, Laplace", "sigma_x")
    even = _numbers(results, "Pixel, translation", "sigma_x")
    even = even[even.beta2 == 0].drop_duplicates("x")[["x", "ours"]]
    both = rows.merge(even, on="x", suffixes=("", "_even"))
    rows, gap = both, (both.ours - both.ours_even).abs()
    return _within(rows, gap, limits.EXACT, "largest difference of widths", "px")


def malus(results: Results) -> Judgement | None:
    """F3: what two oriented layers pass is not cos^2 of the angle between them."""
    rows = results.reproduction
    rows = rows[rows.title.str.contains("gradients") & (rows.quantity == "printed I2/I1")]
    if rows.empty:
        return None
    energy = (rows.ours / rows.groupby("title").ours.transform("max")) ** 2
    miss = (energy - np.cos(rows.x) ** 2).abs().groupby(rows.title, sort=False).max()
    crossed = rows[np.cos(rows.x).abs() < limits.CROSSED]
    figures = [
        measured("difference from cos², at least", miss.min(), "1", REPRODUCTION_FILE),
        measured("least norm that crossed layers pass", crossed.ours.min(), "1", REPRODUCTION_FILE),
    ]
    where = "largest difference from cos²: "
    where += "; ".join(f"{title} {value:.2g}" for title, value in miss.items())
    observed = bool((miss > limits.LAW).all() and crossed.ours.min() > 0)
    return Judgement(OBSERVED if observed else NOT_OBSERVED, figures, where)


def _numbers(results: Results, title: str, quantity: str) -> pd.DataFrame:
    """The numbers of one kind of the experiments with a title."""
    rows = results.reproduction
    return rows[rows.title.str.startswith(title) & (rows.quantity == quantity)]


def _within(
    rows: pd.DataFrame, distance: pd.Series, limit: float, name: str, unit: str
) -> Judgement | None:
    """Whether all distances of an experiment and energy ratio are within a limit."""
    if rows.empty:
        return None
    figures = [
        measured(name, distance.max(), unit, REPRODUCTION_FILE),
        measured("numbers", len(rows), "1", REPRODUCTION_FILE),
    ]
    # A curve holds as a whole.
    cases = (distance <= limit).groupby([rows.title, rows.beta2.fillna(0.0)], sort=False).all()
    return Judgement(verdict(cases), figures, extent(cases.rename_axis(["title", "β²"])))
