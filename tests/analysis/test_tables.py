"""The files of results: what was promised is read, and anything else is told in one line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mechcore.analysis.collect import collect
from mechcore.analysis.curve_comparison import COLUMNS as MODELS
from mechcore.analysis.measures import METRICS
from mechcore.analysis.pooled import COLUMNS as POOLED
from mechcore.analysis.tables import (
    MODEL_COLUMNS,
    POOLED_COLUMNS,
    read_metrics,
    read_table,
    write_table,
)
from mechcore.errors import MechcoreError
from mechcore.experiment.config import load_experiment
from mechcore.experiment.films import film_cells
from mechcore.experiment.grid import expand
from mechcore.experiment.paths import CONTROLS_FILE
from mechcore.io.netcdf import read_dataset, write_dataset
from mechcore.results.results import TABLES, Results
from mechcore.simulation.controls import run_controls
from mechcore.simulation.reading import read_trajectories
from mechcore.simulation.run import simulate

SETTINGS: dict[str, object] = {
    "experiment": "tables",
    "kernels": ["dct"],
    "activations": ["relu", "tanh"],
    "sizes": [2],
    "patterns": ["delta"],
    "betas": [0.0, 0.3, 0.6, 0.9],
    "steps": 6,
    "engine": "reference",
}
EXPERIMENT = load_experiment(SETTINGS)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a small experiment."""
    folder = tmp_path_factory.mktemp("tables")
    cells = {"trajectories": expand(EXPERIMENT), "films": film_cells(EXPERIMENT)}
    for kind, planned in cells.items():
        for name, cell in planned.items():
            write_dataset(simulate(cell), folder / kind / f"{name}.nc")
    write_dataset(run_controls(EXPERIMENT), folder / CONTROLS_FILE)
    evidence = Results.measured(EXPERIMENT, folder)
    for name in TABLES:
        write_table(getattr(evidence, name), folder / f"{name}.csv")
    return folder


@pytest.fixture
def results(made: Path, tmp_path: Path) -> Path:
    """A copy to be spoilt."""
    return Path(shutil.copytree(made, tmp_path / "results"))


def refused(*told: str, results: Path) -> None:
    """Loading must fail in one line that tells all this."""
    with pytest.raises(MechcoreError) as caught:
        Results.load(EXPERIMENT, results)
    assert "\n" not in str(caught.value)
    assert all(part in str(caught.value) for part in told), str(caught.value)


def spoil(path: Path, column: str, value: object, row: int = 1) -> None:
    table = pd.read_csv(path, dtype=object)
    table.loc[row, column] = value
    table.to_csv(path, index=False)


# Tables.


def test_tables_are_read_as_they_were_written(made: Path) -> None:
    read, measured = (make(EXPERIMENT, made) for make in (Results.load, Results.measured))
    for name in TABLES:
        pd.testing.assert_frame_equal(
            getattr(read, name), getattr(measured, name), check_dtype=False, rtol=1e-15
        )
    assert read.metrics.extinct_at.dtype == "Int64"


def test_promised_columns_are_those_that_the_fits_make(made: Path) -> None:
    assert (MODELS, POOLED) == (MODEL_COLUMNS, POOLED_COLUMNS)
    assert tuple(pd.read_csv(made / "models.csv")) == MODEL_COLUMNS
    assert tuple(pd.read_csv(made / "pooled.csv")) == POOLED_COLUMNS


