"""The engine that ran the cells against the reference engine, one simulation of each cell."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from mechcore.analysis.tables import read_table
from mechcore.cli import main
from mechcore.engines import ENGINES
from mechcore.engines.trajectories import AGREEMENT, DENSITIES, QUANTITIES
from mechcore.errors import MechcoreError
from mechcore.experiment.cell import Cell
from mechcore.experiment.config import load_experiment
from mechcore.experiment.grid import expand
from mechcore.io.netcdf import write_dataset
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import BOUNDARIES
from mechcore.model.kernels import FAMILIES
from mechcore.model.normalisations import NORMALISATIONS
from mechcore.simulation.dataset import with_cell
from mechcore.simulation.run import simulate
from mechcore.verification.deviations import (
    DEVIATIONS,
    affordable_layers,
    chosen_simulation,
    deviation_of,
    deviations,
    reference_cell,
)

SETTINGS: dict[str, object] = {
    "experiment": "deviations",
    "kernels": ["dct", "random"],
    "activations": ["relu", "tanh"],
    "sizes": [2, 3],
    "patterns": ["delta", "disc"],
    "angles": [0, 45],
    "betas": [0.0, 0.3, 0.7, 1.0],
    "steps": 8,
}
CELLS = expand(load_experiment(SETTINGS))

REACH = 20.0
"""Nothing is farther from the origin in px, nor wider, in the grids of these tests: 12 layers of
k = 3 from a disc that reaches to 8 px."""

TOLERANCE = AGREEMENT * REACH
"""The engines agree to 1e-10 of the displacement or the width: 2e-9 px."""

FAULT = 1e-6
"""A fault of a millionth of a pixel must be seen."""

QUANTITY = {"deviation": "mu_x", "deviation_mass": "mass", "deviation_sigma": "sigma_y"}


def make_cell(**changes: object) -> Cell:
    named = {"kernel": "dct", "activation": "relu", "size": 3, "steps": 8}
    axes = {"angles": [0.0, 30.0], "betas": [0.0, 0.35, 0.75], "patterns": ["delta", "disc"]}
    return Cell.model_validate(named | axes | changes)


def with_fault(run: xr.Dataset, cell: Cell, name: str, layer: int, amount: float) -> xr.Dataset:
    """A run in which one number of the simulation that is compared is off."""
    faulty = run.copy(deep=True)
    faulty[name][chosen_simulation(cell)._asdict() | {"t": layer}] += amount
    return faulty


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trajectories of a small experiment."""
    made = tmp_path_factory.mktemp("trajectories")
    for name, cell in CELLS.items():
        write_dataset(simulate(cell), made / f"{name}.nc")
    return made


# The compiled engine agrees, whatever the cell.


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("family", list(FAMILIES))
def test_cells_of_every_family_and_activation_agree(family: str, activation: str) -> None:
    for size in (2, 3):
        cell = make_cell(kernel=family, activation=activation, size=size, steps=12)
        row = deviation_of(simulate(cell), cell)
        assert row["layers"] == 12
        # Also if rounding decides a kurtosis: within 12 layers it does not reach the centroid.
        assert row["deviation"] < TOLERANCE
        assert row["deviation_mass"] < AGREEMENT
        assert row["deviation_sigma"] < TOLERANCE


@pytest.mark.parametrize("boundary", list(BOUNDARIES))
@pytest.mark.parametrize("density", list(DENSITIES))
@pytest.mark.parametrize("normalise", list(NORMALISATIONS))
def test_cells_agree_under_every_setting(boundary: str, density: str, normalise: str) -> None:
    rules = {"boundary": boundary, "density": density, "normalise": normalise}
    domain = {"domain": 21} if BOUNDARIES[boundary].finite else {}
    for size in (2, 3):
        cell = make_cell(size=size, mixing="linear", snapshots={"layers": [8]}, **rules, **domain)
        assert deviation_of(simulate(cell), cell)["deviation"] < TOLERANCE


def test_the_reference_engine_does_not_deviate_from_itself() -> None:
    # Copies by symmetry are turned, which rounds them in another order.
    cell = make_cell(engine="reference", reuse_symmetric=False)
    row = deviation_of(simulate(cell), cell)
    assert [row[name] for name in QUANTITY] == [0.0, 0.0, 0.0]


# Faults are seen.


@pytest.mark.parametrize("column", list(QUANTITY))
@pytest.mark.parametrize("layer", [1, 8])
def test_a_millionth_of_a_pixel_is_seen(column: str, layer: int) -> None:
    cell = make_cell()
    run = simulate(cell)
    row = deviation_of(with_fault(run, cell, QUANTITY[column], layer, FAULT), cell)
    mass = run.mass[chosen_simulation(cell)._asdict() | {"t": layer}].item()
    fault = FAULT / mass if column == "deviation_mass" else FAULT
    assert row[column] == pytest.approx(fault, rel=1e-3)
    others = [row[name] for name in QUANTITY if name != column]
    assert max(others) < TOLERANCE


