"""The figures of the kernels of networks: drawn from their tables, for any bank of any names."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file
from scipy import stats

from mechcore.report.figures.trained_layers import in_order
from mechcore.report.figures.trained_motion import kernels_of, strongest_of_layers
from mechcore.results.results import Results
from tests.helpers.experiments import SMALL, run
from tests.helpers.figures import NAMED, check_contract, drawn, figure_of, marks, points, same

CONFIG = SMALL | {
    "activations": ["modulus", "relu"],
    "betas": [0.5],
    "steps": 5,
    "slices_per_layer": 6,
    "engine": "reference",
}
HOSTILE = "a$b<b>é\n$\x07&.weight"
BANKS = ("tiny.v1", "void", "late", "pair", "deep")
DEEP = 45

HEAVIEST = 130_000
"""Bytes of a file of a figure: a page holds dozens."""


def weights_of(rng: np.random.Generator, *, trained: bool) -> dict[str, np.ndarray]:
    """Kernels of many shapes; those of the layer ``right.weight`` point right without chance."""
    shapes = {
        "conv1.weight": (8, 1, 5, 5),
        "conv2.weight": (6, 8, 3, 3),
        "line.conv.weight": (5, 4, 5),
        "volume.weight": (2, 2, 2, 3, 3),
        HOSTILE: (4, 4, 2, 2),
        "one.weight": (1, 1, 3, 3),
        "zeros.weight": (2, 2, 3, 3),
        "right.weight": (2, 2, 3, 3),
    }
    weights = {name: rng.normal(size=shape) + trained for name, shape in shapes.items()}
    weights["conv2.weight"][:2] = 0.0
    # Odd without doubt, but far below the median: only noise in a real layer.
    weights["conv2.weight"][3, 3] = 1e-6 * np.array([[-1, 0, 1]] * 3)
    weights["zeros.weight"][:] = 0.0
    # Networks correlate: as convolutions these are heavier at the right and at the bottom.
    weights["right.weight"][:] = np.array([[3, 2, 1], [3, 2, 1], [3, 2, 1]])
    return {name: array.astype(np.float32) for name, array in weights.items()}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A bank of every kind; one of zeros, one that is not done, one of two taps, a deep one."""
    folder, rng = tmp_path_factory.mktemp("banks"), np.random.default_rng(3)
    files = {name: folder / f"{name}.safetensors" for name in (*BANKS, "before")}
    save_file(weights_of(rng, trained=True), files["tiny.v1"])
    save_file(weights_of(rng, trained=False), files["before"])
    save_file({"conv.weight": np.zeros((2, 2, 3, 3), np.float32)}, files["void"])
    save_file({"conv.weight": np.ones((2, 2, 3, 3), np.float32)}, files["late"])
    save_file({"conv.weight": np.ones((2, 2, 2), np.float32)}, files["pair"])
    deep = {
        f"stage{number:02}.block.with.a.long.name.conv.weight": rng.normal(size=(2, 1, 3, 3)) + 0.5
        for number in range(DEEP)
    }
    save_file({name: array.astype(np.float32) for name, array in deep.items()}, files["deep"])
    banks: list[object] = [str(files[name]) for name in BANKS]
    banks[0] = {"weights": banks[0], "untrained": str(files["before"])}
    experiment = run(folder, CONFIG | {"filter_banks": banks})
    # Analysed, but its kernels have not run: as in a report of a part of the results.
    (folder / "filters" / "late.nc").unlink()
    return Results.load(experiment, folder)


def of_bank(table: pd.DataFrame, bank: str = "tiny.v1") -> pd.DataFrame:
    return table[table.bank == bank]


def test_any_bank_keeps_the_contract(results: Results, tmp_path: Path) -> None:
    captions = check_contract(results, tmp_path, HEAVIEST)
    assert {"spectra", "symmetry", "drift", "components", "space-tiny.v1"} <= {*captions}
    # Neither zeros nor a bank that is not analysed have points.
    assert not {"space-void", "space-late"} & {*captions}
    # A name of a layer must not end the drawing early.
    for file in tmp_path.glob("figures/*.svg"):
        ElementTree.parse(file)


def test_banks_without_runs_have_no_velocities(results: Results) -> None:
    at_rest = dataclasses.replace(results)
    banks = {name: dataclasses.replace(bank, runs={}) for name, bank in results.banks.items()}
    at_rest.__dict__["banks"] = banks
    assert NAMED["drift"].data(at_rest) == []


