"""A grid with axes of settings computes what separate experiments would, bit for bit."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import mechcore
from mechcore.analysis.collect import collect
from mechcore.claims.criteria import judge
from mechcore.claims.verdict import read_claims
from mechcore.experiment.cell import AXES
from mechcore.experiment.config import Experiment, load_experiment
from mechcore.experiment.grid import expand
from mechcore.experiment.paths import CLAIMS_FILE
from mechcore.results.results import TABLES, Results
from mechcore.simulation.run import simulate
from tests.helpers.experiments import SMALL, run

SINGLE = SMALL | {
    "kernels": ["dct", "random"],
    "activations": ["relu"],
    "betas": [0.0, 0.6, 1.0],
    "engine": "reference",
}
VALUES = {
    "boundary": ("free", "wrap", "reflect"),
    "normalise": ("l2", "mass", "none"),
    "density": ("absolute", "square"),
    "engine": ("reference", "compiled"),
    "steps": (4, 6),
    "seed": (0, 1),
}


@st.composite
def axes(draw: st.DrawFn) -> dict[str, list[object]]:
    """One or two axes of two values, in any order."""
    names = draw(st.lists(st.sampled_from(AXES), min_size=1, max_size=2, unique=True))
    return {name: draw(st.permutations(VALUES[name]))[:2] for name in names}


def in_memory(experiment: Experiment) -> Results:
    measured = collect(expand(experiment), Path(), read=lambda _, cell: simulate(cell))
    return Results.fitted(experiment, Path(), measured)


# Each example runs a dozen simulations.
@settings(max_examples=5)
@given(axes=axes())
def test_a_combination_has_the_numbers_of_an_experiment_with_its_values(
    axes: dict[str, list[object]],
) -> None:
    together = in_memory(load_experiment(SINGLE | axes))
    assert len(together.combinations) == math.prod(map(len, axes.values()))
    for part in together.combinations:
        scalars = {name: getattr(part.experiment, name) for name in axes}
        alone = in_memory(load_experiment(SINGLE | scalars))
        for name in TABLES:
            first, second = (
                getattr(one, name).drop(columns="cell", errors="ignore") for one in (part, alone)
            )
            pd.testing.assert_frame_equal(first, second, check_exact=True)


CONFIG = SINGLE | {
    "activations": ["relu", "modulus"],
    "steps": [4, 6],
    "boundary": ["wrap", "free"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("axes")
    run(folder, CONFIG)
    return folder


def test_tables_have_a_column_for_each_axis_and_trajectories_a_dimension(folder: Path) -> None:
    results = mechcore.open_results(folder)
    assert len(results.metrics) == len(results.cells) * 3 == 16 * 3
    for name in TABLES:
        columns = [axis for axis in AXES if axis in getattr(results, name)]
        # Kernels are the same in all of them.
        assert columns == ([] if name == "kernels" else ["boundary", "steps"])
    assert results.metrics.attrs["units"]["steps"] == "layer"
    joined = results.trajectories.mu_x
    assert joined.dims[:5] == ("kernel", "activation", "size", "boundary", "steps")
    assert [*joined.boundary.values] == ["wrap", "free"]
    # After the last layer follows nothing.
    unknown = np.isnan(joined.transpose("steps", "t", ...).values)
    assert unknown[0, 5:].all()
    assert not unknown[0, :5].any()
    assert not unknown[1].any()


def test_xarray_joins_files_by_cell_with_the_axes_beside(folder: Path) -> None:
    pytest.importorskip("dask")
    for files, words in (("*steps6.nc", {}), ("*.nc", {"join": "outer", "data_vars": "all"})):
        with xr.open_mfdataset(folder.glob(f"trajectories/{files}"), **words) as joined:
            assert joined.boundary.dims == joined.steps.dims == ("cell",)
            grid = joined.set_index(cell=["kernel", "activation", "size", "boundary", "steps"])
            one = grid.sel(kernel="dct", activation="relu", size=2, boundary="free", steps=6)
            # Half a pixel a layer, but for the rounding of sums.
            assert float(one.mu_x.sel(beta=1.0, t=6).squeeze()) == pytest.approx(3.0)


def test_claims_are_those_of_the_first_values_alone(folder: Path) -> None:
    first = load_experiment(CONFIG | {"steps": 4, "boundary": "wrap"})
    measured = collect(expand(first), folder, read=lambda _, cell: simulate(cell))
    alone = judge(Results.fitted(first, folder, measured))
    # Files have other names.
    found, expected = (
        [(one.id, one.verdict, one.range, [figure.value for figure in one.figures]) for one in some]
        for some in (read_claims(folder / CLAIMS_FILE), alone)
    )
    assert found == expected


def test_the_headline_figure_shows_the_first_values(folder: Path) -> None:
    labels = [line.get_label() for line in mechcore.open_results(folder).plot("dct").get_lines()]
    assert labels[:-1] == ["dct-relu-k2-wrap-steps4", "dct-modulus-k2-wrap-steps4"]
