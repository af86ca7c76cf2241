"""Lines from momenta to displacements, and the intervals of their means."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from mechcore.networks.prediction import line_through_channels
from mechcore.networks.summary import mean_interval

ROUNDING = 1e-12
"""Sums over a hundred numbers of size 1."""


def test_a_line_is_that_of_scipy_through_deviations_of_both_axes() -> None:
    generator = np.random.default_rng(0)
    momentum = generator.normal(size=(30, 2))
    displacement = 0.7 * momentum + generator.normal(size=(4, 30, 2)) + [3.0, -1.0]
    line = line_through_channels(momentum, displacement)
    for number, image in enumerate(displacement):
        x, y = ((values - values.mean(axis=0)).ravel() for values in (momentum, image))
        expected = stats.linregress(x, y)
        assert line.slope[number] == pytest.approx(expected.slope, abs=ROUNDING)
        assert line.r2[number] == pytest.approx(expected.rvalue**2, abs=ROUNDING)


def test_channels_without_evidence_are_left_out() -> None:
    generator = np.random.default_rng(1)
    momentum, displacement = generator.normal(size=(9, 2)), generator.normal(size=(1, 9, 2))
    expected = line_through_channels(momentum[:7], displacement[:, :7])
    displacement[:, 7:] = np.nan
    line = line_through_channels(momentum, displacement)
    assert line.slope == pytest.approx(expected.slope, abs=ROUNDING)
    assert line.r2 == pytest.approx(expected.r2, abs=ROUNDING)


@pytest.mark.parametrize(
    ("momentum", "displacement"),
    [
        # Kernels of one tap: rounding is no momentum.
        (1e-17 * np.arange(10.0).reshape(5, 2), np.arange(10.0).reshape(1, 5, 2)),
        (np.arange(10.0).reshape(5, 2), np.full((1, 5, 2), np.nan)),
    ],
)
def test_without_momentum_or_evidence_there_is_no_line(
    momentum: np.ndarray, displacement: np.ndarray
) -> None:
    line = line_through_channels(momentum, displacement)
    assert np.isnan(line.slope).all()
    assert np.isnan(line.r2).all()


@pytest.mark.parametrize(("networks", "draw_networks"), [(1, False), (3, False), (12, True)])
def test_an_interval_covers_the_mean_of_the_population(networks: int, draw_networks: bool) -> None:
    generator = np.random.default_rng(2)
    columns = pd.MultiIndex.from_product([["photographs"], range(16)])
    repeats, covered = 60, 0
    for _ in range(repeats):
        # What an image does to all networks, and what is new in each.
        values = generator.normal(size=16) + generator.normal(size=(networks, 16))
        if draw_networks:
            values += generator.normal(size=(networks, 1))
        mean = mean_interval(pd.DataFrame(values, columns=columns), draw_networks=draw_networks)
        covered += mean.low <= 0 <= mean.high
    # 95% are meant; 60 repeats scatter by 3%.
    assert covered / repeats >= 0.87


def test_networks_on_several_sets_count_alike() -> None:
    columns = pd.MultiIndex.from_tuples([("a", 0), ("a", 1), ("b", 0), ("b", 1)])
    values = pd.DataFrame([[1.0, 1, np.nan, np.nan], [np.nan, np.nan, 3, 5]], columns=columns)
    mean = mean_interval(values, draw_networks=False)
    # One image of two is drawn, 3 or 5: 2.5 +- 0.5 times the quantiles t(1) over normal.
    assert mean == pytest.approx((2.5, 2.5 - 0.5 * 6.483, 2.5 + 0.5 * 6.483), abs=1e-3)
