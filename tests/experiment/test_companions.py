"""Simulations beside the grid: controls on noise, and films."""

from __future__ import annotations

import numpy as np
import pytest

from mechcore.analysis.mechanics import CONTROLS, controls_table
from mechcore.experiment.config import Experiment, load_experiment
from mechcore.experiment.controls import control_cells
from mechcore.experiment.films import MOST_LAYERS, WIDEST_FILM, film_cells
from mechcore.io.netcdf import read_dataset, write_dataset
from mechcore.model.kernels import FAMILIES
from mechcore.simulation.controls import run_controls
from mechcore.simulation.run import simulate


def experiment(**settings: object) -> Experiment:
    """Return a small experiment of one family."""
    given: dict[str, object] = {
        "experiment": "small",
        "kernels": ["dct"],
        "activations": ["relu", "identity"],
        "sizes": [2, 3],
        "betas": [0.5],
        "steps": 12,
    }
    return load_experiment(given | settings)


def test_every_family_is_controlled_under_the_activations_of_the_experiment() -> None:
    cells = control_cells(experiment(steps=20, normalise="mass"))
    assert len(cells) == len(FAMILIES) * 2 * 2
    assert {one.steps for one in cells} == {20}
    assert {one.normalise for one in cells} == {"mass"}


def test_pattern_of_the_controls_has_no_symmetry() -> None:
    image = control_cells(experiment())[0].patterns[0].image()
    for turned in (image[::-1], image[:, ::-1], image.T, image[::-1, ::-1]):
        assert not np.allclose(image, turned)


def test_table_of_controls_tells_who_moved() -> None:
    table = controls_table(run_controls(experiment()))
    assert tuple(table.columns) == CONTROLS
    assert len(table) == len(FAMILIES) * 2 * 2 * 2
    even = table[(table.beta == 0) & (table.smallest_tap >= 0)]
    assert set(even.kernel) >= {"dct", "gaussian", "binomial"}
    # Exact theory: a mean over 12 layers of rounding.
    assert even.drift.max() < 1e-12
    odd = table[(table.beta == 1) & (table.activation == "relu") & (table.kernel == "dct")]
    # The gradient moves by half a pixel a layer; noise contracts onto its leading edge meanwhile.
    assert odd[odd["size"] == 2].speed.item() > 0.4


def test_controls_survive_their_file(tmp_path: object) -> None:
    controls = run_controls(experiment(sizes=[2]))
    write_dataset(controls, f"{tmp_path}/controls.nc")
    read = read_dataset(f"{tmp_path}/controls.nc")
    assert controls_table(read).equals(controls_table(controls))
    assert all("units" in variable.attrs for variable in read.data_vars.values())


def test_films_show_the_paper_s_kernel_under_two_activations() -> None:
    grid = {"kernels": ["gaussian", "dct"], "sizes": [2, 3, 5], "patterns": ["delta", "disc"]}
    films = film_cells(experiment(**grid))
    assert list(films) == ["dct-relu-k3", "dct-identity-k3"]
    film = films["dct-relu-k3"]
    assert (film.betas[0], film.betas[-1], film.patterns[0].name) == (0.0, 1.0, "disc")
    assert film.snapshots.layers == list(range(13))


def test_what_moves_at_light_speed_stays_in_the_picture() -> None:
    film = simulate(film_cells(experiment(patterns=["disc"]))["dct-relu-k3"])
    seen = film.snapshot.sel(beta=1.0).isel(pattern=0, angle=0, snapshot_t=-1)
    assert seen.sum() == pytest.approx(float(film.mass.sel(beta=1.0).isel(t=-1).item()), rel=1e-6)


def test_a_long_film_has_few_layers_and_a_small_window() -> None:
    film = film_cells(experiment(steps=1000))["dct-relu-k3"]
    assert len(film.snapshots.layers) == MOST_LAYERS
    assert film.snapshots.window == WIDEST_FILM
