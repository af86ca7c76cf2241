"""The results of an experiment: read as they were measured, or refused in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from mechcore.analysis.collect import collect
from mechcore.errors import MechcoreError
from mechcore.experiment.config import load_experiment
from mechcore.experiment.grid import expand
from mechcore.experiment.paths import CONTROLS_FILE
from mechcore.io.netcdf import read_dataset, write_dataset
from mechcore.results.results import TABLES, Results
from mechcore.results.sweep import describe_sweep
from mechcore.simulation.reading import read_trajectories
from mechcore.simulation.run import simulate
from tests.helpers.experiments import SMALL, run
from tests.helpers.refusals import refused

CONFIG = SMALL | {"activations": ["relu", "tanh"], "steps": 6, "engine": "reference"}
EXPERIMENT = load_experiment(CONFIG)


def test_tables_are_read_as_they_were_written(simulated: Path) -> None:
    read, measured = (make(EXPERIMENT, simulated) for make in (Results.load, Results.measured))
    for name in TABLES:
        pd.testing.assert_frame_equal(
            getattr(read, name), getattr(measured, name), check_dtype=False, rtol=1e-15
        )
    assert read.metrics.extinct_at.dtype == "Int64"


@pytest.mark.parametrize("name", TABLES)
def test_every_column_of_every_table_is_needed(name: str, results: Path) -> None:
    path = results / f"{name}.csv"
    whole = path.read_text(encoding="utf-8")
    for column in pd.read_csv(path):
        pd.read_csv(path).drop(columns=column).to_csv(path, index=False)
        with refused(str(path), f"no column {column}"):
            Results.load(EXPERIMENT, results)
        path.write_text(whole, encoding="utf-8")


@pytest.mark.parametrize("name", ["metrics", "mechanics", "kernels"])
def test_rows_are_unique(name: str, results: Path) -> None:
    path = results / f"{name}.csv"
    table = pd.read_csv(path)
    pd.concat([table, table.iloc[[2]]]).to_csv(path, index=False)
    with refused(f"{path}: line {len(table) + 2} repeats kernel dct, ", "mixing_ratio 0.5"):
        Results.load(EXPERIMENT, results)


def test_kernels_of_one_beta_are_told_apart_by_what_they_mix(tmp_path: Path) -> None:
    config = SMALL | {"kernels": ["saddle"], "sizes": [3], "activations": ["relu"]}
    results = Results.load(run(tmp_path, config), tmp_path)
    assert set(results.kernels.beta) == {0}
    assert list(results.mean_speeds.mixing_ratio) == SMALL["betas"]


def test_metrics_and_mechanics_must_be_of_the_same_simulations(results: Path) -> None:
    path = results / "mechanics.csv"
    whole = pd.read_csv(path)
    for other in (whole.iloc[1:], whole.assign(beta=whole.beta + 0.01), whole.replace("relu", "a")):
        other.to_csv(path, index=False)
        with refused("metrics.csv and mechanics.csv"):
            _ = Results.load(EXPERIMENT, results).simulations


def test_trajectories_of_another_configuration_are_not_mixed_in(results: Path) -> None:
    other = load_experiment(CONFIG | {"steps": 7, "betas": [0.0, 0.5]})
    folder = results / "trajectories"
    write_dataset(simulate(expand(other)["dct-tanh-k2"]), folder / "dct-tanh-k2.nc")
    loaded = Results.load(EXPERIMENT, results)
    for read in (
        lambda: collect(expand(EXPERIMENT), folder),
        lambda: describe_sweep(loaded, None),
        lambda: loaded.dataset("dct", "tanh", 2),
    ):
        with refused("dct-tanh-k2.nc: made with other settings (steps, betas), expected"):
            read()


@pytest.mark.parametrize("settings", [None, "{", "[1]", "{}"])
def test_a_file_without_settings_belongs_to_no_cell(settings: str | None, results: Path) -> None:
    name, cell = next(iter(expand(EXPERIMENT).items()))
    path = results / "trajectories" / f"{name}.nc"
    dataset = read_trajectories(path, cell)
    assert json.loads(dataset.attrs["cell"])["kernel"] == "dct"
    del dataset.attrs["cell"]
    write_dataset(dataset.assign_attrs({} if settings is None else {"cell": settings}), path)
    with pytest.raises(MechcoreError, match="made with other settings"):
        read_trajectories(path, cell)


def test_only_films_of_the_experiment_are_read(results: Path) -> None:
    films = results / "films"
    shutil.copy(films / "dct-relu-k2.nc", films / "dct-gelu-k9.nc")
    (films / "notes.nc").write_text("no film")
    assert list(Results.load(EXPERIMENT, results).films) == ["dct-relu-k2", "dct-tanh-k2"]


@pytest.mark.parametrize(
    ("name", "attribute", "variable", "reason"),
    [
        ("films/dct-tanh-k2.nc", "films", "snapshot", "made with other settings"),
        (CONTROLS_FILE, "controls", "mu_x", "no variable .*smallest_tap"),
    ],
)
def test_other_films_and_controls_are_refused(
    results: Path, name: str, attribute: str, variable: str, reason: str
) -> None:
    path, loaded = results / name, Results.load(EXPERIMENT, results)
    write_dataset(read_dataset(path).drop_vars(variable), path)
    with pytest.raises(MechcoreError, match=rf"{name}: no variable {variable}$"):
        getattr(loaded, attribute)
    shutil.copy(results / "trajectories" / "dct-tanh-k2.nc", path)
    with pytest.raises(MechcoreError, match=f"{name}: {reason}"):
        getattr(loaded, attribute)
