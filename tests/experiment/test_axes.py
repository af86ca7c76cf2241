"""Settings that a configuration lists: axes of the grid, beside kernels, activations and sizes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mechcore.errors import MechcoreError
from mechcore.experiment.cell import AXES, Cell
from mechcore.experiment.config import load_experiment
from mechcore.experiment.controls import controls_settings
from mechcore.experiment.films import film_cells
from mechcore.experiment.grid import expand
from tests.helpers.experiments import SMALL

SINGLE = SMALL | {"activations": ["relu"]}
VALUES = {
    "boundary": "wrap",
    "normalise": "peak",
    "density": "square",
    "engine": "reference",
    "steps": 5,
    "seed": 7,
}


def cells(**settings: object) -> dict[str, Cell]:
    experiment = load_experiment(SINGLE | settings)
    # Jobs get the configuration as JSON, and each its cell.
    assert load_experiment(experiment.to_json()) == experiment
    assert expand(load_experiment(experiment.to_json())) == expand(experiment)
    for name, cell in expand(experiment).items():
        assert Cell.from_json(cell.to_json()).id == name
    return expand(experiment)


@pytest.mark.parametrize("axis", AXES)
def test_a_list_of_one_is_a_scalar_and_leaves_no_trace(axis: str) -> None:
    domain = {"domain": 33} if axis == "boundary" else {}
    alone, listed = (
        load_experiment(SINGLE | domain | {axis: value}) for value in (VALUES[axis], [VALUES[axis]])
    )
    assert alone == listed
    assert alone.to_json() == listed.to_json()
    ((name, cell),) = expand(listed).items()
    assert name == ("dct-relu-k2-wrap" if axis == "boundary" else "dct-relu-k2")
    assert "varies" not in cell.to_mapping()


def test_each_combination_is_the_cell_of_an_experiment_with_scalars() -> None:
    axes = {"boundary": ["free", "wrap"], "steps": [8, 5]}
    found = cells(**axes, domain=33)
    assert [*found] == [
        *("dct-relu-k2-free-steps8", "dct-relu-k2-free-steps5"),
        *("dct-relu-k2-wrap-steps8", "dct-relu-k2-wrap-steps5"),
    ]
    for cell in found.values():
        # Free space has no domain; with scalars it may not be given one.
        domain = {} if cell.boundary == "free" else {"domain": 33}
        (alone,) = cells(boundary=cell.boundary, steps=cell.steps, **domain).values()
        assert cell.to_mapping() == alone.to_mapping() | {"varies": ["boundary", "steps"]}


NAMES = {
    "words alone": ({"normalise": ["l2", "none"]}, "dct-relu-k2-none"),
    "numbers with their axis": ({"seed": [0, 12]}, "dct-relu-k2-seed12"),
    "a boundary that is the same": (
        {"boundary": "wrap", "steps": [8, 5]},
        "dct-relu-k2-wrap-steps5",
    ),
    "always in one order": (
        {axis: [SINGLE.get(axis, "l2"), VALUES[axis]] for axis in ("steps", "normalise")},
        "dct-relu-k2-peak-steps5",
    ),
}


@pytest.mark.parametrize(("settings", "last"), NAMES.values(), ids=NAMES)
def test_names_show_what_varies(settings: Mapping[str, object], last: str) -> None:
    assert [*cells(**settings)][-1] == last


def test_what_runs_beside_the_grid_runs_for_the_first_values() -> None:
    several, first = (
        load_experiment(SINGLE | {"boundary": boundary, "steps": steps})
        for boundary, steps in ((["wrap", "free"], [5, 8]), ("wrap", 5))
    )
    assert film_cells(several) == film_cells(first)
    assert controls_settings(several) == controls_settings(first)


def test_parts_of_a_grid_name_values_of_axes() -> None:
    axes = {"boundary": ["free", "wrap"], "normalise": ["l2", "std"]}
    # Without a domain there is no standard deviation: only what runs must be possible.
    without = [{"boundary": "free", "normalise": "std"}]
    assert [*cells(**axes, exclude=without)] == [
        *("dct-relu-k2-free-l2", "dct-relu-k2-wrap-l2", "dct-relu-k2-wrap-std"),
    ]
    only = [{"normalise": "l2"}, {"boundary": "wrap", "betas": 1.0}]
    found = cells(**axes, include=only)
    assert {name: cell.betas == [1.0] for name, cell in found.items()} == {
        "dct-relu-k2-free-l2": False,
        "dct-relu-k2-wrap-l2": False,
        "dct-relu-k2-wrap-std": True,
    }


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "nothing": ({"boundary": []}, "boundary: [] is not allowed, expected at least one value"),
    "a value twice": ({"seed": [1, 1]}, "seed: 1 is not allowed, expected each value once"),
    "a range": (
        {"steps": {"start": 5, "stop": 9, "count": 2}},
        "steps: {'count': 2, 'start': 5, 'stop': 9} is not allowed, expected one value, or a list",
    ),
    "no such value": ({"boundary": ["free", "tours"]}, "boundary[1]: 'tours' is not allowed"),
    "another type": ({"steps": [5, 8.5]}, "steps[1]: 8.5 is not allowed, expected an integer"),
    "an impossible combination": (
        {"boundary": ["wrap", "free"], "normalise": ["l2", "std"]},
        "boundary free, normalise std: normalise: 'std' is not allowed, expected another norm",
    ),
    "too few layers": (
        {"steps": [8, 5], "horizons": [8]},
        "steps 5: horizons: 8 is not allowed, expected layers from 1 to steps, 5",
    ),
    "no such value in a part": (
        {"steps": [8, 5], "exclude": [{"steps": 6}]},
        "exclude[0].steps: 6 is not allowed, expected one of 8, 5",
    ),
    "nothing of the first values": (
        {"steps": [8, 5], "exclude": [{"steps": 8, "kernels": "dct"}]},
        "include and exclude leave no cell of steps 8, the first values",
    ),
    "no key of users": ({"axes": {"steps": [8, 5]}}, "'axes' is not a known key"),
    "too many": ({"seed": [*range(10**5)], "steps": [*range(5, 5000)]}, "the grid: '"),
}


@pytest.mark.parametrize(("settings", "told"), REFUSED.values(), ids=REFUSED)
def test_mistakes_are_told_in_one_line(settings: dict[str, object], told: str) -> None:
    with pytest.raises(MechcoreError) as error:
        expand(load_experiment(SINGLE | settings))
    assert str(error.value).removeprefix("config: ").startswith(told)
    assert len(str(error.value).splitlines()) == 1
