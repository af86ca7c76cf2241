"""Regressions: known lines and laws, and what cannot be fitted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mechcore.analysis.beta_ranges import DOMAINS, EVERYWHERE
from mechcore.analysis.regressions import (
    COLUMNS,
    LINE,
    PREDICTORS,
    SPEED,
    fit_line,
    mean_speeds,
    regress,
)
from tests.helpers.oracles import Array
from tests.helpers.simulated import BETAS, celerity, kernels_of, metrics_of, theory


def fitted(metrics: pd.DataFrame) -> pd.DataFrame:
    return regress(metrics, kernels_of(metrics))


def lines(metrics: pd.DataFrame) -> pd.DataFrame:
    """The fits of speeds."""
    table = fitted(metrics)
    return table[table.response == SPEED].reset_index(drop=True)


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
    # 1e-9: sums of 60 numbers in another order, divided by a small spread.
    assert fit["slope"] == pytest.approx(expected.slope, rel=1e-9, abs=1e-9)
    assert fit["intercept"] == pytest.approx(expected.intercept, rel=1e-9, abs=1e-9)
    assert fit["r2"] == pytest.approx(expected.rvalue**2, abs=1e-9)
    residual = y - expected.intercept - expected.slope * x
    assert fit["worst_residual"] == pytest.approx(np.abs(residual).max(), abs=1e-9)


@given(st.integers(0, 999), st.integers(3, 60))
def test_a_line_through_the_origin_is_the_best_of_its_kind(seed: int, count: int) -> None:
    x, y = noisy(seed, count)
    fit = fit_line(x, y, through_origin=True)
    assert fit["intercept"] == 0
    best = np.sum((y - fit["slope"] * x) ** 2)
    for other in (0.99, 1.01):
        assert np.sum((y - other * fit["slope"] * x) ** 2) > best


def test_the_cross_validated_error_is_that_of_held_out_blocks() -> None:
    x = np.arange(10.0)
    y = np.where(x < 2, 1.0, 0.0)
    errors = []
    for start in range(0, 10, 2):
        block = slice(start, start + 2)
        line = stats.linregress(np.delete(x, block), np.delete(y, block))
        errors += list(y[block] - line.intercept - line.slope * x[block])
    expected = np.sqrt(np.mean(np.square(errors)))
    assert fit_line(x, y)["cross_validated_error"] == pytest.approx(expected, rel=1e-12)
    assert np.isnan(fit_line(x[:9], y[:9])["cross_validated_error"])


def test_each_cell_pattern_predictor_and_domain_has_a_row() -> None:
    parts = [metrics_of(theory(k), k, pattern=name) for k in (2, 3) for name in ("delta", "disc")]
    table = fitted(pd.concat(parts))
    assert tuple(table) == COLUMNS
    # (v/c)^2 at T = 10 and in the limit on rho, and up to beta* on the squared celerity.
    assert len(table) == 4 * ((len(PREDICTORS) + 2) * len(DOMAINS) + 2)
    assert not table.duplicated(["cell", "pattern", "response", "predictor", "domain"]).any()
    assert set(table.cell) == {"dct-relu-k2", "dct-relu-k3"}
    assert list(table.domain[:3]) == [EVERYWHERE] * 3


def test_speed_is_an_exact_line_in_celerity_up_to_beta_star() -> None:
    def bent(beta: Array) -> Array:
        return np.where(beta <= 0.6, theory(3)(np.minimum(beta, 0.6)), 0.7)

    table = lines(metrics_of(bent))
    exact = row(table, "celerity", "beta <= beta*")
    assert exact.slope == pytest.approx(np.sqrt(2 / 3), rel=1e-12)
    assert exact.worst_residual < 1e-12  # rounding of speeds below 1 px/layer
    assert (exact.n, exact.beta_min, exact.beta_max) == (25, 0, 0.6)
    for other in ("beta", "odd_energy_ratio"):
        assert row(table, other, "beta <= beta*").worst_residual > 0.01
    beyond = row(table, "beta", "beta > beta*")
    assert (beyond.n, beyond.beta_min, beyond.beta_max) == (16, 0.625, 1)


def test_the_law_of_the_paper_and_the_exact_one_are_told_apart() -> None:
    """Speeds c beta follow the first; those of the theory, s celerity, follow the second."""

    def law_of(metrics: pd.DataFrame, predictor: str) -> pd.Series:
        table = fitted(metrics)
        return row(table[table.response == "squared_end_speed_10"], predictor, "beta <= beta*")

    paper = law_of(metrics_of(lambda beta: beta), "odd_energy_ratio")
    assert (paper.law, paper.slope) == (1, pytest.approx(1, rel=1e-12))
    assert paper.law_miss < 1e-12  # rounding of squares below 1
    bent = law_of(metrics_of(theory(3)), "odd_energy_ratio")
    # g rho / (1 - rho) - rho at rho = 0.36, with g = 2/3.
    assert bent.law_miss == pytest.approx(abs(2 / 3 * 0.36 / 0.64 - 0.36), abs=0.03)
    exact = law_of(metrics_of(theory(3)), "squared_celerity")
    assert exact.law == pytest.approx(2 / 3, rel=1e-12)
    assert exact.slope == pytest.approx(2 / 3, rel=1e-12)
    assert exact.law_miss < 1e-12
    assert law_of(metrics_of(lambda beta: beta), "squared_celerity").law_miss > 0.01


def test_domains_follow_the_smallest_beta_star_of_the_angles() -> None:
    parts = [
        metrics_of(theory(3), angles=[angle], beta_star=star)
        for angle, star in ((0, 0.7), (45, 0.5))
    ]
    table = lines(pd.concat(parts))
    assert row(table, "beta", "beta <= beta*").beta_max == 0.5
    parts[1] = parts[1].assign(beta_star=np.nan)
    table = lines(pd.concat(parts))
    assert row(table, "beta", "beta <= beta*").n == 0
    assert row(table, "beta", "beta > beta*").n == 41


def test_a_beta_that_is_beta_star_but_for_rounding_is_within_theory() -> None:
    star = np.sqrt(0.5)
    betas = np.array([0, 0.2, 0.4, round(star, 12), 0.9])  # rounded up
    assert betas[3] > star
    table = lines(metrics_of(theory(2), 2, betas=betas, beta_star=star))
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
    plain = lines(metrics_of(theory(3)))
    other = lines(metrics_of(lambda beta: scale * theory(3)(beta) + constant))
    # 1e-9: a constant of 5 costs speeds of a thousandth three digits, and their sums a few more.
    for name in ("slope", "worst_residual", "cross_validated_error"):
        np.testing.assert_allclose(other[name], scale * plain[name], rtol=1e-9, atol=1e-11)


@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_count(random: object) -> None:
    metrics = metrics_of(theory(3), angles=[0, 45, 90])
    order = list(range(len(metrics)))
    random.shuffle(order)  # type: ignore[attr-defined]
    expected, result = fitted(metrics), fitted(metrics.iloc[order])
    # Sums in another order: rounding.
    pd.testing.assert_frame_equal(result, expected, rtol=1e-9, atol=1e-12)


def test_extinct_simulations_have_no_figures() -> None:
    table = fitted(metrics_of(lambda beta: np.full_like(beta, np.nan)))
    assert (table.n == 0).all()
    assert table[[*LINE, "law_miss", "beta_min"]].isna().all(axis=None)


@pytest.mark.parametrize("noise", [0.0, 1e-16])
def test_speeds_equal_but_for_rounding_have_no_r2(noise: float, rng: np.random.Generator) -> None:
    table = lines(metrics_of(lambda beta: 0.5 + noise * rng.standard_normal(len(beta))))
    assert table.r2.isna().all()
    np.testing.assert_allclose(table.slope, 0, atol=1e-14)  # rounding of speeds of 0.5
    np.testing.assert_allclose(table.intercept, 0.5, rtol=1e-14)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_points_have_a_row_without_figures(count: int) -> None:
    table = lines(metrics_of(lambda beta: beta, betas=BETAS[:3], beta_star=BETAS[count] - 0.01))
    few = row(table, "beta", "beta <= beta*")
    assert few.n == count
    assert np.isnan(few.slope)
    assert row(table, "beta", EVERYWHERE).slope == pytest.approx(1)