@pytest.mark.parametrize(
    "other",
    [
        {"kernel": "gaussian"},
        {"activation": "tanh"},
        {"angles": [90.0, 120.0]},
        {"mixing": "linear"},
    ],
    ids=str,
)
def test_runs_of_another_cell_are_seen(other: dict[str, object]) -> None:
    cell = make_cell(betas=[0.4, 0.8])
    mislabelled = with_cell(simulate(make_cell(betas=[0.4, 0.8], **other)), cell)
    assert deviation_of(mislabelled, cell)["deviation"] > FAULT


def test_ill_conditioned_simulations_are_told_by_the_reference_engine() -> None:
    # An even highpass kernel under the modulus amplifies rounding without end.
    chaotic = {"kernel": "highpass", "activation": "modulus", "betas": [0.0], "angles": [315.0]}
    cell = make_cell(patterns=["disc"], steps=64, **chaotic)
    run = simulate(cell)
    # What the engine under test says of itself does not count.
    run["ill_conditioned"][:] = False
    assert deviation_of(run, cell)["ill_conditioned"]


# Simulations that end.


def ending_cells() -> dict[str, Cell]:
    one = {"angles": [0.0], "betas": [1.0], "patterns": ["delta"]}
    # It moves by half a pixel a layer until it has left the domain.
    died = make_cell(size=2, steps=40, boundary="zero", domain=9, **one)
    # The sum of the state grows elevenfold in every layer, and 11^297 is too large.
    even = one | {"betas": [0.0], "boundary": "reflect", "domain": 3}
    diverged = make_cell(size=11, steps=310, activation="identity", normalise="none", **even)
    return {"extinct_at": died, "diverged_at": diverged}


@pytest.mark.parametrize("end", ["extinct_at", "diverged_at"])
def test_simulations_that_end_at_the_same_layer_do_not_deviate(end: str) -> None:
    cell = ending_cells()[end]
    run = simulate(cell)
    row = deviation_of(run, cell)
    assert 0 < run[end].item() < row["layers"]
    assert row["deviation"] < TOLERANCE
    assert row["deviation_mass"] < AGREEMENT


@pytest.mark.parametrize("end", ["extinct_at", "diverged_at"])
@pytest.mark.parametrize("layers", [-1, 1])
def test_simulations_that_end_at_another_layer_deviate_without_bound(end: str, layers: int) -> None:
    cell = ending_cells()[end]
    run = simulate(cell)
    last = run[end].item() + layers
    for name in QUANTITIES:
        # One layer earlier, or never.
        run[name] = run[name].where(run.t < last) if layers < 0 else run[name].fillna(1.0)
    row = deviation_of(run, cell)
    assert (row["deviation"], row["deviation_sigma"]) == (np.inf, np.inf)


# Fewer layers are the first layers.


@pytest.mark.parametrize("engine", list(ENGINES))
@pytest.mark.parametrize("boundary", list(BOUNDARIES))
def test_fewer_steps_give_the_same_first_layers(engine: str, boundary: str) -> None:
    domain = {"domain": 19} if BOUNDARIES[boundary].finite else {}
    for size in (2, 3):
        cell = make_cell(size=size, steps=24, boundary=boundary, engine=engine, **domain)
        whole, short = simulate(cell), simulate(cell.model_copy(update={"steps": 7}))
        for name in QUANTITIES:
            first, same = whole[name].isel(t=slice(8)).values, short[name].values
            # The compiled engine trims with the last layer in view.
            room = 0.0 if engine == "reference" else TOLERANCE
            np.testing.assert_allclose(first, same, rtol=room, atol=room)


def test_the_repeated_simulation_keeps_all_other_settings() -> None:
    rules = {"boundary": "wrap", "density": "square", "normalise": "peak", "domain": 25}
    more = {"mixing": "linear", "seed": 3, "kernel": "random", "t_burn": 6}
    cell = make_cell(**rules, **more, snapshots={"layers": [8]})
    place = chosen_simulation(cell)
    repeated = json.loads(reference_cell(cell, place).to_json())
    expected = json.loads(cell.to_json())
    changed = {name for name in expected if repeated.get(name) != expected[name]}
    assert changed == {"engine", "patterns", "angles", "betas", "t_burn", "snapshots"}
    assert repeated["betas"] == [cell.betas[place.beta]]


