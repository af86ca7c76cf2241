"""The netCDF format: round trips, metadata, and files that are whole or not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import netCDF4
import numpy as np
import pytest
import xarray as xr

from mechcore.errors import MechcoreError
from mechcore.experiment.cell import AXES, Cell
from mechcore.io.netcdf import (
    CONTENT_HASH,
    FORMAT_VERSION,
    PROVENANCE,
    content_hash,
    file_attributes,
    read_attributes,
    read_dataset,
    write_dataset,
)
from mechcore.model.kernels import kernel
from mechcore.simulation.dataset import ATTRIBUTES
from mechcore.simulation.run import propagate, simulate

CELL = Cell(
    kernel="dct",
    activation="relu",
    size=2,
    patterns=["delta", "disc"],
    angles=[0.0, 90.0],
    betas=[0.0, 0.5, 1.0],
    steps=6,
    snapshots={"layers": [0, 6], "window": 9},
)


@pytest.fixture(scope="module")
def dataset() -> xr.Dataset:
    return simulate(CELL)


RUNS = {
    "single": (kernel("dct", 3, 0.5, 30), "compiled"),
    "extinct": (-np.ones((2, 2)), "compiled"),
    "stack": (np.ones((3, 2, 2)), "compiled"),
    "extinct stack": (-np.ones((2, 2, 2)), "compiled"),
    "extinct stack, reference": (-np.ones((2, 2, 2)), "reference"),
}


def run_of(name: str) -> xr.Dataset:
    taps, engine = RUNS[name]
    return propagate(taps, steps=5, snapshots=[2], window=7, engine=engine)


def test_a_cell_survives_the_file_and_is_known_by_it(dataset: xr.Dataset, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "cell.nc"
    write_dataset(dataset, path)
    read = read_dataset(path)
    xr.testing.assert_equal(read, dataset)
    assert dataset.attrs.items() <= read.attrs.items()
    assert read.attrs[CONTENT_HASH] == content_hash(dataset) == content_hash(read)
    assert read.attrs["cell_id"] == CELL.id
    assert Cell.from_json(read.attrs["cell"]) == CELL
    assert len(read.attrs["core_hash"]) == 16
    assert (read.t.dtype.kind, read.snapshot.dtype, read.mu_x.dtype) == ("i", "f4", "f8")
    assert read.pattern.values.tolist() == ["delta", "disc"]


@pytest.mark.parametrize("name", RUNS)
def test_a_run_survives_the_file_with_its_hash(tmp_path: Path, name: str) -> None:
    run = run_of(name)
    assert np.all(run.extinct_at == 1) == name.startswith("extinct")
    write_dataset(run, tmp_path / "run.nc")
    read = read_dataset(tmp_path / "run.nc")
    xr.testing.assert_equal(read, run)
    assert read.extinct_at.dtype == run.extinct_at.dtype
    assert content_hash(read) == content_hash(run)


@pytest.mark.parametrize("kind", ["cell", "single", "extinct"])
def test_every_variable_has_a_long_name_and_a_unit(
    dataset: xr.Dataset, tmp_path: Path, kind: str
) -> None:
    run = dataset if kind == "cell" else run_of(kind)
    write_dataset(run, tmp_path / "run.nc")
    with netCDF4.Dataset(tmp_path / "run.nc") as file:
        assert file.Conventions == "CF-1.11, ACDD-1.3"
        assert {"title", "summary", "keywords", "history"} <= set(file.ncattrs())
        assert file.data_model == "NETCDF4"
        for name, variable in file.variables.items():
            long_name, unit = ATTRIBUTES[name]
            assert variable.long_name == long_name
            assert variable.units == unit


def test_all_variables_of_the_format_are_written(dataset: xr.Dataset) -> None:
    # Settings are coordinates only where they are axes of the grid.
    assert set(map(str, dataset.variables)) == set(ATTRIBUTES) - set(AXES)


def test_ends_are_stored_as_integers_with_minus_one_for_none(tmp_path: Path) -> None:
    for name, expected in (("extinct", 1), ("single", -1)):
        write_dataset(run_of(name), tmp_path / "run.nc")
        with netCDF4.Dataset(tmp_path / "run.nc") as file:
            file.set_auto_mask(False)
            variable = file["extinct_at"]
            assert variable.dtype == np.int32
            assert variable._FillValue == -1
            assert variable[...] == expected
        read = read_dataset(tmp_path / "run.nc").extinct_at
        assert read == 1 if name == "extinct" else np.isnan(read)


@pytest.mark.parametrize("name", [*PROVENANCE, "cell", "t_burn", "activation", "Conventions"])
def test_the_hash_notices_a_setting_but_not_the_writer(dataset: xr.Dataset, name: str) -> None:
    same = content_hash(dataset.assign_attrs({name: "other"})) == content_hash(dataset)
    assert same == (name in PROVENANCE)


@pytest.mark.parametrize("name", ["mu_x", "snapshot", "extinct_at", "kernel_taps", "beta"])
def test_the_hash_notices_one_value(dataset: xr.Dataset, name: str) -> None:
    changed = dataset.copy(deep=True)
    values = changed[name].values.copy()
    first = values.flat[0]
    values.flat[0] = 3 if np.isnan(first) else np.nextafter(first, np.inf, dtype=values.dtype)
    changed[name] = (changed[name].dims, values)
    assert content_hash(changed) != content_hash(dataset)


def test_the_hash_notices_variables_but_neither_their_order_nor_the_bits_of_nan_and_zero(
    dataset: xr.Dataset,
) -> None:
    turned = dataset[list(reversed(list(dataset.data_vars)))]
    assert content_hash(turned) == content_hash(dataset)
    for other in (dataset.drop_vars("gain"), dataset.rename(gain="loss")):
        assert content_hash(other) != content_hash(dataset)
    plain = xr.Dataset({"a": ("t", [0.0, np.nan])})
    payload = np.array([0x8000000000000000, 0xFFF8000000000001], dtype=np.uint64)
    assert content_hash(xr.Dataset({"a": ("t", payload.view(np.float64))})) == content_hash(plain)


@pytest.mark.parametrize(
    "content", [None, b"", b"text", b"\x89HDF\r\n\x1a\n" + bytes(100), b"CDF\x01"]
)
def test_a_missing_or_damaged_file_is_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "damaged.nc"
    reason = "missing" if content is None else ""
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MechcoreError, match=rf"damaged\.nc: {reason}[^\n]*$"):
        read_dataset(path)


@pytest.mark.parametrize("read", [read_dataset, read_attributes])
def test_too_little_memory_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[..., object]
) -> None:
    write_dataset(run_of("single"), tmp_path / "run.nc")
    monkeypatch.setattr(netCDF4, "Dataset", Mock(side_effect=MemoryError))
    with pytest.raises(MemoryError):
        read(tmp_path / "run.nc")


@pytest.mark.parametrize("name", ["a", "t"])
def test_a_file_that_declares_more_than_it_holds_fills_no_memory(tmp_path: Path, name: str) -> None:
    path = tmp_path / "bomb.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("t", 2**34)
        file.createVariable(name, "f8", ("t",), chunksizes=(1024,))
        file.format_version = FORMAT_VERSION
    with pytest.raises(MechcoreError, match=r"bomb\.nc: .* declares 17179869184 values"):
        read_dataset(path)


def test_what_packs_best_is_read(tmp_path: Path) -> None:
    zeros = xr.Dataset(
        {"a": ("t", np.zeros(10**7, np.int8))}, attrs=file_attributes("zeros", "none")
    )
    path = tmp_path / "zeros.nc"
    write_dataset(zeros, path)
    assert path.stat().st_size < 10**7 / 150
    assert not read_dataset(path).a.any()


@pytest.mark.parametrize("version", [None, 99])
def test_another_version_is_told(dataset: xr.Dataset, tmp_path: Path, version: int | None) -> None:
    path = tmp_path / "foreign.nc"
    attributes = {} if version is None else {"format_version": version}
    dataset.drop_attrs().assign_attrs(attributes).to_netcdf(path, engine="netcdf4")
    with pytest.raises(
        MechcoreError, match=rf"foreign\.nc: format version {version}, .* reads 3; delete it"
    ):
        read_dataset(path)
