"""The same numbers from every engine, number of threads and set of instructions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy._core import _multiarray_umath

from mechcore.engines import ENGINES
from mechcore.engines.trajectories import AGREEMENT, DENSITIES
from mechcore.io.netcdf import read_dataset
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.boundaries import BOUNDARIES
from mechcore.model.kernels import FAMILIES
from mechcore.model.normalisations import NORMALISATIONS
from tests.faults import golden

FILES = golden.golden_files()

THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
# What numpy would take of this processor beyond what all have of its kind.
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


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_engines_give_the_kept_records_again(path: Path, engine: str) -> None:
    assert golden.deviation(path, engine) <= AGREEMENT


@pytest.mark.parametrize("machine", MACHINES)
def test_other_machines_give_the_kept_records_again(machine: str) -> None:
    ended = subprocess.run(
        [sys.executable, golden.__file__, "compiled"],
        env=os.environ | MACHINES[machine],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found.keys() == {path.stem for path in FILES}
    assert max(found.values()) <= AGREEMENT


def test_the_records_cover_every_choice() -> None:
    cells = [golden.cell_of(read_dataset(path)) for path in FILES]
    assert {cell.kernel for cell in cells} == set(FAMILIES)
    assert {cell.activation for cell in cells} == set(ACTIVATIONS)
    assert {cell.normalise for cell in cells} == set(NORMALISATIONS)
    assert {cell.boundary for cell in cells} == set(BOUNDARIES)
    assert {cell.density for cell in cells} == set(DENSITIES)


def test_a_record_that_is_off_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = read_dataset(FILES[0])
    dataset["sigma_x"][0, 0, 1, -1] *= 1 + 1e-9
    monkeypatch.setattr(golden, "read_dataset", {FILES[0]: dataset}.get)
    assert golden.deviation(FILES[0], "reference") > AGREEMENT
    assert np.isfinite(golden.deviation(FILES[0], "reference"))
