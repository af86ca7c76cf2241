"""The figure of speeds: points, lines, bands and theory are those of the tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from matplotlib.figure import Figure

from mechcore.report import figures
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.fits import confidence_band
from mechcore.report.figures.speed import draw_speed, speed_table
from tests.helpers.reports import Report


@pytest.fixture(scope="module")
def figure(small: Report) -> Figure:
    """The figure of the small experiment."""
    with figures.paper_style():
        return draw_speed(FigureData(small.results, "dct", speed_table(small.results, "dct")))


def test_alternative_text_follows_the_data(small: Report) -> None:
    entry = figures.DRAWINGS["speed"]
    table = speed_table(small.results, "dct")
    faster = table.assign(speed=table.speed * 3)
    peak = table.speed[(table.activation == "relu") & (table["size"] == 3)].max()
    assert f"{peak:.3f}" in entry.alt(FigureData(small.results, "dct", table))
    assert f"{3 * peak:.3f}" in entry.alt(FigureData(small.results, "dct", faster))


def test_points_are_the_metrics(small: Report, figure: Figure) -> None:
    metrics = small.results.metrics
    chosen = metrics[(metrics.activation == "relu") & (metrics["size"] == 2)]
    drawn = [line for line in figure.axes[0].lines if line.get_gid() == "points"]
    points = np.concatenate([np.asarray(line.get_xydata()) for line in drawn])
    expected = chosen[["beta", "speed"]].to_numpy(float)
    assert sorted(map(tuple, points)) == sorted(map(tuple, expected))


def test_lines_are_the_regressions(small: Report, figure: Figure) -> None:
    fits = small.results.regressions
    row = fits[(fits.cell == "dct-relu-k2") & (fits.predictor == "beta")].iloc[0]
    line = next(line for line in figure.axes[0].lines if line.get_gid() == "fit")
    x, y = np.asarray(line.get_xydata()).T
    np.testing.assert_allclose(y, row.intercept + row.slope * x, rtol=1e-12)
    assert (x.min(), x.max()) == (0.0, 1.0)


def test_theory_meets_the_exact_points(small: Report, figure: Figure) -> None:
    curve = next(line for line in figure.axes[1].lines if line.get_gid() == "theory")
    x, y = np.asarray(curve.get_xydata()).T
    metrics = small.results.metrics
    exact = metrics[(metrics["size"] == 3) & np.isfinite(metrics.speed_theory)]
    # The curve is drawn in chords; a thousandth of the panel is thinner than its line.
    np.testing.assert_allclose(np.interp(exact.beta, x, y), exact.speed, atol=1e-3)
    assert x.max() == pytest.approx(exact.beta_star.iloc[0])


def test_band_is_that_of_a_textbook(rng: np.random.Generator) -> None:
    x = rng.uniform(0, 1, 12)
    fit = sm.OLS(3 * x + rng.normal(size=12), sm.add_constant(x)).fit()
    low, high = fit.conf_int(0.05)[1]
    row = pd.Series({"ci_low": low, "ci_high": high})
    where = np.array([0.0, 0.3, 1.5])
    interval = fit.get_prediction(sm.add_constant(where)).conf_int(alpha=0.05)
    half = (interval[:, 1] - interval[:, 0]) / 2
    np.testing.assert_allclose(confidence_band(row, x, where), half, rtol=1e-10)
