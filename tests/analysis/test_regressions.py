"""Regressions: known lines, the coverage of their intervals, and what cannot be fitted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mechcore.analysis.beta_ranges import DOMAINS, EVERYWHERE
from mechcore.analysis.regressions import (
    COLUMNS,
    LEAST_SQUARES,
    PREDICTORS,
    THEIL_SEN,
    akaike,
    fit_line,
    fit_theil_sen,
    mean_speeds,
    regress,
)
from tests.helpers.oracles import Array
from tests.helpers.simulated import BETAS, celerity, metrics_of, theory

CONTRACT = (
    *("cell", "pattern", "predictor", "slope", "slope_se", "ci_low", "ci_high"),
    *("intercept", "r2", "aic", "n", "domain"),
)


def row(table: pd.DataFrame, predictor: str, domain: str) -> pd.Series:
    chosen = table[(table.predictor == predictor) & (table.domain == domain)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def noisy(seed: int, count: int = 21) -> tuple[Array, Array]:
    x = np.linspace(0, 1, count)
    return x, 2 + 3 * x + np.random.default_rng(seed).standard_normal(count)


@given(st.integers(0, 999), st.integers(3, 60))
def test_least_squares_is_that_of_scipy(seed: int, count: int) -> None:
    x, y = noisy(seed, count)
    fit, expected = fit_line(x, y), stats.linregress(x, y)
    # 1e-9: the pseudo-inverse of statsmodels loses a few digits.
    assert fit["slope"] == pytest.approx(expected.slope, rel=1e-9, abs=1e-9)
    assert fit["intercept"] == pytest.approx(expected.intercept, rel=1e-9, abs=1e-9)
    assert fit["slope_se"] == pytest.approx(expected.stderr, rel=1e-6, abs=1e-9)
    assert fit["r2"] == pytest.approx(expected.rvalue**2, abs=1e-9)
    half = expected.stderr * stats.t.ppf(0.975, count - 2)
    assert fit["ci_high"] - fit["slope"] == pytest.approx(half, rel=1e-6, abs=1e-9)
    residual = y - expected.intercept - expected.slope * x
    assert fit["worst_residual"] == pytest.approx(np.abs(residual).max(), abs=1e-9)
    likelihood = stats.norm.logpdf(residual, scale=np.sqrt(np.mean(residual**2))).sum()
    assert fit["aic"] == pytest.approx(4 - 2 * likelihood, abs=1e-6)


@pytest.mark.parametrize(("fit", "name"), [(fit_line, "ci"), (fit_theil_sen, "theil_sen")])
def test_intervals_of_independent_draws_hold_the_slope_in_95_percent(
    fit: Callable[..., dict[str, float]], name: str
) -> None:
    fits = [fit(*noisy(seed)) for seed in range(1000)]
    held = np.mean([line[f"{name}_low"] <= 3 <= line[f"{name}_high"] for line in fits])
    # Three standard errors of 0.7% each way.
    assert 0.93 <= held <= 0.97


@pytest.mark.parametrize("count", [3, 4, 5])
def test_ranks_of_few_points_make_no_interval(count: int) -> None:
    fit = fit_theil_sen(*noisy(0, count))
    assert np.isfinite(fit["theil_sen"])
    assert np.isfinite(fit["theil_sen_low"]) == (count >= 5)


def test_an_exact_line_has_the_criterion_of_its_rounding() -> None:
    x = np.linspace(0, 1, 9)
    exact = fit_line(x, 2 * x, rounding=1e-12)["aic"]
    assert exact == pytest.approx(float(akaike(9e-24, 9, 0.0)))
    assert exact == pytest.approx(9 * (np.log(2 * np.pi * 1e-24) + 1) + 4)


def test_each_cell_pattern_predictor_and_domain_has_a_row() -> None:
    assert COLUMNS[: len(CONTRACT)] == CONTRACT
    parts = [metrics_of(theory(k), k, pattern=name) for k in (2, 3) for name in ("delta", "disc")]
    table = regress(pd.concat(parts))
    assert tuple(table) == COLUMNS
    assert len(table) == 4 * len(PREDICTORS) * len(DOMAINS)
    assert not table.duplicated(["cell", "pattern", "predictor", "domain"]).any()
    assert set(table.cell) == {"dct-relu-k2", "dct-relu-k3"}
    assert list(table.domain[:3]) == [EVERYWHERE] * 3


def test_speed_is_an_exact_line_in_celerity_up_to_beta_star() -> None:
    def bent(beta: Array) -> Array:
        return np.where(beta <= 0.6, theory(3)(np.minimum(beta, 0.6)), 0.7)

    table = regress(metrics_of(bent))
    exact = row(table, "celerity", "beta <= beta*")
    assert exact.slope == pytest.approx(np.sqrt(2 / 3), rel=1e-12)
    assert exact.theil_sen == pytest.approx(np.sqrt(2 / 3), rel=1e-12)
    assert exact.worst_residual < 1e-12  # rounding of speeds below 1 px/layer
    assert (exact.n, exact.beta_min, exact.beta_max) == (25, 0, 0.6)
    for other in ("beta", "odd_energy_ratio"):
        assert row(table, other, "beta <= beta*").aic > exact.aic + 100
    beyond = row(table, "beta", "beta > beta*")
    assert (beyond.n, beyond.beta_min, beyond.beta_max) == (16, 0.625, 1)


def test_domains_follow_the_smallest_beta_star_of_the_angles() -> None:
    parts = [
        metrics_of(theory(3), angles=[angle], beta_star=star)
        for angle, star in ((0, 0.7), (45, 0.5))
    ]
    table = regress(pd.concat(parts))
    assert row(table, "beta", "beta <= beta*").beta_max == 0.5
    parts[1] = parts[1].assign(beta_star=np.nan)
    table = regress(pd.concat(parts))
    assert row(table, "beta", "beta <= beta*").n == 0
    assert row(table, "beta", "beta > beta*").n == 41


def test_a_beta_that_is_beta_star_but_for_rounding_is_within_theory() -> None:
    star = np.sqrt(0.5)
    betas = np.array([0, 0.2, 0.4, round(star, 12), 0.9])  # rounded up
    assert betas[3] > star
    table = regress(metrics_of(theory(2), 2, betas=betas, beta_star=star))
    assert row(table, "beta", "beta <= beta*").n == 4


def test_points_are_means_over_the_angles_whose_speed_is_known() -> None:
    table = metrics_of(lambda beta: 1 + beta, angles=[0, 90, 180], betas=np.array([0, 0.3, 0.6]))
    table.loc[table.angle == 90, "speed"] += 0.3
    table.loc[(table.angle == 180), "speed"] = [np.nan, np.inf, 1.6]
    points = mean_speeds(table)
    np.testing.assert_allclose(points.speed, [1.15, 1.45, 1.7], rtol=1e-15)
    np.testing.assert_allclose(points.celerity, celerity(points.beta.to_numpy()), rtol=1e-15)


@given(st.floats(1e-3, 1e3), st.floats(-5, 5))
def test_slopes_scale_with_speeds_and_ignore_a_constant(scale: float, constant: float) -> None:
    plain = regress(metrics_of(theory(3)))
    other = regress(metrics_of(lambda beta: scale * theory(3)(beta) + constant))
    # 1e-9: a constant of 5 costs speeds of a thousandth three digits, and their sums a few more.
    for name in ("slope", "slope_se", "theil_sen", "worst_residual"):
        np.testing.assert_allclose(other[name], scale * plain[name], rtol=1e-9, atol=1e-11)


@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_count(random: object) -> None:
    metrics = metrics_of(theory(3), angles=[0, 45, 90])
    order = list(range(len(metrics)))
    random.shuffle(order)  # type: ignore[attr-defined]
    expected, result = regress(metrics), regress(metrics.iloc[order])
    # Sums in another order: rounding.
    pd.testing.assert_frame_equal(result, expected, rtol=1e-9, atol=1e-12)


def test_extinct_simulations_have_no_figures() -> None:
    table = regress(metrics_of(lambda beta: np.full_like(beta, np.nan)))
    assert len(table) == len(PREDICTORS) * len(DOMAINS)
    assert (table.n == 0).all()
    assert table[[*LEAST_SQUARES, *THEIL_SEN, "worst_residual", "beta_min"]].isna().all(axis=None)


@pytest.mark.parametrize("noise", [0.0, 1e-16])
def test_speeds_equal_but_for_rounding_have_no_r2(noise: float, rng: np.random.Generator) -> None:
    table = regress(metrics_of(lambda beta: 0.5 + noise * rng.standard_normal(len(beta))))
    assert table.r2.isna().all()
    np.testing.assert_allclose(table.slope, 0, atol=1e-14)  # rounding of speeds of 0.5
    np.testing.assert_allclose(table.intercept, 0.5, rtol=1e-14)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_points_have_a_row_without_figures(count: int) -> None:
    table = regress(metrics_of(lambda beta: beta, betas=BETAS[:3], beta_star=BETAS[count] - 0.01))
    few = row(table, "beta", "beta <= beta*")
    assert few.n == count
    assert np.isnan(few.slope)
    assert row(table, "beta", EVERYWHERE).slope == pytest.approx(1)
