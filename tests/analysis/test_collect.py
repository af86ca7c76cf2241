"""Measures of cells: written once by their jobs, put together into the tables."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from mechcore.analysis.collect import Measurements, collect, write_measures
from mechcore.analysis.measures import metrics_table
from mechcore.analysis.mechanics import kernels_table, mechanics_table
from mechcore.errors import MechcoreError
from mechcore.experiment.config import load_experiment
from mechcore.experiment.grid import expand
from mechcore.io.netcdf import write_dataset
from mechcore.simulation.reading import read_trajectories
from mechcore.simulation.run import simulate
from tests.helpers.experiments import SMALL

AXES = {"sizes": [2, 3], "patterns": ["delta", "disc"], "angles": [0, 30], "betas": [0.0, 0.5, 1.0]}
CELLS = expand(load_experiment(SMALL | AXES))
CELL = next(iter(CELLS))


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for name, cell in CELLS.items():
        path = tmp_path / "trajectories" / f"{name}.nc"
        write_dataset(simulate(cell), path)
        write_measures(path, cell, tmp_path / "measures" / f"{name}.csv")
    return tmp_path


def collected(results: Path, cells: object = CELLS) -> Measurements:
    return collect(cells, results / "trajectories", results / "measures")  # type: ignore[arg-type]


def assert_same(first: Measurements, second: Measurements) -> None:
    for name in ("metrics", "mechanics", "kernels"):
        assert_frame_equal(getattr(first, name), getattr(second, name), check_exact=True)


def test_tables_hold_what_is_measured_on_each_cell(results: Path) -> None:
    tables = collected(results)
    data = {
        name: read_trajectories(results / "trajectories" / f"{name}.nc", cell)
        for name, cell in CELLS.items()
    }
    # A row a kernel: activations share them.
    kernels = [data[name] for name in CELLS if "relu" in name]
    expected = {
        "metrics": pd.concat(
            [metrics_table(data[name], cell.ends) for name, cell in CELLS.items()],
            ignore_index=True,
        ),
        "mechanics": pd.concat(map(mechanics_table, data.values()), ignore_index=True),
        "kernels": pd.concat(map(kernels_table, kernels), ignore_index=True),
    }
    for name, table in expected.items():
        # Numbers went through CSV.
        assert_frame_equal(getattr(tables, name), table, rtol=1e-14, atol=0, check_dtype=False)


def test_measures_and_trajectories_give_the_same_bits(results: Path) -> None:
    assert_same(collected(results), collect(CELLS, results / "trajectories"))


def test_measured_cells_are_not_measured_again(results: Path) -> None:
    expected = collected(results)
    for path in (results / "trajectories").iterdir():
        path.unlink()
    assert_same(collected(results), expected)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.unlink(),
        lambda path: path.write_text(""),
        lambda path: path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1])),
        # As other settings, or other code, have another fingerprint.
        lambda path: path.write_text(path.read_text().replace("\n", "\nf", 1)),
        lambda path: path.write_bytes(b"\xff\xfe"),
    ],
)
def test_a_cell_without_sound_measures_is_measured_again(results: Path, change) -> None:  # type: ignore[no-untyped-def]
    expected = collected(results)
    change(results / "measures" / f"{CELL}.csv")
    assert_same(collected(results), expected)


def test_measures_of_other_settings_are_not_taken(results: Path) -> None:
    other = {name: cell.model_copy(update={"steps": 9}) for name, cell in CELLS.items()}
    with pytest.raises(MechcoreError, match="made with other settings"):
        collected(results, other)
