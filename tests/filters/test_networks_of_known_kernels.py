"""Whole files of weights whose shares are known: by chance, by construction, by symmetry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats

from mechcore.filters.bank import load_bank
from mechcore.filters.bank_file import BankAnalysis, analyse_bank
from mechcore.filters.null import null_law
from mechcore.model.kernels import dct_basis
from tests.helpers.weight_files import write_npz

ROUNDING = 1e-6
"""Shares of kernels that are stored in single precision."""

SHAPES = {
    "first": (64, 3, 3, 3),
    "full": (32, 24, 3, 3),
    "depthwise": (512, 1, 3, 3),
    "line": (64, 16, 5),
    "volume": (16, 8, 3, 3, 3),
    "large": (32, 16, 5, 5),
}


def analysed(folder: Path, **arrays: NDArray[np.floating]) -> BankAnalysis:
    path = folder / "net.npz"
    write_npz(path, {f"{name}.conv.weight": array for name, array in arrays.items()})
    return analyse_bank(load_bank(path))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_random_networks_follow_the_laws_of_chance(
    tmp_path: Path, rng: np.random.Generator, shape: tuple[int, ...]
) -> None:
    analysis = analysed(tmp_path, net=rng.standard_normal(shape).astype(np.float32))
    ((name, slices),) = analysis.slices.items()
    height, width = (int(side) for side in name[1:].split("x"))
    for share in ("odd_energy_ratio", "low_frequency_share", "isotropic_share"):
        law = stats.beta(*null_law(share, height, width))
        # Seeded: a true law fails so rarely.
        assert stats.kstest(slices[share].values, law.cdf).pvalue > 1e-3, share
    # The mean of at least 500 kernels, by the law of a layer: beyond it once in a million.
    row = analysis.layers.iloc[0]
    law = stats.beta(*null_law("low_frequency_share", height, width, row.effective_slices))
    assert law.ppf(5e-7) < row.low_frequency_share < law.ppf(1 - 5e-7)


def planted(size: int, weights: dict[tuple[int, int], float]) -> NDArray[np.float32]:
    """A kernel with these shares of its energy in coefficients of the DCT."""
    parts = [
        np.sqrt(share) * np.outer(dct_basis(size, v), dct_basis(size, u))
        for (v, u), share in weights.items()
    ]
    return np.sum(parts, axis=0).astype(np.float32)


@pytest.mark.parametrize("size", [3, 5, 7])
def test_planted_mixtures_are_recovered(tmp_path: Path, size: int) -> None:
    strong = planted(size, {(0, 0): 0.5, (0, 1): 0.2, (1, 0): 0.1, (1, 1): 0.2})
    weak = planted(size, {(0, 0): 0.1, (2, 0): 0.9})
    # One has four times the energy of the other.
    analysis = analysed(tmp_path, net=np.array([[2 * strong, weak]]))
    row = analysis.layers.iloc[0]
    expected = {
        "dc_share": (4 * 0.5 + 0.1) / 5,
        "dc_share_mean": (0.5 + 0.1) / 2,
        "low_frequency_share": (4 * 0.8 + 0.1) / 5,
        "low_frequency_share_median": (0.8 + 0.1) / 2,
        "odd_energy_ratio": 4 * 0.3 / 5,
        "odd_energy_ratio_median": 0.15,
        # Of D20 alone half is in D20 + D02, which the square's symmetries keep.
        "asymmetric_share": (4 * 0.5 + 0.45) / 5,
        "effective_slices": 25 / 17,
    }
    for name, value in expected.items():
        assert row[name] == pytest.approx(value, abs=ROUNDING), name


def layer_of(analysis: BankAnalysis) -> tuple[pd.Series, NDArray[np.floating]]:
    (slices,) = analysis.slices.values()
    return analysis.layers.iloc[0], np.array([slices.momentum_x, slices.momentum_y])


def test_a_layer_that_is_permuted_transposed_or_flipped_acts_as_it_must(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    kernels = rng.standard_normal((6, 4, 3, 3)).astype(np.float32)
    layer, momenta = layer_of(analysed(tmp_path, net=kernels))
    order = rng.permutation(6)
    changes = {
        "permuted": (kernels[order], momenta.reshape(2, 6, 4)[:, order].reshape(2, -1)),
        "transposed": (kernels.swapaxes(2, 3), momenta[::-1]),
        "mirrored": (kernels[..., ::-1], momenta * [[-1], [1]]),
        "turned": (kernels[..., ::-1, ::-1], -momenta),
        "scaled": (8 * kernels, 8 * momenta),
    }
    for name, (changed, expected) in changes.items():
        other, moved = layer_of(analysed(tmp_path, net=changed))
        np.testing.assert_allclose(moved, expected, atol=1e-5, err_msg=name)
        for column in ("low_frequency_share", "odd_energy_ratio", "asymmetric_share", "alignment"):
            assert other[column] == pytest.approx(layer[column], abs=ROUNDING), (name, column)
