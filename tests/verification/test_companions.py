"""Whatever claims rest on is held against something: no file is believed for its hash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from mechcore.analysis.tables import write_table
from mechcore.errors import MechcoreError
from mechcore.experiment.config import Experiment, load_experiment
from mechcore.experiment.grid import expand
from mechcore.io.netcdf import ROOT, read_dataset, read_groups, write_dataset, write_groups
from mechcore.results.cells_table import cells_table
from mechcore.results.expected_files import ExpectedFile, expected_files, problem
from mechcore.results.results import Results
from mechcore.results.sweep import describe_sweep, write_sweep
from mechcore.simulation.controls import run_controls
from mechcore.verification.banks import check_banks
from mechcore.verification.certificate import Check
from mechcore.verification.companions import check_controls, check_films
from mechcore.verification.experiment import Extent, verify
from mechcore.verification.sampling import Sampling
from mechcore.verification.simulations import check_simulations

CONFIG: dict[str, object] = {
    "experiment": "small",
    "kernels": ["dct"],
    "activations": ["modulus"],
    "sizes": [2, 3],
    "patterns": ["delta", "disc"],
    "betas": [0.0, 0.5, 0.75, 1.0],
    "steps": 8,
    "snapshots": {"layers": [4], "window": 21},
    "filter_banks": ["resources/banks/digits.safetensors"],
    "slices_per_layer": 2,
}
CELL = "dct-modulus-k2"


def experiment() -> Experiment:
    return load_experiment(CONFIG)


Change = Callable[[xr.Dataset], xr.Dataset]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: data.isel(t=slice(0, -1)), "8 values along t, expected 9"),
        (lambda data: data.drop_vars("mass"), "no variable mass"),
        (lambda data: data.assign(bulk=data.mass), "unknown variable bulk"),
        (lambda data: data.isel(beta=0), "beta is float64 along (), expected float64 along (beta)"),
        (lambda data: data.isel(beta=[0, 1]), "2 values along beta, expected 4"),
        (lambda data: data.isel(beta=slice(0, 0)), "0 values along beta, expected 4"),
        (lambda data: data.assign_coords(beta=data.beta * 0.9), "other values of beta"),
        (lambda data: data.assign_coords(angle=[45.0]), "other values of angle"),
        (lambda data: data.assign_coords(pattern=["disc", "delta"]), "other values of pattern"),
        (lambda data: data.assign_coords(snapshot_t=[5]), "other values of snapshot_t"),
        (lambda data: data.drop_vars(data.variables), "no variable angle, "),
        (lambda data: data.assign(mass=data.mass.astype(str)), "mass is text along (pattern"),
        (lambda data: data.assign(mass=data.mass.astype(np.float32)), "mass is float32 along"),
        (lambda data: data.transpose("beta", ...), "along (beta, angle), expected"),
        (lambda data: data.assign_attrs(t_burn=7), "made with other settings (t_burn)"),
        (lambda data: data.assign_attrs(cell="[1]"), "made with other settings (patterns"),
    ],
)
def test_a_file_of_another_structure_is_damage_in_one_line(
    results: Path, change: Change, told: str
) -> None:
    path = results / "trajectories" / f"{CELL}.nc"
    write_dataset(change(read_dataset(path)).drop_encoding(), path)
    file = ExpectedFile(f"trajectories/{CELL}.nc", expand(experiment())[CELL])
    reason = problem(results, file)
    assert told in reason
    assert "\n" not in reason


def rechecked(results: Path) -> list[str]:
    cells = {CELL: expand(experiment())[CELL]}
    chance = np.random.default_rng(0)
    return check_simulations(cells, results, Sampling(None, chance)).failures


def set_value(name: str, place: tuple[int, ...], value: float) -> Change:
    def change(data: xr.Dataset) -> xr.Dataset:
        data[name][place] = value
        return data

    return change


def flag(data: xr.Dataset) -> xr.Dataset:
    data = set_value("ill_conditioned", (0, 0, 1), 1.0)(data)
    return set_value("rounding_sensitivity", (0, 0, 1), 1e-11)(data)


def unflag(data: xr.Dataset) -> xr.Dataset:
    # There the modulus splits a point evenly, and rounding decides where it goes.
    assert data.ill_conditioned[0, 0, 2]
    data = set_value("ill_conditioned", (0, 0, 2), 0.0)(data)
    return set_value("rounding_sensitivity", (0, 0, 2), 1e-15)(data)


def test_true_simulations_hold_in_all_that_is_told_of_them(simulated: Path) -> None:
    assert not rechecked(simulated)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (set_value("ill_conditioned", (0, 0, 1), 1.0), "ill_conditioned is True, but rounding"),
        (flag, "beta=1): ill_conditioned is True, expected False: sensitivity"),
        (unflag, "beta=2): ill_conditioned is False, expected True: sensitivity"),
        (set_value("kernel_taps", (0, 1, 0, 0), 0.9), "kernel_taps is"),
        (set_value("beta_star", (0, 1), 0.9), "beta_star is"),
        (set_value("odd_energy_ratio", (0, 1), 0.9), "odd_energy_ratio is"),
        (set_value("edge_at", (0,), 4.0), "edge_at is inf away"),
        (set_value("mu_x", (0, 0, 1, 3), 1.0), " apart, at most 1e-10"),
        (set_value("diverged_at", (0, 0, 1), 3.0), "diverged_at is 3, expected never"),
        (set_value("snapshot", (0, 0, 1, 0, 10, 10), 9.0), "snapshots are"),
        (set_value("snapshot_x", (0, 0), 9.0), "snapshot_x is"),
    ],
)
def test_whatever_is_wrong_of_a_simulation_is_found(
    results: Path, change: Change, told: str
) -> None:
    path = results / "trajectories" / f"{CELL}.nc"
    write_dataset(change(read_dataset(path)), path)
    failures = rechecked(results)
    assert failures
    assert told in failures[0]


COMPANIONS = (check_controls, check_films, check_banks)


def again(check: Callable[..., Check], results: Path) -> Check:
    """Repeat everything of one kind."""
    most = 40 if check is check_banks else None
    return check(experiment(), results, Sampling(most, np.random.default_rng(0)))


@pytest.mark.parametrize("check", COMPANIONS)
def test_true_companions_hold(simulated: Path, check: Callable[..., Check]) -> None:
    found = again(check, simulated)
    assert found.holds
    assert found.largest is not None
    assert found.limit is not None


def test_a_sample_of_companions_is_as_large_as_was_asked_for(simulated: Path) -> None:
    chance = np.random.default_rng(0)
    found = check_controls(experiment(), simulated, Sampling(3, chance))
    assert found.compared + found.excused == 3 * 2
    film = check_films(experiment(), simulated, Sampling(5, chance))
    assert film.compared + film.excused == 5


def other_controls(_: xr.Dataset) -> xr.Dataset:
    return run_controls(load_experiment(CONFIG | {"activations": ["relu"]}))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (set_value("mu_x", (1, 0, 0, 1, 4), 3.0), "control dct-modulus-k3, beta 1: "),
        (set_value("extinct_at", (0, 0, 0, 0), 3.0), "beta 0: extinct_at is 3, expected never"),
        (set_value("ill_conditioned", (0, 0, 0, 0), 1.0), "beta 0: ill_conditioned is True"),
        (set_value("smallest_tap", (0, 0, 0), 3.0), "beta 0: smallest_tap is"),
        (other_controls, "other values of activation, expected modulus to modulus"),
        (lambda data: data.isel(cell=slice(1, None)), "values along cell, expected"),
        (lambda data: data.drop_vars("smallest_tap"), "no variable smallest_tap"),
        (lambda data: data.assign_attrs(t_burn=7), "made with other settings (t_burn)"),
    ],
)
def test_forged_controls_are_found(results: Path, change: Change, told: str) -> None:
    path = results / "controls.nc"
    write_dataset(change(read_dataset(path)), path)
    found = again(check_controls, results)
    assert told in found.failures[0]
    assert "\n" not in found.failures[0]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (set_value("mu_x", (0, 0, 4, 4), 3.0), "beta=4): "),
        (set_value("snapshot", (0, 0, 4, 3, 10, 10), 9.0), "beta=4): snapshots are"),
    ],
)
def test_forged_films_are_found(results: Path, change: Change, told: str) -> None:
    (path,) = (results / "films").iterdir()
    write_dataset(change(read_dataset(path)), path)
    assert told in again(check_films, results).failures[0]


Groups = dict[str, xr.Dataset]


def group_value(group: str, name: str, factor: float) -> Callable[[Groups], Groups]:
    def change(groups: Groups) -> Groups:
        return groups | {group: groups[group].assign({name: groups[group][name] * factor})}

    return change


def without(group: str, *names: str) -> Callable[[Groups], Groups]:
    def change(groups: Groups) -> Groups:
        if names:
            return groups | {group: groups[group].drop_vars(names)}
        return {name: one for name, one in groups.items() if name != group}

    return change


def other_weights(groups: Groups) -> Groups:
    return groups | {ROOT: groups[ROOT].assign_attrs(weights_sha256="0" * 64)}


@pytest.mark.parametrize(
    ("folder", "change", "told"),
    [
        ("filters", group_value("layers", "low_frequency_share", 1 + 1e-6), "layers/low_freq"),
        ("filters", group_value("k3x3", "dct_energy", 1 + 1e-6), "k3x3/dct_energy is"),
        ("filters", group_value("bank", "slices", 2), "bank/slices is inf away"),
        ("filters", without("skipped"), "other groups than /, "),
        ("filters", without("k3x3", "energy"), "no variable energy"),
        ("filters", other_weights, "made of other weights_sha256"),
        ("filter_runs", group_value("k3x3", "mu_x", 1.01), "shape='k3x3'"),
        ("filter_runs", group_value("k3x3", "kernel_taps", 1.01), "kernel_taps is"),
        ("filter_runs", group_value("k3x3", "layer", 0), "other values of layer"),
        ("filter_runs", without("k3x3"), "other groups than /, "),
        ("filter_runs", without("k3x3", "mu_x"), "no variable mu_x"),
        ("filter_runs", other_weights, "made of other weights_sha256"),
    ],
)
def test_forged_banks_are_found(
    results: Path, folder: str, change: Callable[[Groups], Groups], told: str
) -> None:
    path = results / folder / "digits.nc"
    write_groups(change(read_groups(path)), path)
    found = again(check_banks, results)
    assert told in found.failures[0]
    assert "\n" not in found.failures[0]


def problems(results: Path) -> dict[str, str]:
    """Return what is wrong with files, by their paths."""
    lines = {file.path: problem(results, file) for file in expected_files(experiment())}
    return {path: line for path, line in lines.items() if line}


def of_other_settings(attributes: dict[str, object]) -> dict[str, object]:
    return attributes | {"config_sha256": "0" * 64}


def of_unknown_settings(attributes: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in attributes.items() if name != "config_sha256"}


@pytest.mark.parametrize("path", ["controls.nc", "filters/digits.nc", "filter_runs/digits.nc"])
@pytest.mark.parametrize("change", [of_other_settings, of_unknown_settings])
def test_companions_of_another_configuration_are_told(
    results: Path, path: str, change: Callable[[dict[str, object]], dict[str, object]]
) -> None:
    assert not problems(results)
    groups = read_groups(results / path)
    groups[ROOT].attrs = change(groups[ROOT].attrs)
    write_groups(groups, results / path)
    reason = "made of something else (config_sha256), expected this configuration"
    assert problems(results) == {path: f"{results / path}: {reason}"}


def test_banks_of_other_weights_are_told(results: Path) -> None:
    path = results / "filters" / "digits.nc"
    write_groups(other_weights(read_groups(path)), path)
    assert "weights_sha256" in problems(results)["filters/digits.nc"]


def rewritten(name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
    def forge(results: Path) -> None:
        table = pd.read_csv(results / name, dtype={"angles": str, "domain": str})
        write_table(change(table), results / name)

    return forge


def other_sweep(results: Path) -> None:
    evidence = Results.load(load_experiment(CONFIG | {"slices_per_layer": 3}), results)
    sweep = replace(describe_sweep(evidence, None), cells=cells_table(evidence))
    write_sweep(sweep, results)


def scaled(column: str, row: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[row, column] = table.loc[row, column] * 1.01 + 1e-9
        return table

    return change


@pytest.mark.parametrize(
    ("forge", "told"),
    [
        (rewritten("cells.csv", scaled("delta/speed_max", 1)), "cells.csv: 1 of 2 values of delta"),
        (rewritten("cells.csv", lambda table: table.drop(columns="light_speed")), "other columns"),
        (rewritten("cells.csv", lambda table: table[1:]), "cells.csv"),
        (other_sweep, "sweep.json: sweep "),
        (rewritten("deviations.csv", scaled("deviation", 1)), "1 of 2 values of deviation differ"),
        (rewritten("deviations.csv", scaled("beta", 1)), "1 of 2 values of beta differ"),
        (rewritten("deviations.csv", scaled("angle", 1)), "1 of 2 values of angle differ"),
        (
            rewritten("deviations.csv", lambda table: table[1:]),
            "deviations.csv: 1 rows",
        ),
        (lambda results: (results / "deviations.csv").unlink(), "deviations.csv: cannot be read"),
        (lambda results: (results / "sweep.json").unlink(), "sweep.json: "),
    ],
)
def test_forged_tables_are_found(results: Path, forge: Callable[[Path], None], told: str) -> None:
    forge(results)
    certificate = verify(experiment(), results, Extent(2, 1, 0))
    failures = {check.name: check.failures for check in certificate.checks if check.failures}
    assert list(failures) == ["tables"]
    assert told in "\n".join(failures["tables"])


def test_all_of_it_is_verified_and_forged_companions_end_it(results: Path) -> None:
    names = ["files", "simulations", "controls", "films", "banks", "tables", "verdicts"]
    certificate = verify(experiment(), results, Extent(2, 1, 0))
    assert certificate.holds
    assert [check.name for check in certificate.checks] == names
    path = results / "controls.nc"
    write_dataset(read_dataset(path).drop_vars("mu_x"), path)
    certificate = verify(experiment(), results, Extent(2, 1, 0))
    assert [check.name for check in certificate.checks if not check.holds] == ["controls"]
    assert [check.name for check in certificate.checks] == names[:-2]


def test_controls_of_another_structure_are_one_line_to_whoever_reads_them(results: Path) -> None:
    path = results / "controls.nc"
    write_dataset(read_dataset(path).isel(t=0), path)
    with pytest.raises(MechcoreError, match=r"controls\.nc: cov_xy is float64 along \(cell"):
        _ = Results.load(experiment(), results).controls
