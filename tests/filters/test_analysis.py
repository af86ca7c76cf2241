"""Many kernels at once: equal to one at a time, and true to the symmetries of a kernel."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mechcore.errors import InvalidValue
from mechcore.filters import analysis
from mechcore.filters.analysis import analyse
from mechcore.model.decomposition import decompose
from mechcore.model.theory import theory

ROUNDING = 1e-12
"""The shares of at most 64 squares round to 64 units in the last place, 1e-14."""

shapes = st.tuples(st.integers(1, 8), st.integers(1, 8))
seeds = st.integers(0, 2**32 - 1)


def deviates(shape: tuple[int, int], seed: int, count: int = 20) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal((count, *shape))


@given(shapes, seeds, st.sampled_from([1e-150, 1e-3, 1.0, 1e150]))
def test_equals_the_decomposition_of_each_kernel(
    shape: tuple[int, int], seed: int, scale: float
) -> None:
    kernels = deviates(shape, seed, 5) * scale
    result = analyse(kernels)
    for index, kernel_taps in enumerate(kernels):
        row, parts = result.isel(slice=index), decompose(kernel_taps)
        np.testing.assert_allclose(row.beta, parts.beta, rtol=ROUNDING)
        # Sums of the same terms in another order, which may cancel.
        sums = [row.total, row.momentum_x, row.momentum_y]
        expected = [parts.total, *parts.momentum_vector]
        np.testing.assert_allclose(sums, expected, rtol=ROUNDING, atol=ROUNDING * 64 * scale)
        np.testing.assert_allclose(row.odd_share, parts.odd_energy_ratio, rtol=ROUNDING)
        isotropic = (np.linalg.norm(parts.isotropic / scale) / (parts.energy / scale)) ** 2
        np.testing.assert_allclose(row.isotropic_share, isotropic, atol=ROUNDING)
        # From the spectrum: the DCT is orthogonal.
        np.testing.assert_allclose(np.sqrt(row.energy), parts.energy, rtol=ROUNDING)


@given(shapes, seeds, st.sampled_from([2.0**-1000, 2.0**1018]))
def test_shares_and_directions_do_not_depend_on_the_scale(
    shape: tuple[int, int], seed: int, scale: float
) -> None:
    kernels = deviates(shape, seed, 5)
    first, other = analyse(kernels), analyse(scale * kernels)
    for name in set(first.data_vars) - {*analysis.OF_THE_SCALE, "energy", "dct_energy"}:
        np.testing.assert_array_equal(other[name], first[name])
    for name in analysis.OF_THE_SCALE:
        np.testing.assert_array_equal(other[name], scale * first[name])


@given(shapes, seeds)
def test_velocity_is_that_of_the_exact_theory(shape: tuple[int, int], seed: int) -> None:
    kernels = np.abs(deviates(shape, seed))
    result = analyse(kernels)
    assert result.no_negative_tap.all()
    velocities = np.array([theory(kernel_taps).velocity for kernel_taps in kernels])
    actual = np.stack([result.velocity_x, result.velocity_y], axis=1)
    # Sums of the same terms in another order, which may cancel.
    np.testing.assert_allclose(actual, velocities, rtol=ROUNDING, atol=ROUNDING * 64)


@given(shapes, seeds)
def test_shares_add_up_and_energies_are_conserved(shape: tuple[int, int], seed: int) -> None:
    kernels = deviates(shape, seed)
    columns = analyse(kernels)
    shares = columns.isotropic_share + columns.anisotropic_share + columns.odd_share
    np.testing.assert_allclose(shares, 1.0, atol=ROUNDING)
    np.testing.assert_array_equal(columns.odd_share, columns.odd_energy_ratio)
    energies = np.square(kernels).sum(axis=(1, 2))
    np.testing.assert_allclose(columns.energy, energies, rtol=ROUNDING)
    np.testing.assert_allclose(columns.dct_energy.sum(["v", "u"]), energies, rtol=ROUNDING)


@given(st.integers(2, 8), seeds)
def test_quarter_turn_turns_momentum_and_spectrum(size: int, seed: int) -> None:
    kernels = deviates((size, size), seed)
    # Rows point down, so that this turns +x to +y.
    columns, turned = analyse(kernels), analyse(np.rot90(kernels, -1, axes=(1, 2)))
    np.testing.assert_allclose(turned.momentum_x, -columns.momentum_y, atol=ROUNDING * 64)
    np.testing.assert_allclose(turned.momentum_y, columns.momentum_x, atol=ROUNDING * 64)
    angles = (turned.momentum_angle - columns.momentum_angle - 90 + 180) % 360 - 180
    np.testing.assert_allclose(angles, 0.0, atol=1e-6)
    spectrum = columns.dct_energy.transpose("slice", "u", "v").values
    np.testing.assert_allclose(turned.dct_energy, spectrum, atol=ROUNDING * 64)
    for name in ("isotropic_share", "anisotropic_share", "low_frequency_share", "rank"):
        np.testing.assert_allclose(turned[name], columns[name], atol=ROUNDING)


@given(st.integers(1, 7), st.integers(1, 7), seeds, st.integers(1, 3))
def test_ranks_are_those_of_numpy(height: int, width: int, seed: int, rank: int) -> None:
    random = np.random.default_rng(seed)
    low = random.standard_normal((9, height, rank)) @ random.standard_normal((9, rank, width))
    kernels = np.concatenate([low, deviates((height, width), seed), np.zeros((1, height, width))])
    np.testing.assert_array_equal(analyse(kernels)["rank"], np.linalg.matrix_rank(kernels))


def test_rank_of_single_precision_counts_what_single_precision_can_tell() -> None:
    product = np.outer([1.0, 1 / 3, 0.2], [0.3, 1.0, 0.7]).astype(np.float32)
    assert analyse(product[np.newaxis])["rank"] == 1


def test_result_does_not_depend_on_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    kernels = deviates((3, 3), 1, 100)
    whole = analyse(kernels)
    monkeypatch.setattr(analysis, "CHUNK", 7)
    # Other sums of the same terms: matrix products of another shape.
    xr.testing.assert_allclose(analyse(kernels), whole, rtol=1e-11, atol=ROUNDING)


def test_kernel_of_zeros_has_no_shares() -> None:
    columns = analyse(np.zeros((1, 3, 3)))
    assert columns.energy == 0
    assert columns["rank"] == 0
    for name in ("odd_share", "isotropic_share", "beta", "momentum_angle", "velocity_x"):
        assert np.isnan(columns[name])


NO_STACKS = [np.zeros((3, 3)), np.full((1, 2, 2), np.nan), [["a"]]]
NO_STACKS += [np.zeros((1, 0, 3)), np.zeros((0, 3, 3))]


@pytest.mark.parametrize("kernels", NO_STACKS)
def test_what_is_no_stack_of_kernels_is_refused(kernels: object) -> None:
    with pytest.raises(InvalidValue, match="kernels"):
        analyse(kernels)
