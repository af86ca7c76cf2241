"""Controls: what is planned, what the file holds, and that theory is met."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mechcore.analysis.mechanics import CONTROLS, SOUND_SHARE, controls_table
from mechcore.errors import MechcoreError
from mechcore.experiment.config import load_experiment
from mechcore.experiment.controls import LINEAR_RATIOS, NOISE, control_cells
from mechcore.io.netcdf import write_dataset
from mechcore.model.activations import ACTIVATIONS
from mechcore.model.patterns import pattern_image
from mechcore.simulation.controls import read_controls, run_controls
from tests.helpers.experiments import SMALL
from tests.helpers.oracles import KERNELS

EXPERIMENT = load_experiment(SMALL | {"sizes": [2, 3]})
FAMILIES = [(name, size) for name, size in KERNELS if size in EXPERIMENT.sizes]


@pytest.fixture(scope="module")
def controls() -> xr.Dataset:
    return run_controls(EXPERIMENT).dataset()


def test_every_family_is_controlled_under_the_activations_of_the_experiment() -> None:
    cells = control_cells(EXPERIMENT)
    for activation in ("identity", *EXPERIMENT.activations):
        planned = {(cell.kernel, cell.size) for cell in cells if cell.activation == activation}
        assert planned == set(FAMILIES)
    shifts = [cell.activation for cell in cells if cell.kernel == "translation"]
    assert set(shifts) == {name for name, entry in ACTIVATIONS.items() if entry.keeps_zero}


@pytest.mark.parametrize(
    "setting_of_its_own",
    [{"boundary": "wrap", "domain": 9}, {"mixing": "linear"}, {"density": "square"}, {"steps": 2}],
)
def test_controls_do_not_depend_on_the_setting_of_the_grid(
    setting_of_its_own: dict[str, object],
) -> None:
    own = load_experiment(EXPERIMENT.to_mapping() | setting_of_its_own)
    assert control_cells(own) == control_cells(EXPERIMENT)


@pytest.mark.parametrize("name", [NOISE, "noise"])
def test_noise_has_no_symmetry(name: str) -> None:
    image = pattern_image(name)
    for turned in (image[::-1], image[:, ::-1], image.T, image[::-1, ::-1]):
        assert not np.allclose(image, turned)


def test_the_table_of_controls_states_which_moved(controls: xr.Dataset) -> None:
    table = controls_table(controls)
    assert tuple(table.columns) == CONTROLS
    linear = table[(table.density == "signed") & (table.cancellation > SOUND_SHARE)]
    # Rounding of 1e-16 of some 10 px, times 1000 where the mass cancels.
    assert linear.off_course.max() < 1e-11
    moving = linear[linear.mixing_ratio == LINEAR_RATIOS[1]]
    # All but the families whose odd part has no first moment.
    assert list(moving.kernel[moving.drift < 0.1]) == ["cubic", "saddle"]
    gradient = table[(table.kernel == "dct") & (table["size"] == 2) & (table.mixing_ratio == 0.6)]
    # M1/M0 = celerity / 2: 0.6 / 0.8 / 2 px/layer, by hand.
    np.testing.assert_allclose(gradient.velocity_x, 0.375, rtol=1e-14)


def test_a_mass_that_cancels_has_no_course(controls: xr.Dataset) -> None:
    table = controls_table(controls)
    signed = table[table.density == "signed"]
    zero_sum = signed.kernel.isin(["highpass", "laplace"])
    assert (signed.off_course.isna() == zero_sum).all()


def written(controls: xr.Dataset, folder: Path) -> Path:
    write_dataset(controls, folder / "controls.nc")
    return folder / "controls.nc"


def test_controls_survive_their_file(controls: xr.Dataset, tmp_path: Path) -> None:
    read = read_controls(written(controls, tmp_path), control_cells(EXPERIMENT))
    assert controls_table(read).equals(controls_table(controls))
    assert all("units" in variable.attrs for variable in read.data_vars.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file.isel(control=slice(1, None)), "values along control, expected"),
        (lambda file: file.isel(control=slice(None, None, -1)), "other values of kernel, expected"),
        (lambda file: file.assign_coords(t=file.t + 1), "other values of t, expected 0 to 10"),
        (lambda file: file.drop_vars("cancellation"), "no variable cancellation"),
        (lambda file: file.assign_attrs(normalise="peak"), "made with other settings"),
    ],
)
def test_controls_of_something_else_are_refused(
    controls: xr.Dataset, change: object, message: str, tmp_path: Path
) -> None:
    assert callable(change)
    path = written(change(controls), tmp_path)
    with pytest.raises(MechcoreError, match=message):
        read_controls(path, control_cells(EXPERIMENT))