def test_bars_of_the_energy_are_those_of_each_layer(results: Results) -> None:
    data, panels = drawn("spectra", results)
    layers = results.banks["tiny.v1"].analysis.layers
    old = results.banks["tiny.v1-untrained"].analysis.layers
    table = of_bank(data.table)
    np.testing.assert_array_equal(table.low_frequency_share, layers.low_frequency_share)
    np.testing.assert_array_equal(table.untrained, old.low_frequency_share)
    tops = {round(bar.get_y() + bar.get_height(), 9) for bar in panels.axes[0].patches}
    assert set(layers.low_frequency_share.dropna().round(9)) <= tops
    limits = {item.get_gid(): item for item in panels.axes[0].collections}
    drawn_limits = limits["null_low_frequency_limit"].get_paths()
    levels = [path.vertices[0, 1] for path in drawn_limits]
    np.testing.assert_allclose(levels, layers.null_low_frequency_limit.dropna())


def test_components_add_up_to_the_energy(results: Results) -> None:
    _, data = figure_of("components", results)
    sums = of_bank(data.table).dropna().groupby("number")["sum"]
    layers = results.banks["tiny.v1"].analysis.layers
    shares = of_bank(data.table).set_index("number").query("place <= 3").groupby("number").share
    square = (layers.height == 3) & (layers.width == 3) & (layers.energy > 0)
    low = layers.low_frequency_share[square]
    low.index += 1
    np.testing.assert_allclose(shares.sum()[low.index], low, rtol=1e-9)
    np.testing.assert_allclose(sums.max()[low.index], 1.0)


def test_coefficients_are_in_the_order_of_the_paper() -> None:
    v, u = (index.ravel() for index in np.indices((3, 3)))
    ordered = in_order(pd.DataFrame({"number": 1, "v": v, "u": u}))
    names = [f"{v}{u}" for v, u in zip(ordered.v, ordered.u, strict=True)]
    assert names == ["00", "01", "10", "11", "02", "20", "12", "21", "22"]


def test_symmetry_shows_types_and_shares_of_its_table(results: Results) -> None:
    data, panels = drawn("symmetry", results)
    table = of_bank(data.table)
    known = table[table.mixed.notna()]
    np.testing.assert_allclose(known.symmetric + known.mixed + known.antisymmetric, 1.0)
    # Of 3x3 kernels by chance.
    law, row = stats.beta(3, 1.5), table[table.layer == "one.weight"].iloc[0]
    chance = row.chance_symmetric, row.chance_not_antisymmetric
    assert chance == pytest.approx((law.cdf(0.25), law.cdf(0.75)))
    shown = points(marks(panels.axes[0], "odd_energy_ratio"))
    same(shown, range(len(table)), table.odd_energy_ratio)


def test_space_shows_and_turns_points_at_their_energies(results: Results) -> None:
    figure, data = figure_of("space", results)
    table = data.table
    squares = table.point_x**2 + table.point_y**2 + table.point_z**2
    known = squares.notna()
    np.testing.assert_allclose(squares[known], table.energy[known], rtol=1e-9)
    right = table[table.layer == "right.weight"]
    np.testing.assert_allclose(right.point_y, 0.0, atol=1e-9)
    assert (right.point_x > 0).all()
    axes = np.array([line.get_xydata()[1] for line in marks(figure.draw(data).figure, "axis")])
    strongest = table.sort_values("energy").drop_duplicates("number", keep="last")
    known = strongest.dropna(subset=["axis_x"]).set_index(["number", "out"])
    filters = pd.concat(results.banks["tiny.v1"].analysis.filters.values())
    major = filters.assign(number=filters.layer + 1).set_index(["number", "out"]).covariance_major
    squares = np.square(axes[np.isfinite(axes).all(axis=1)]).sum(axis=1)
    np.testing.assert_allclose(sorted(squares), sorted(major[known.index]))
    assert figure.space is not None
    space: dict[str, object] = figure.space(data)
    shown, wanted = np.array(space["points"]), table[["point_x", "point_y", "point_z"]].dropna()
    scale = wanted.abs().max().max()
    # 5e-4: three decimals.
    np.testing.assert_allclose(shown * scale, wanted, atol=5e-4 * scale)


def test_momentum_space_shows_the_strongest_of_each_layer(results: Results) -> None:
    kernels = kernels_of(results.banks["tiny.v1"].analysis, [])
    assert (kernels.energy > 0).all()
    few = strongest_of_layers(kernels, 14)
    assert few.groupby("number").size().max() == 2
    for number, rows in few.groupby("number"):
        layer = kernels[kernels.number == number].energy.nlargest(2)
        assert sorted(rows.energy) == sorted(layer)
    assert strongest_of_layers(kernels, 3).number.nunique() == 3


