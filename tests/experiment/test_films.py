"""Films: what they show, and how large they are."""

from __future__ import annotations

import pytest

from mechcore.experiment.config import load_experiment
from mechcore.experiment.films import MOST_LAYERS, WIDEST_FILM, film_cells
from mechcore.simulation.run import simulate
from tests.helpers.experiments import SMALL


def test_films_show_the_paper_s_kernel_under_two_activations() -> None:
    grid = {"kernels": ["gaussian", "dct"], "sizes": [2, 3, 5], "patterns": ["delta", "disc"]}
    films = film_cells(load_experiment(SMALL | grid))
    assert list(films) == ["dct-relu-k3", "dct-modulus-k3"]
    film = films["dct-relu-k3"]
    assert (film.betas[0], film.betas[-1], film.patterns[0].name) == (0.0, 1.0, "disc")
    assert film.snapshots.layers == list(range(9))


def test_what_moves_at_light_speed_stays_in_the_picture() -> None:
    plan = load_experiment(SMALL | {"sizes": [3], "patterns": ["disc"]})
    film = simulate(film_cells(plan)["dct-relu-k3"])
    seen = film.snapshot.sel(beta=1.0).isel(pattern=0, angle=0, snapshot_t=-1)
    assert seen.sum() == pytest.approx(float(film.mass.sel(beta=1.0).isel(t=-1).item()), rel=1e-6)


def test_a_long_film_has_few_layers_and_a_small_window() -> None:
    film = film_cells(load_experiment(SMALL | {"steps": 1000}))["dct-relu-k2"]
    assert len(film.snapshots.layers) == MOST_LAYERS
    assert film.snapshots.window == WIDEST_FILM


GRIDS = {
    "a family without the first size": (
        {"kernels": ["laplace", "gaussian"], "sizes": [2, 5]},
        ["laplace-relu-k5", "laplace-modulus-k5"],
    ),
    "no cell of the paper's kernel": (
        {"kernels": ["dct", "gaussian"], "exclude": [{"kernels": "dct"}]},
        ["gaussian-relu-k2", "gaussian-modulus-k2"],
    ),
    "one activation is left": (
        {"activations": ["relu", "tanh"], "exclude": [{"activations": "relu"}]},
        ["dct-tanh-k2"],
    ),
}


@pytest.mark.parametrize(("grid", "films"), GRIDS.values(), ids=GRIDS)
def test_films_are_of_cells_of_the_grid(grid: dict[str, object], films: list[str]) -> None:
    assert list(film_cells(load_experiment(SMALL | grid))) == films
