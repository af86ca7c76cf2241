"""The tables of all cells: what is measured on each, one after the other."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from mechcore.analysis.collect import collect
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, cell in CELLS.items():
        write_dataset(simulate(cell), tmp_path / f"{name}.nc")
    return tmp_path


def test_tables_hold_what_is_measured_on_each_cell(folder: Path) -> None:
    tables = collect(CELLS, folder)
    data = {name: read_trajectories(folder / f"{name}.nc", cell) for name, cell in CELLS.items()}
    # A row a kernel: activations share them.
    kernels = [data[name] for name in CELLS if "relu" in name]
    expected = {
        "metrics": [metrics_table(data[name], cell.ends) for name, cell in CELLS.items()],
        "mechanics": map(mechanics_table, data.values()),
        "kernels": map(kernels_table, kernels),
    }
    for name, parts in expected.items():
        assert_frame_equal(getattr(tables, name), pd.concat(parts, ignore_index=True))


def test_trajectories_of_other_settings_are_not_measured(folder: Path) -> None:
    other = {name: cell.model_copy(update={"steps": 9}) for name, cell in CELLS.items()}
    with pytest.raises(MechcoreError, match="made with other settings"):
        collect(other, folder)