@pytest.mark.parametrize("boundary", list(BOUNDARIES))
def test_long_runs_of_large_kernels_are_cut_short(boundary: str) -> None:
    few, many = (
        affordable_layers(cell, cell.patterns[0])
        for cell in (make_cell(size=size, steps=5000, boundary=boundary) for size in (11, 2))
    )
    assert 10 < few < many < 5000


def test_one_layer_is_compared_whatever_it_costs() -> None:
    cell = make_cell(size=3, boundary="wrap", domain=5000)
    assert affordable_layers(cell, cell.patterns[0]) == 1


# Which simulation is compared.


def test_the_choice_is_spread_over_all_values() -> None:
    full = load_experiment(
        {
            **SETTINGS,
            "kernels": list(FAMILIES),
            "activations": list(ACTIVATIONS),
            "sizes": list(range(2, 12)),
            "angles": list(range(0, 360, 45)),
            "betas": {"count": 41},
        }
    )
    places = [chosen_simulation(cell) for cell in expand(full).values()]
    for axis, count in (("pattern", 2), ("angle", 8), ("beta", 41)):
        assert {getattr(place, axis) for place in places} == set(range(count))


def test_the_choice_does_not_depend_on_other_cells(folder: Path) -> None:
    whole = deviations(CELLS, folder).set_index("cell")
    for name, cell in reversed(CELLS.items()):
        alone = deviations({name: cell}, folder).set_index("cell")
        pd.testing.assert_frame_equal(alone, whole.loc[[name]])


# The table and the command.


def command(folder: Path, output: Path, **changes: object) -> list[str]:
    settings = json.dumps(SETTINGS | changes)
    words = ["deviations", "--experiment", settings, "--trajectories", str(folder)]
    return [*words, "--output", str(output)]


def refused(capsys: pytest.CaptureFixture[str], words: list[str], told: str) -> None:
    """The command must end with exit code 2 and one line that tells this."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert error.count("\n") == 1
    assert told in error


def test_the_command_writes_one_row_a_cell(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new" / "deviations.csv"
    with pytest.raises(SystemExit) as ended:
        main(command(folder, output))
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("8 cells, 8 of them not decided by rounding: at most")
    assert [path.name for path in output.parent.iterdir()] == ["deviations.csv"]
    table = read_table(output, DEVIATIONS, ("cell",))
    assert tuple(table) == DEVIATIONS
    assert table.cell.tolist() == list(CELLS)
    assert table.layers.tolist() == [8] * 8
    assert table.deviation.max() < TOLERANCE
    assert not table.isna().any(axis=None)


def test_rows_name_their_simulations_as_the_trajectories_do(folder: Path) -> None:
    for row in deviations(CELLS, folder).itertuples():
        with xr.open_dataset(folder / f"{row.cell}.nc") as run:
            found = run.mu_x.sel(pattern=row.pattern, angle=row.angle, beta=row.beta)
            assert found.dims == ("t",)


def test_an_infinite_deviation_is_kept_in_the_table(tmp_path: Path) -> None:
    name, cell = next(iter(CELLS.items()))
    write_dataset(
        with_fault(simulate(cell), cell, "mu_y", 3, np.nan), tmp_path / "cells" / f"{name}.nc"
    )
    output = tmp_path / "deviations.csv"
    one = {"kernels": [cell.kernel], "activations": [cell.activation], "sizes": [cell.size]}
    with pytest.raises(SystemExit):
        main(command(tmp_path / "cells", output, **one))
    assert read_table(output, DEVIATIONS).deviation.tolist() == [np.inf]


def test_a_file_that_is_missing_or_damaged_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "deviations.csv"
    path = tmp_path / f"{next(iter(CELLS))}.nc"
    refused(capsys, command(tmp_path, output), f"{path}: missing")
    path.write_bytes(b"no netCDF")
    refused(capsys, command(tmp_path, output), f"{path}: not a readable netCDF file")
    assert not output.exists()


def test_files_of_other_settings_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = command(folder, tmp_path / "deviations.csv", steps=9)
    refused(capsys, words, "made with other settings (steps)")
    cell = CELLS["dct-relu-k2"]
    write_dataset(simulate(cell), tmp_path / "dct-relu-k3.nc")
    with pytest.raises(MechcoreError, match=r"made with other settings \(size\)"):
        deviations({"dct-relu-k3": CELLS["dct-relu-k3"]}, tmp_path)


def test_other_mistakes_are_told_in_one_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused(capsys, command(folder, tmp_path), "it is a folder")
    refused(capsys, command(folder, tmp_path / "out.csv", sizes=[1]), "sizes")
    refused(capsys, command(folder, tmp_path / "out.csv")[:-2], "Missing option '--output'")
