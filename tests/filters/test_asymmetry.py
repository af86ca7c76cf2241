"""The authors' split of kernels, by brute force over the symmetries of the square."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mechcore.filters.analysis import analyse
from mechcore.filters.asymmetry import (
    covariance_axes,
    strongest_tenth,
    type_shares,
)
from mechcore.filters.bank import Bank, Layer
from mechcore.filters.bank_file import analyse_bank
from mechcore.io.arrays import Array
from mechcore.model.kernels import dct_basis, kernel

ROUNDING = 1e-12
"""Sums of at most 49 products of taps of some units."""


def symmetric_mean(taps: Array) -> Array:
    turned = [taps, taps.T] if taps.shape[0] == taps.shape[1] else [taps]
    return np.mean([v[::i, ::j] for v in turned for i in (1, -1) for j in (1, -1)], axis=0)


def basis(v: int, u: int) -> Array:
    return np.outer(dct_basis(3, v), dct_basis(3, u))


@given(st.tuples(st.integers(2, 7), st.integers(2, 7)), st.integers(0, 999))
def test_points_are_those_of_the_mean_over_all_symmetries(
    shape: tuple[int, int], seed: int
) -> None:
    kernels = np.random.default_rng(seed).standard_normal((5, *shape))
    rows = analyse(kernels)
    for index, taps in enumerate(kernels):
        kept, row = symmetric_mean(taps), rows.isel(slice=index)
        rest = np.linalg.norm(taps - kept)
        energy = np.linalg.norm(taps) ** 2
        np.testing.assert_allclose(row.asymmetric_share, rest**2 / energy, atol=ROUNDING)
        np.testing.assert_allclose(np.hypot(row.point_x, row.point_y), rest, rtol=ROUNDING)
        signed = np.copysign(np.linalg.norm(kept), taps.mean())
        np.testing.assert_allclose(row.point_z, signed, atol=ROUNDING)


@pytest.mark.parametrize("angle", [0, 30, 90, 135, 180, 270, 300])
@pytest.mark.parametrize("family", ["binomial", "dct", "gaussian"])
def test_a_point_lies_in_the_direction_of_the_gradient(family: str, angle: float) -> None:
    row = analyse(2 * kernel(family, 3, 0.6, angle)[np.newaxis]).isel(slice=0)
    point = [row.point_x, row.point_y, row.point_z]
    # The rest of these kernels is odd, so that its norm is beta times two.
    expected = [1.2 * np.cos(np.radians(angle)), 1.2 * np.sin(np.radians(angle)), 1.6]
    np.testing.assert_allclose(point, expected, atol=ROUNDING)
    opposite = analyse(-2 * kernel(family, 3, 0.6, angle)[np.newaxis]).isel(slice=0)
    np.testing.assert_allclose(
        [opposite.point_x, opposite.point_y, opposite.point_z], -np.array(point), atol=ROUNDING
    )


def test_even_kernels_may_be_asymmetric_and_a_shift_is_more_so_than_odd() -> None:
    shift = np.array([[0.0, 0, 0], [0, 0, 1], [0, 0, 0]])
    kernels = [basis(1, 1), basis(2, 0) - basis(0, 2), basis(2, 0) + basis(0, 2), shift]
    rows = analyse(np.array(kernels))
    np.testing.assert_allclose(rows.odd_energy_ratio, [0, 0, 0, 0.5], atol=ROUNDING)
    np.testing.assert_allclose(rows.asymmetric_share, [1, 1, 0, 0.75], atol=ROUNDING)
    # The first two have no gradient, the third nothing that could have one.
    np.testing.assert_allclose(
        rows.point_x, [np.nan, np.nan, 0, 0.75**0.5], atol=ROUNDING, equal_nan=True
    )


def test_strongest_are_a_tenth_of_the_channels_of_a_tenth_of_the_filters() -> None:
    energy = np.random.default_rng(0).random((38, 25))
    chosen = np.unravel_index(strongest_tenth(energy), energy.shape)
    filters = np.argsort(energy.mean(axis=1))[-3:]
    expected = {(f, c) for f in filters for c in np.argsort(energy[f])[-2:]}
    assert set(zip(*map(np.ndarray.tolist, chosen), strict=True)) == expected
    assert len(strongest_tenth(np.ones((64, 3)))) == 6 * 3
    assert len(strongest_tenth(np.ones((9, 9)))) == 81


def test_types_of_random_kernels_are_those_of_chance() -> None:
    shares = analyse(np.random.default_rng(1).standard_normal((50_000, 3, 3))).asymmetric_share
    actual = type_shares(shares.values)
    law = stats.beta(3, 1.5)
    expected = {"symmetric": law.cdf(0.25), "antisymmetric": 1 - law.cdf(0.75)}
    expected["mixed"] = 1 - sum(expected.values())
    # Four standard errors of 50,000 draws.
    assert actual == pytest.approx(expected, abs=0.009)
    assert all(np.isnan(share) for share in type_shares(np.array([np.nan])).values())


@given(st.integers(0, 999))
def test_axes_are_those_of_numpy(seed: int) -> None:
    draws = np.random.default_rng(seed)
    groups = draws.integers(0, 4, 60)
    points = draws.standard_normal((60, 2)) @ draws.standard_normal((2, 2)) + 3
    table = covariance_axes(*points.T, groups, 5)
    for group in range(4):
        values, vectors = np.linalg.eigh(np.cov(points[groups == group].T))
        row = table.loc[group]
        axes = [row.covariance_minor, row.covariance_major]
        np.testing.assert_allclose(axes, values, rtol=1e-9, atol=1e-12 * values[1])
        assert row.anisotropy == pytest.approx(np.diff(values)[0] / values.sum(), rel=1e-9)
        direction = np.radians(row.covariance_angle)
        along = abs(vectors[:, 1] @ [np.cos(direction), np.sin(direction)])
        assert along == pytest.approx(1.0, abs=1e-9)
    assert table.loc[4].isna().all()


def test_layers_summarise_types_and_axes() -> None:
    weights = np.random.default_rng(2).standard_normal((20, 30, 1, 3, 3))
    analysis = analyse_bank(Bank("a.npz", "0" * 64, (Layer("a", weights),), ()))
    layer, slices = analysis.layers.iloc[0], analysis.slices["k3x3"]
    assert layer.strongest == 2 * 3
    assert layer.symmetric + layer.antisymmetric + layer.mixed == pytest.approx(1.0)
    assert layer.asymmetric_share == pytest.approx(1 - layer.isotropic_share, abs=ROUNDING)
    axes = [
        np.linalg.eigvalsh(np.cov(rows.point_x, rows.point_y)) for _, rows in slices.groupby("out")
    ]
    spreads = [(high - low) / (high + low) for low, high in axes]
    assert layer.anisotropy == pytest.approx(np.median(spreads), rel=1e-9)