def test_drift_follows_the_prediction_without_negative_taps(results: Results) -> None:
    data, panels = drawn("drift", results)
    table = of_bank(data.table)
    exact = table[table.no_negative_tap.astype(bool) & table.predicted.notna()]
    assert len(exact) >= 8
    np.testing.assert_allclose(exact.measured, exact.predicted, atol=1e-9)
    assert (table.measured.abs() <= 1 + 1e-9)[table.measured.notna()].all()
    sound = table[~table.unsound.astype(bool) & (table.predicted.abs() <= 2)]
    same(points(marks(panels.axes[0], "measured")), sound.predicted, sound.measured)


def test_taps_that_lie_apart_move_a_point_and_its_light_cone_alike(results: Results) -> None:
    bank = results.banks["tiny.v1"]
    slices = {
        name: group.assign(
            velocity_x=2 * group.velocity_x,
            velocity_y=3 * group.velocity_y,
            momentum_angle=np.degrees(np.arctan2(3 * group.momentum_y, 2 * group.momentum_x)),
        )
        for name, group in bank.analysis.slices.items()
    }
    layers = bank.analysis.layers.assign(spacing_x=2.0, spacing_y=3.0)
    analysis = dataclasses.replace(bank.analysis, slices=slices, layers=layers)
    dilated = dataclasses.replace(results)
    dilated.__dict__["banks"] = {"tiny.v1": dataclasses.replace(bank, analysis=analysis)}
    data, _ = drawn("drift", dilated)
    exact = data.table[data.table.no_negative_tap.astype(bool) & data.table.predicted.notna()]
    assert len(exact) >= 8
    np.testing.assert_allclose(exact.measured, exact.predicted, atol=1e-9)
    # Nothing is beyond the cone: to rounding.
    assert (data.table.measured.dropna().abs() <= 1 + 1e-9).all()


def test_drift_counts_what_it_leaves_out(results: Results) -> None:
    figure, data = figure_of("drift", results)
    table = data.table.assign(predicted=0.1, measured=0.1, extinct=False, unsound=False)
    table.iloc[:3, table.columns.get_loc("predicted")] = -2.5
    changed = dataclasses.replace(data, table=table)
    assert "and 3 are beyond the axis" in figure.caption(changed)


def test_of_many_layers_some_are_drawn_and_all_are_in_the_table(results: Results) -> None:
    data, panels = drawn("symmetry", results)
    assert of_bank(data.table, "deep").number.nunique() == DEEP
    axes = next(axes for axes in panels.axes if axes.get_title() == "deep")
    labels = [text.get_text() for text in axes.get_xticklabels()]
    assert (labels[0], labels[-1], len(labels)) == ("1", str(DEEP), 40)


def test_a_census_marks_every_layer_of_ten_networks(results: Results) -> None:
    layers = results.census[results.census.network == "tiny.v1"]
    networks = [layers.assign(network=f"net{number}") for number in range(10)]
    many = dataclasses.replace(results)
    many.__dict__["census"] = pd.concat(networks, ignore_index=True)
    data, panels = drawn("census", many)
    table = data.table
    # The first layer is of 2x2, which decides nothing.
    assert set(table.kind) == {"full", "depthwise"}
    assert (table.null_low_frequency_share <= 0.5).all()
    same(points(marks(panels.axes[0], "share")), table.depth, table.low_frequency_share)
    assert NAMED["census"].data(results) == []


def test_roses_point_where_kernels_do(results: Results) -> None:
    bank, layers = results.banks["tiny.v1"], results.census[results.census.network == "tiny.v1"]
    names = [f"net{number}" for number in range(10)]
    many = dataclasses.replace(results)
    many.__dict__["banks"] = dict.fromkeys(names, bank)
    many.__dict__["census"] = pd.concat([layers.assign(network=name) for name in names])
    data, panels = drawn("roses", many)
    assert len(panels.axes) == len(names)
    sums = data.table.groupby(["bank", "kind"]).share.sum()
    np.testing.assert_allclose(sums, 1.0, rtol=1e-12)
    # A layer that points right without chance has most of the momentum of the full layers.
    full = data.table[(data.table.bank == "net0") & (data.table.kind == "full")]
    assert full.angle[full.share.idxmax()] == 0
