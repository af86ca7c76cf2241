"""Results opened by their folder: tables with units, trajectories as one dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import mechcore
from mechcore.analysis.units import units_of, write_with_units
from mechcore.experiment.config import load_experiment
from mechcore.experiment.grid import expand
from mechcore.io.netcdf import write_dataset
from mechcore.results.cells_table import cells_table
from mechcore.results.results import TABLES, Results
from mechcore.simulation.reading import read_trajectories
from mechcore.simulation.run import simulate
from tests.helpers.experiments import SMALL, run
from tests.helpers.refusals import refused

pytest.importorskip("dask")

# Laplacians have odd sizes alone, and translations have betas of their own.
CONFIG = SMALL | {
    "kernels": ["dct", "laplace", "translation"],
    "sizes": [2, 3],
    "patterns": ["delta", {"name": "delta", "region": "row"}],
    "steps": 6,
    "engine": "reference",
}
CELLS = expand(load_experiment(CONFIG))
GRID = ("kernel", "activation", "size")


@pytest.fixture(scope="module")
def opened(simulated: Path) -> Results:
    return mechcore.open_results(simulated)


def test_results_know_their_configuration_and_the_units_of_tables(opened: Results) -> None:
    assert opened.experiment == load_experiment(CONFIG)
    assert "8 of 8 cells" in repr(opened)
    units = {name: getattr(opened, name).attrs["units"] for name in TABLES}
    assert units["metrics"]["speed"] == units["kernels"]["light_speed"] == "px/layer"
    assert units["metrics"]["beta"] == "1"
    assert "cell" not in units["metrics"]


@pytest.mark.parametrize("name", [*TABLES, "cells"])
def test_tables_are_the_same_as_parquet_with_units(
    opened: Results, tmp_path: Path, name: str
) -> None:
    pytest.importorskip("pyarrow")
    table = cells_table(opened) if name == "cells" else getattr(opened, name)
    path = tmp_path / f"{name}.csv"
    write_with_units(table, path)
    copy = path.with_suffix(".parquet")
    read = pd.read_parquet(copy)
    pd.testing.assert_frame_equal(read, table, check_exact=True)
    assert set(read.attrs["units"]) == {*table.select_dtypes("number")}
    written = copy.read_bytes()
    write_with_units(table, path)
    assert copy.read_bytes() == written


def test_each_fit_has_the_unit_of_what_is_fitted(opened: Results) -> None:
    units = units_of(cells_table(opened))
    assert units["delta_speed_max"] == units["delta_slope_beta"] == "px/layer"
    assert units["delta_slope_squared_asymptotic_speed"] == units["delta_r2_beta"] == "1"
    assert units_of(opened.pooled)["slope"] == "layer^(-1/2)"


@pytest.mark.parametrize("name", CELLS)
def test_trajectories_are_one_dataset(opened: Results, simulated: Path, name: str) -> None:
    cell, joined = CELLS[name], opened.trajectories
    assert joined.mu_x.dims == (*GRID, "pattern", "angle", "beta", "t")
    assert joined.mu_x.chunks is not None
    alone = read_trajectories(simulated / "trajectories" / f"{name}.nc", cell)
    part = joined.sel({label: getattr(cell, label) for label in GRID}).sel(
        {label: alone[label] for label in ("kernel_y", "kernel_x")}
    )
    for variable in (*alone.data_vars, "measured_beta"):
        np.testing.assert_array_equal(part[variable], alone[variable])


def test_what_is_not_in_the_grid_is_nan(opened: Results) -> None:
    assert np.isnan(opened.trajectories.mu_x.sel(kernel="laplace", size=2)).all()


def test_xarray_opens_trajectories_as_they_are(simulated: Path) -> None:
    with xr.open_mfdataset(f"{simulated}/trajectories/*.nc") as joined:
        assert joined.mu_x.dims == ("cell", "pattern", "angle", "beta", "t")
        assert joined.sizes["cell"] == len(CELLS)
        rows = joined.set_index(cell=GRID).sel(kernel="dct", activation="relu", size=3)
        assert float(rows.mu_x.sel(beta=1.0, pattern="delta", t=6).squeeze()) == 6.0
        shifts = joined.set_index(cell=GRID).sel(kernel="translation").measured_beta.isel(beta=-1)
        # A shift less the mean of four neighbours has the energy 3/4, its odd part 1/2.
        np.testing.assert_allclose(shifts, np.sqrt(2 / 3), atol=1e-12)  # rounded to 12 digits
    with xr.open_dataset(simulated / "trajectories" / "dct-relu-k3.nc") as alone:
        assert {name: alone[name].item() for name in GRID}.items() <= alone.attrs.items()


def test_xarray_joins_experiments_that_share_cells(simulated: Path, tmp_path: Path) -> None:
    other = CONFIG | {"normalise": "none", "kernels": ["dct"], "sizes": [2]}
    for name, cell in expand(load_experiment(other)).items():
        write_dataset(simulate(cell), tmp_path / "trajectories" / f"{name}.nc")
    files = [str(path) for folder in (simulated, tmp_path) for path in folder.glob("traj*/*.nc")]
    with xr.open_mfdataset(files) as joined:
        # None took the place of one with the same kernel, activation and size.
        assert joined.sizes["cell"] == len(files) == len(CELLS) + 2


def test_xarray_joins_other_grids_as_the_docs_say(simulated: Path, tmp_path: Path) -> None:
    other = SMALL | {"patterns": ["disc", "delta"], "angles": [90], "betas": [0.5], "steps": 9}
    for name, cell in expand(load_experiment(other)).items():
        write_dataset(simulate(cell), tmp_path / "trajectories" / f"{name}.nc")
    files = [str(path) for folder in (simulated, tmp_path) for path in folder.glob("traj*/*.nc")]
    how = {"combine": "nested", "concat_dim": "cell", "join": "outer"}
    how |= {"data_vars": "minimal", "coords": "minimal", "compat": "override"}
    with xr.open_mfdataset(files, **how) as joined:
        assert joined.sizes["cell"] == len(files)
        for name, cell in CELLS.items():
            path = simulated / "trajectories" / f"{name}.nc"
            alone = read_trajectories(path, cell)
            places = {at: alone[at] for at in ("cell", "pattern", "angle", "beta", "t")}
            part = joined.sel(places)
            np.testing.assert_array_equal(part.mu_x, alone.mu_x)
            np.testing.assert_array_equal(part.measured_beta, alone.measured_beta)


def test_the_headline_figure_has_a_line_for_each_cell(opened: Results) -> None:
    labels = [line.get_label() for line in opened.plot("translation").get_lines()]
    assert labels[:-1] == ["translation-relu-k3", "translation-modulus-k3"]


def test_a_run_of_the_trajectories_is_drawn_over_its_light_cone(opened: Results) -> None:
    drawn = opened.trajectories.sel(kernel="dct", activation="relu", size=2, beta=0.5, angle=0.0)
    centroid, theory = mechcore.plot_light_cone(drawn.isel(pattern=0)).lines
    # Centroids of 6 layers, good to a few roundings of some px.
    np.testing.assert_allclose(centroid.get_xdata(), theory.get_xdata(), atol=1e-13)


def test_results_open_where_their_weights_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = "resources/banks/digits.safetensors"
    run(tmp_path / "results", SMALL | {"engine": "reference", "filter_banks": [bank]})
    monkeypatch.chdir(tmp_path)
    assert not mechcore.open_results("results").banks


def test_unfinished_results_need_their_configuration(results: Path) -> None:
    (results / "sweep.json").unlink()
    with refused("sweep.json: missing", "config='config/NAME.yaml'"):
        mechcore.open_results(results)
    (results / "metrics.csv").unlink()
    (results / "trajectories" / "dct-relu-k2.nc").unlink()
    unfinished = mechcore.open_results(results, CONFIG)
    assert "7 of 8 cells" in repr(unfinished)
    with refused("nowhere: no such folder"):
        mechcore.open_results("nowhere")
