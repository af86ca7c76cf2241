"""Pooled speeds: cells are the draws, not betas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mechcore.analysis.beta_ranges import DOMAINS
from mechcore.analysis.mechanics import kernels_table
from mechcore.analysis.pooled import (
    POOLED_COLUMNS,
    fit_clustered,
    median_interval,
    pool,
    repeated_kernels,
)
from mechcore.analysis.regressions import PREDICTORS
from mechcore.experiment.cell import Cell
from mechcore.simulation.run import simulate
from tests.helpers.oracles import Array
from tests.helpers.simulated import kernels_of, metrics_of, theory

SIZES = range(2, 12)


def grid(law: Callable[[int], Callable[[Array], Array]] = theory, **options: str) -> pd.DataFrame:
    return pd.concat([metrics_of(law(k), k, **options) for k in SIZES], ignore_index=True)


def row(table: pd.DataFrame, pool_name: str, predictor: str, domain: str) -> pd.Series:
    chosen = (table.predictor == predictor) & (table.domain == domain)
    rows = table[chosen & (table["pool"] == pool_name)]
    assert len(rows) == 1
    return rows.iloc[0]


def clustered(seed: int, clusters: int = 25, points: int = 20) -> tuple[Array, Array, Array]:
    """Return points around lines of slope 1 on average, of which each cluster has its own."""
    draws = np.random.default_rng(seed)
    x = np.tile(np.linspace(0, 1, points), clusters)
    names = np.repeat(np.arange(clusters), points)
    slopes, levels = 1 + 0.5 * draws.standard_normal(clusters), draws.standard_normal(clusters)
    noise = 0.1 * draws.standard_normal(len(x))
    return x, slopes[names] * x + 0.3 * levels[names] + noise, names


def test_intervals_clustered_by_cell_hold_the_slope_in_95_percent() -> None:
    fits = [fit_clustered(*clustered(seed)) for seed in range(1000)]
    held = np.mean([fit["ci_low"] <= 1 <= fit["ci_high"] for fit in fits])
    # 0.91 to 0.97: the sandwich of 25 clusters is known to be a little short of 95%.
    assert 0.91 <= held <= 0.97


def test_clustered_errors_are_the_sandwich_of_liang_and_zeger() -> None:
    x, y, names = clustered(0, clusters=6)
    result = fit_clustered(x, y, names)
    design = np.column_stack([np.ones_like(x), x])
    bread = np.linalg.inv(design.T @ design)
    residual = y - design @ (bread @ design.T @ y)
    scores = [design[names == cluster].T @ residual[names == cluster] for cluster in range(6)]
    correction = 6 / 5 * (len(x) - 1) / (len(x) - 2)
    covariance = correction * bread @ sum(np.outer(score, score) for score in scores) @ bread
    assert result["slope_se"] == pytest.approx(np.sqrt(covariance[1, 1]), rel=1e-9)
    half = stats.t.ppf(0.975, 5) * result["slope_se"]
    assert result["ci_high"] == pytest.approx(result["slope"] + half, rel=1e-12)


@pytest.mark.parametrize("clusters", [1, 2, 3])
def test_few_clusters_have_no_interval(clusters: int) -> None:
    result = fit_clustered(*clustered(0, clusters))
    assert np.isfinite(result["slope"])
    for name in ("slope_se", "ci_low", "ci_high"):
        assert np.isfinite(result[name]) == (clusters >= 3)


@pytest.mark.parametrize("count", [6, 25])
def test_the_interval_of_a_median_holds_it_whatever_the_distribution(count: int) -> None:
    draws = np.random.default_rng(count).standard_cauchy((1000, count))
    held = np.mean([low <= 0 <= high for low, high in map(median_interval, draws)])
    # Its coverage is at least 95% and known; three standard errors of 0.7%.
    cut = next(j for j in range(count) if stats.binom.cdf(j, count, 0.5) > 0.025)
    exact = 1 - 2 * stats.binom.cdf(cut - 1, count, 0.5)
    assert exact >= 0.95
    assert held == pytest.approx(exact, abs=0.021)


def test_in_diffusion_speeds_all_sizes_follow_one_line() -> None:
    metrics = grid()
    table = pool(metrics, kernels_of(metrics))
    assert tuple(table.columns) == POOLED_COLUMNS
    assert len(table) == 2 * len(PREDICTORS) * len(DOMAINS)
    for name in ("dct-relu", "relu"):
        result = row(table, name, "celerity", "beta <= beta*")
        for figure in ("slope", "ci_low", "ci_high", "theil_sen", "theil_sen_low", "r2"):
            assert result[figure] == pytest.approx(1, rel=1e-9)  # rounding of sums
        assert (result.n, result.clusters, result.cells_without_s) == (250, 10, 0)


def test_pools_are_of_a_family_and_of_all() -> None:
    metrics = pd.concat([grid(), grid(family="gaussian"), grid(activation="modulus")])
    table = pool(metrics, kernels_of(metrics))
    labels = table[["pool", "kernel", "activation"]].drop_duplicates()
    assert set(labels.itertuples(index=False, name=None)) == {
        ("dct-relu", "dct", "relu"),
        ("gaussian-relu", "gaussian", "relu"),
        ("dct-modulus", "dct", "modulus"),
        ("relu", "all", "relu"),
        ("modulus", "all", "modulus"),
    }
    assert row(table, "relu", "beta", "all beta").clusters == 20
    assert row(table, "modulus", "beta", "all beta").n == 10 * 41


def test_cells_without_a_diffusion_speed_are_left_out_and_counted() -> None:
    metrics = pd.concat([grid(), grid(family="highpass")])
    kernels = kernels_of(metrics)
    odd_ones = kernels.kernel == "highpass"
    kernels["diffusion_speed"] = kernels.diffusion_speed.mask(odd_ones)
    table = pool(metrics, kernels)
    both = row(table, "relu", "beta", "all beta")
    assert (both.clusters, both.cells_without_s) == (10, 10)
    none = row(table, "highpass-relu", "beta", "all beta")
    assert (none.n, none.clusters, none.cells_without_s) == (0, 0, 10)
    assert np.isnan([none.slope, none.theil_sen, none.r2]).all()


def test_the_robust_slope_is_that_of_the_typical_cell() -> None:
    def law(size: int) -> Callable[[Array], Array]:
        return lambda beta: (50.0 if size == 11 else 1.0) * theory(size)(beta)

    metrics = grid(law)
    result = row(pool(metrics, kernels_of(metrics)), "relu", "celerity", "beta <= beta*")
    assert result.theil_sen == pytest.approx(1, rel=1e-9)
    assert result.theil_sen_high == pytest.approx(1, rel=1e-9)
    assert result.slope > 5


def test_dead_and_constant_cells_make_no_warning() -> None:
    metrics = grid()
    kernels = kernels_of(metrics, diffusion_speed=0.5)
    for speed in (np.nan, 0.0, 0.5):
        table = pool(metrics.assign(speed=speed), kernels)
        assert table.r2.isna().all()
        assert (table.n == 0).all() == np.isnan(speed)


def test_kernels_that_families_share_count_once() -> None:
    table = pd.concat([grid(), grid(family="gaussian")], ignore_index=True)
    kernels = kernels_of(table)
    assert row(pool(table, kernels), "relu", "beta", "all beta").clusters == 2 * len(SIZES)
    # As in truth: the smallest kernels of these families are the same.
    kernels.loc[kernels["size"] == 2, "momentum_x"] = kernels.beta
    assert repeated_kernels(kernels) == {("gaussian", 2)}
    result = pool(table, kernels)
    assert row(result, "relu", "beta", "all beta").clusters == 2 * len(SIZES) - 1
    assert row(result, "gaussian-relu", "beta", "all beta").clusters == len(SIZES)


@pytest.mark.parametrize("size", [2, 3])
def test_families_share_their_smallest_kernels_only(size: int) -> None:
    cells = [
        Cell(kernel=name, activation="relu", size=size, betas=[0.0, 0.3, 1.0], steps=3)
        for name in ("dct", "gaussian", "binomial")
    ]
    kernels = pd.concat([kernels_table(simulate(cell)) for cell in cells], ignore_index=True)
    shared = {("gaussian", 2), ("binomial", 2)} if size == 2 else set()
    assert repeated_kernels(kernels) == shared
