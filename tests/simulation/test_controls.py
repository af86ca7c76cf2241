"""Controls: even and odd kernels on noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mechcore.analysis.mechanics import CONTROLS, controls_table
from mechcore.experiment.config import load_experiment
from mechcore.experiment.controls import control_cells
from mechcore.io.netcdf import read_dataset, write_dataset
from mechcore.simulation.controls import run_controls
from tests.helpers.experiments import SMALL
from tests.helpers.oracles import PARITIES

SIZES = SMALL | {"sizes": [2, 3]}
CONTROLLED = [(name, k) for name, k in PARITIES if k in (2, 3)]


def test_every_family_is_controlled_under_the_activations_of_the_experiment() -> None:
    cells = control_cells(load_experiment(SIZES | {"steps": 20, "normalise": "mass"}))
    assert len(cells) == len(CONTROLLED) * 2
    assert {cell.steps for cell in cells} == {20}
    assert {cell.normalise for cell in cells} == {"mass"}


def test_pattern_of_the_controls_has_no_symmetry() -> None:
    image = control_cells(load_experiment(SMALL))[0].patterns[0].image()
    for turned in (image[::-1], image[:, ::-1], image.T, image[::-1, ::-1]):
        assert not np.allclose(image, turned)


def test_the_table_of_controls_states_which_moved() -> None:
    table = controls_table(run_controls(load_experiment(SIZES)))
    assert tuple(table.columns) == CONTROLS
    assert len(table) == len(CONTROLLED) * 2 * 2
    even = table[(table.beta == 0) & (table.smallest_tap >= 0)]
    assert set(even.kernel) >= {"dct", "gaussian", "binomial"}
    # Exact theory: a mean over 8 layers of rounding.
    assert even.drift.max() < 1e-12
    odd = table[(table.beta == 1) & (table.activation == "relu") & (table.kernel == "dct")]
    # The gradient moves by half a pixel a layer; noise contracts onto its leading edge meanwhile.
    assert odd[odd["size"] == 2].speed.item() > 0.4


def test_controls_survive_their_file(tmp_path: Path) -> None:
    controls = run_controls(load_experiment(SMALL))
    write_dataset(controls, tmp_path / "controls.nc")
    read = read_dataset(tmp_path / "controls.nc")
    assert controls_table(read).equals(controls_table(controls))
    assert all("units" in variable.attrs for variable in read.data_vars.values())
