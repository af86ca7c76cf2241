"""The analysis of a bank, and its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mechcore.errors import MechcoreError
from mechcore.filters.bank_file import (
    SLICE_COORDINATES,
    analyse_bank,
    read_analysis,
    write_analysis,
)
from mechcore.filters.summary import SHARES
from mechcore.io.netcdf import FORMAT_VERSION, read_groups, write_dataset
from tests.helpers.banks import small_bank

ROUNDING = 1e-12


def test_summaries_are_those_of_the_kernels() -> None:
    analysis = analyse_bank(small_bank())
    assert analysis.layers.name.tolist() == ["first", "volume", "line"]
    assert analysis.layers.slices.tolist() == [8, 12, 5]
    assert analysis.layers.zero_slices.tolist() == [2, 0, 0]
    slices = analysis.slices["k3x3"]
    first = slices.isel(slice=(slices.layer == 0) & (slices.energy > 0))
    row = analysis.layers.iloc[0]
    for name in set(SHARES) - {"dc_share"}:
        weighted = float((first[name] * first.energy).sum() / first.energy.sum())
        assert row[name] == pytest.approx(weighted, rel=ROUNDING)
        assert row[f"{name}_mean"] == pytest.approx(float(first[name].mean()), rel=ROUNDING)
    assert row.dc_share == pytest.approx(
        float(first.dct_energy[:, 0, 0].sum() / first.energy.sum()), rel=ROUNDING
    )
    total = analysis.summary.iloc[0]
    assert total.slices == 25
    assert total.energy == pytest.approx(sum(analysis.layers.energy), rel=ROUNDING)


def test_filters_are_the_outputs_of_each_layer() -> None:
    analysis = analyse_bank(small_bank())
    filters = analysis.filters["k3x3"]
    assert filters[["layer", "out"]].values.tolist() == [
        *([0, out] for out in range(4)),
        *([1, out] for out in range(3)),
    ]
    assert np.isnan(filters.odd_energy_ratio[1])
    assert filters.energy.sum() == pytest.approx(analysis.layers.energy[:2].sum(), rel=ROUNDING)


def test_file_holds_the_analysis_with_units(tmp_path: Path) -> None:
    analysis = analyse_bank(small_bank())
    write_analysis(analysis, tmp_path / "bank.nc")
    again = read_analysis(tmp_path / "bank.nc")
    assert again.attributes["weights_sha256"] == "0" * 64
    for name, slices in analysis.slices.items():
        xr.testing.assert_identical(
            again.slices[name].drop_attrs(),
            slices.drop_attrs().reset_coords().set_coords([*SLICE_COORDINATES]),
        )
    assert again.layers.equals(analysis.layers)
    assert again.summary.equals(analysis.summary)
    assert again.skipped.equals(analysis.skipped)
    assert list(again.filters) == ["k3x3", "k1x4"]
    for name, group in read_groups(tmp_path / "bank.nc").items():
        assert all("units" in group[variable].attrs for variable in group.variables), name


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    write_dataset(xr.Dataset(attrs={"format_version": FORMAT_VERSION}), tmp_path / "other.nc")
    with pytest.raises(MechcoreError, match="another kind of file"):
        read_analysis(tmp_path / "other.nc")
