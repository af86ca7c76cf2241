"""The same numbers from every engine, number of threads and set of instructions.

The records in tests/faults/golden were written by `mechcore simulate` with the reference engine:
each names its cell, so that `mechcore simulate --cell CELL --output FILE` writes it again. That is
right only if the definition of what is computed has changed, and the changelog says so.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from numpy._core import _multiarray_umath

from mechcore.engines import ENGINES
from mechcore.engines.trajectories import AGREEMENT, DENSITIES, QUANTITIES, record_distance
from mechcore.experiment.cell import Cell
from mechcore.io.arrays import Array
from mechcore.io.netcdf import read_dataset
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import BOUNDARIES
from mechcore.model.kernels import FAMILIES
from mechcore.model.normalisations import NORMALISATIONS
from mechcore.simulation.run import simulate
from tests.helpers.projects import PROJECT

RECORDS = sorted((Path(__file__).parent / "golden").glob("*.nc"))

THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
# What numpy would use of this processor beyond what all of its kind have.
EXTENSIONS = [
    name
    for name in _multiarray_umath.__cpu_dispatch__
    if _multiarray_umath.__cpu_features__.get(name)
]
MACHINES = {
    "many-threads": dict.fromkeys(THREADS, "7"),
    # One thread, and in all libraries the instructions that every processor of its kind has.
    "old": dict.fromkeys(THREADS, "1")
    | {"NPY_DISABLE_CPU_FEATURES": " ".join(EXTENSIONS)}
    | {"OPENBLAS_CORETYPE": "Nehalem", "NUMBA_CPU_NAME": "generic"},
}


def cell_of(record: xr.Dataset) -> Cell:
    return Cell.from_json(str(record.attrs["cell"]))


def quantities(dataset: xr.Dataset) -> Array:
    return np.stack([dataset[name].values for name in QUANTITIES], axis=-1)


def deviation(record: xr.Dataset, engine: str) -> float:
    """Return how far an engine is from a record, leaving out what rounding decides."""
    again = simulate(cell_of(record).model_copy(update={"engine": engine}))
    sound = ~(record.ill_conditioned | again.ill_conditioned).values
    assert sound.any()
    for name in ("extinct_at", "diverged_at"):
        np.testing.assert_array_equal(record[name].values[sound], again[name].values[sound])
    return float(record_distance(quantities(record), quantities(again))[sound].max())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_engines_repeat_the_records(path: Path, engine: str) -> None:
    assert deviation(read_dataset(path), engine) <= AGREEMENT


@pytest.mark.parametrize("machine", MACHINES)
def test_other_machines_repeat_the_records(machine: str) -> None:
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", "repeat and compiled"]
    environment = os.environ | MACHINES[machine] | {"PYTEST_ADDOPTS": ""}
    ended = subprocess.run(
        [sys.executable, *words], cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout
    assert f"{len(RECORDS)} passed" in ended.stdout


def test_the_records_cover_every_choice() -> None:
    cells = [cell_of(read_dataset(path)) for path in RECORDS]
    choices = {"kernel": FAMILIES, "activation": ACTIVATIONS, "normalise": NORMALISATIONS}
    choices |= {"boundary": BOUNDARIES, "density": DENSITIES}
    for name, table in choices.items():
        assert {getattr(cell, name) for cell in cells} == set(table)


def test_a_record_that_is_off_is_noticed() -> None:
    record = read_dataset(RECORDS[0])
    record["sigma_x"][0, 0, 1, -1] *= 1 + 1e-9
    assert deviation(record, "reference") > AGREEMENT
