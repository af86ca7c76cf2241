"""Parts of a grid: what include and exclude leave, and results with holes."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path

import pytest

from mechcore.cli import main
from mechcore.errors import MechcoreError
from mechcore.experiment.config import load_experiment
from mechcore.experiment.grid import expand
from tests.helpers.experiments import SMALL, run

GRID = SMALL | {
    "kernels": ["dct", "gaussian"],
    "activations": ["relu", "tanh"],
    "sizes": [2, 3],
    "patterns": ["delta", {"name": "disc", "radius": 4}],
    "angles": [0, 45],
}
WHOLE = {"patterns": ["delta", "disc-radius4"], "angles": [0, 45], "betas": SMALL["betas"]}


def left(**parts: object) -> dict[str, dict[str, object]]:
    """Axes of the cells, as far as they are not whole."""
    experiment = load_experiment(GRID | parts)
    # Jobs get the configuration as JSON.
    assert expand(load_experiment(experiment.to_json())) == expand(experiment)
    cells = {}
    for name, cell in expand(experiment).items():
        labels = [pattern.label for pattern in cell.patterns]
        axes = {"patterns": labels, "angles": cell.angles, "betas": cell.betas}
        cells[name] = {axis: values for axis, values in axes.items() if values != WHOLE[axis]}
    return cells


def test_exclude_takes_cells_and_values_within_cells() -> None:
    cells = left(
        exclude=[
            {"kernels": "gaussian", "sizes": 3},
            {"activations": "tanh", "angles": 45},
            {"activations": "tanh", "sizes": [3], "patterns": "disc"},
            {"activations": "relu", "betas": [0, 0.25, 1]},
        ]
    )
    assert cells == {
        "dct-relu-k2": {"betas": [0.5, 0.75]},
        "dct-relu-k3": {"betas": [0.5, 0.75]},
        "dct-tanh-k2": {"angles": [0]},
        "dct-tanh-k3": {"angles": [0], "patterns": ["delta"]},
        "gaussian-relu-k2": {"betas": [0.5, 0.75]},
        "gaussian-tanh-k2": {"angles": [0]},
    }


def test_include_keeps_its_parts_alone_and_exclude_takes_from_them() -> None:
    include = [
        {"sizes": 2, "angles": 0},
        {"sizes": 2, "angles": 45, "kernels": "dct"},
        {"sizes": 3, "activations": "relu"},
    ]
    assert left(include=include, exclude=[{"kernels": "gaussian", "activations": "relu"}]) == {
        "dct-relu-k2": {},
        "dct-relu-k3": {},
        "dct-tanh-k2": {},
        "gaussian-tanh-k2": {"angles": [0]},
    }


REFUSED = {
    "no such size": ({"exclude": [{"sizes": 5}]}, "exclude[0].sizes: 5 is not allowed, expected "),
    "no such beta": ({"include": [{"betas": 0.3}]}, "include[0].betas: 0.3 is not allowed"),
    "no such axis": ({"exclude": [{"size": 2}]}, "'exclude[0].size' is not a known key (did you"),
    "nothing": ({"exclude": [{}]}, "exclude[0]: {} is not allowed, expected some of kernels, "),
    "two axes within cells": (
        {"exclude": [{"angles": 0, "betas": 1}]},
        "and only one of patterns, angles, betas",
    ),
    "cells that are no product": (
        {"include": [{"angles": 0}, {"betas": 1}]},
        "include: 'angles and betas' is not allowed, expected values of only one of patterns",
    ),
    "all": ({"exclude": [{"sizes": [2, 3]}]}, "include and exclude leave no cell of the grid"),
}


@pytest.mark.parametrize(("parts", "told"), REFUSED.values(), ids=REFUSED)
def test_other_parts_are_refused_in_one_line(parts: dict[str, object], told: str) -> None:
    with pytest.raises(MechcoreError) as error:
        expand(load_experiment(GRID | parts))
    assert told in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_a_grid_with_holes_has_tables_a_verified_certificate_and_a_page(tmp_path: Path) -> None:
    holes = [
        # The cell that stands for all, the pattern that does, and the even kernels.
        {"kernels": "dct", "activations": "relu", "sizes": 3},
        {"sizes": 2, "patterns": "delta"},
        {"activations": "tanh", "betas": 0},
        {"kernels": "gaussian", "activations": "tanh"},
    ]
    with chdir(tmp_path):
        experiment = run(Path("results"), GRID | {"exclude": holes})
        words = ["--experiment", experiment.to_json(), "--results", "results"]
        sample = ["--cells", "1", "--simulations", "1"]
        for command in (["verify", *words, *sample], ["report", *words, "--output", "index.html"]):
            with pytest.raises(SystemExit) as ended:
                main(command)
            assert ended.value.code == 0
        assert "gaussian-tanh-k2" not in Path("index.html").read_text()