def test_readers_of_tables_load_no_library_of_statistics() -> None:
    script = (
        "import sys, mechcore.claims.criteria; "
        "print([name for name in ('statsmodels', 'scipy.optimize') if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize("name", TABLES)
def test_every_column_of_every_table_is_needed(name: str, results: Path) -> None:
    path = results / f"{name}.csv"
    whole = path.read_text(encoding="utf-8")
    for column in pd.read_csv(path):
        pd.read_csv(path).drop(columns=column).to_csv(path, index=False)
        refused(str(path), f"no column {column}", results=results)
        path.write_text(whole, encoding="utf-8")


@pytest.mark.parametrize("name", TABLES)
def test_tables_without_rows_are_refused(name: str, results: Path) -> None:
    path = results / f"{name}.csv"
    path.write_text(path.read_text(encoding="utf-8").splitlines()[0], encoding="utf-8")
    refused(str(path), "no rows, expected at least one", results=results)


@pytest.mark.parametrize("text", ["", "\n", '"', "a,b\n1,2\n1,2,3\n", "\x00\x01"])
def test_other_files_are_no_tables(text: str, results: Path) -> None:
    path = results / "models.csv"
    path.write_text(text, encoding="utf-8")
    refused(str(path), results=results)


@pytest.mark.parametrize(
    ("name", "column", "value", "told"),
    [
        ("metrics", "speed", "fast", "speed in line 3 is 'fast', expected a number or nothing"),
        ("metrics", "ill_conditioned", None, "in line 3 is empty, expected True or False"),
        ("metrics", "ill_conditioned", "maybe", "in line 3 is 'maybe', expected True or False"),
        ("metrics", "extinct_at", "2.5", "expected a layer or nothing"),
        ("metrics", "size", "2.5", "size in line 3 is 2.5, expected a whole number"),
        ("metrics", "kernel", None, "kernel in line 3 is empty, expected a name"),
        ("mechanics", "drift", "True", "drift in line 3 is 'True', expected a number"),
        ("kernels", "celerity", "1;5", "celerity in line 3 is '1;5', expected a number"),
        ("regressions", "n", None, "n in line 3 is empty, expected a whole number"),
        ("models", "light_speed", "c", "light_speed in line 3 is 'c', expected a number"),
        ("pooled", "clusters", "inf", "clusters in line 3 is inf, expected a whole number"),
    ],
)
def test_a_value_of_another_kind_is_told_with_its_place(
    name: str, column: str, value: object, told: str, results: Path
) -> None:
    spoil(results / f"{name}.csv", column, value)
    refused(str(results / f"{name}.csv"), column, told, results=results)


def test_truth_is_no_number(results: Path) -> None:
    path = results / "mechanics.csv"
    pd.read_csv(path).assign(drift=True).to_csv(path, index=False)
    refused("drift in line 2", "expected a number or nothing", results=results)


@pytest.mark.parametrize("name", ["metrics", "mechanics", "kernels"])
def test_rows_are_there_once(name: str, results: Path) -> None:
    path = results / f"{name}.csv"
    table = pd.read_csv(path)
    pd.concat([table, table.iloc[[2]]]).to_csv(path, index=False)
    refused(f"{path}: line {len(table) + 2} repeats kernel dct, ", "beta 0.6", results=results)


def test_long_columns_with_a_late_text_are_told_without_a_warning(tmp_path: Path) -> None:
    # pandas reads large files in pieces of a quarter million rows or less.
    values = [*map(str, range(400_000)), "end"]
    pd.DataFrame({"speed": values}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(MechcoreError, match="line 400002 is 'end'"):
        read_table(tmp_path / "a.csv", ["speed"])


def test_zeros_have_no_sign(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": [-0.0, 0.0, -1.5], "n": [1, 2, 3], "cell": ["-0.0", "b", "c"]})
    write_table(table, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "x,n,cell\n0.0,1,-0.0\n0.0,2,b\n-1.5,3,c\n"
    assert np.signbit(table.x[0])


def test_metrics_and_mechanics_must_be_of_the_same_simulations(results: Path) -> None:
    path = results / "mechanics.csv"
    whole = pd.read_csv(path)
    for other in (whole.iloc[1:], whole.assign(beta=whole.beta + 0.01), whole.replace("relu", "a")):
        other.to_csv(path, index=False)
        evidence = Results.load(EXPERIMENT, results)
        with pytest.raises(MechcoreError, match=r"metrics\.csv and mechanics\.csv") as caught:
            _ = evidence.simulations
        assert "\n" not in str(caught.value)


# Trajectories, films and controls.


def test_trajectories_of_another_configuration_are_not_mixed_in(results: Path) -> None:
    other = load_experiment(SETTINGS | {"steps": 7, "betas": [0.0, 0.5]})
    folder = results / "trajectories"
    write_dataset(simulate(expand(other)["dct-tanh-k2"]), folder / "dct-tanh-k2.nc")
    told = r"dct-tanh-k2\.nc: made with other settings \(steps, betas\), expected"
    with pytest.raises(MechcoreError, match=told):
        collect(expand(EXPERIMENT), folder)
    with pytest.raises(MechcoreError, match=told):
        Results.measured(EXPERIMENT, results)
    with pytest.raises(MechcoreError, match=told):
        Results.load(EXPERIMENT, results).dataset("dct", "tanh", 2)


@pytest.mark.parametrize("settings", [None, "{", "[1]", "{}"])
def test_a_file_that_tells_no_settings_is_of_no_cell(settings: str | None, results: Path) -> None:
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


def test_a_film_without_frames_is_told(results: Path) -> None:
    path = results / "films" / "dct-tanh-k2.nc"
    write_dataset(read_dataset(path).drop_vars("snapshot"), path)
    evidence = Results.load(EXPERIMENT, results)
    with pytest.raises(MechcoreError, match=r"dct-tanh-k2\.nc: no variable snapshot$"):
        _ = evidence.films
    shutil.copy(results / "trajectories" / "dct-tanh-k2.nc", path)
    with pytest.raises(MechcoreError, match=r"films/dct-tanh-k2\.nc: made with other settings"):
        _ = evidence.films


def test_other_files_are_no_controls(results: Path) -> None:
    path = results / CONTROLS_FILE
    evidence = Results.load(EXPERIMENT, results)
    write_dataset(read_dataset(path).drop_vars("mu_x"), path)
    with pytest.raises(MechcoreError, match=r"controls\.nc: no variable mu_x$"):
        _ = evidence.controls
    shutil.copy(results / "trajectories" / "dct-relu-k2.nc", path)
    with pytest.raises(MechcoreError, match=r"controls\.nc: no variable .*smallest_tap"):
        _ = evidence.controls


def test_metrics_keep_layers_whole(made: Path) -> None:
    assert tuple(read_metrics(made / "metrics.csv")) == METRICS
