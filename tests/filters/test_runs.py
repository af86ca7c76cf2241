"""Trained kernels under the engine, beside what their moments predict."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mechcore.experiment.banks import FilterRun
from mechcore.filters.bank import Bank
from mechcore.filters.bank_file import SLICE_COORDINATES, analyse_bank
from mechcore.filters.layers import Layer
from mechcore.filters.runs import simulate_bank, strongest
from mechcore.filters.velocities import filter_velocities
from mechcore.io.json_models import parsed_json, validated
from mechcore.io.netcdf import ROOT, read_groups, write_groups
from mechcore.model.kernels import kernel
from tests.helpers.banks import small_bank


def run_settings(**changes: object) -> FilterRun:
    chosen = {"activations": ["relu"], "patterns": ["delta"], "slices_per_layer": 3, "steps": 8}
    return validated(FilterRun, chosen | changes, "settings")


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=30),
    st.integers(1, 5),
    st.integers(0, 2**32 - 1),
)
def test_strongest_kernels_of_each_layer(layers: list[int], most: int, seed: int) -> None:
    energy = np.random.default_rng(seed).integers(0, 5, len(layers)).astype(float)
    slices = xr.Dataset({"energy": ("slice", energy)}, {"layer": ("slice", layers)})
    chosen = strongest(slices, most)
    assert (np.diff(chosen) > 0).all()
    for layer in set(layers):
        members = np.flatnonzero(np.array(layers) == layer)
        picked = [place for place in members if place in chosen]
        assert len(picked) == min(most, (energy[members] > 0).sum())
        left = [energy[place] for place in members if place not in chosen]
        assert not picked or not left or min(energy[picked]) >= max(left)


def velocities(
    taps: NDArray[np.float64], spacing: tuple[float, float] = (1.0, 1.0), **changes: object
) -> pd.DataFrame:
    layers, settings = (Layer("a", taps, spacing),), run_settings(**changes)
    bank = Bank("a.npz", "0" * 64, layers, ())
    return filter_velocities(analyse_bank(bank), [simulate_bank(bank, settings)])


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (2.0, 2.0), (0.5, 3.0)])
def test_kernels_without_negative_taps_move_as_predicted(spacing: tuple[float, float]) -> None:
    taps = np.array([[[[kernel("dct", 3, 0.4, angle)]]] for angle in (0, 45, 200)])
    table = velocities(taps, spacing, activations=["relu", "modulus"], patterns=["delta", "disc"])
    assert len(table) == 3 * 2 * 2
    assert table.no_negative_tap.all()
    for axis in "xy":
        # The engines equal the exact theory to this.
        np.testing.assert_allclose(table[f"velocity_{axis}"], table[f"predicted_{axis}"], atol=1e-9)
    np.testing.assert_allclose(table.speed, np.hypot(table.velocity_x, table.velocity_y), atol=1e-9)
    np.testing.assert_allclose(table.speed_theory, table.speed, atol=1e-9)
    np.testing.assert_allclose(table.direction, table.momentum_angle, atol=1e-6)
    assert set(table.layer) == {"a"}


def test_kernels_without_a_positive_tap_die_under_relu() -> None:
    taps = np.array([[[[[-1.0, -1.0], [-1.0, -1.0]]]], [[[[-1.0, -1.0], [-1.0, 0.1]]]]])
    extinct_at = velocities(taps).extinct_at.tolist()
    assert extinct_at == pytest.approx([1.0, np.nan], nan_ok=True)


def test_runs_name_their_kernels_and_are_read_back(tmp_path: Path) -> None:
    bank = small_bank()
    groups = simulate_bank(bank, run_settings(activations=["relu", "tanh"]))
    write_groups(groups, tmp_path / "runs.nc")
    again = read_groups(tmp_path / "runs.nc")
    assert set(again) == {ROOT, "k3x3", "k1x4"}
    run = again["k3x3"]
    assert dict(run.sizes) | {"t": 9, "activation": 2, "pattern": 1, "slice": 6} == dict(run.sizes)
    for place in range(run.sizes["slice"]):
        layer, *inside = (int(run[name][place]) for name in SLICE_COORDINATES)
        taps = bank.layers[layer].kernels[tuple(inside)]
        np.testing.assert_array_equal(run.kernel_taps[place], taps)
    assert parsed_json(again[ROOT].attrs["settings"], "settings") == parsed_json(
        run_settings(activations=["relu", "tanh"]).to_json(), "settings"
    )
    assert len(filter_velocities(analyse_bank(bank), [again])) == 2 * (6 + 3)
