"""The figures of the kernels of networks: drawn from their tables, for any bank of any names."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file
from scipy import stats

from mechcore.report.figures.filter_layers import (
    kernels_of,
    layer_titles,
    short_name,
    strongest_of_layers,
)
from mechcore.report.figures.filter_spectra import in_order
from mechcore.report.figures.registry import FIGURES, figure_stems
from mechcore.results.results import Results
from tests.helpers.experiments import SMALL, run
from tests.helpers.figures import (
    alt_text,
    caption,
    check_contract,
    data_of,
    drawn,
    marks,
    points,
    same,
)

CONFIG = SMALL | {
    "activations": ["modulus", "relu"],
    "betas": [0.5],
    "steps": 5,
    "slices_per_layer": 6,
    "engine": "reference",
}
NAMES = ("spectra", "symmetry", "space", "drift")
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


@pytest.mark.parametrize("bank", BANKS)
def test_any_bank_keeps_the_contract(results: Results, bank: str, tmp_path: Path) -> None:
    assert {f"{name}-{bank}" for name in NAMES} <= set(figure_stems(results.experiment))
    for name in NAMES:
        check_contract(name, data_of(name, results, bank), tmp_path, HEAVIEST)
        # A name of a layer must not end the drawing early.
        ElementTree.parse(tmp_path / f"{name}-{bank}.svg")


@pytest.mark.parametrize("name", NAMES)
def test_a_bank_without_kernels_or_runs_says_so(results: Results, name: str) -> None:
    for bank in ("late", "void"):
        data = data_of(name, results, bank)
        assert "0 results" in alt_text(name, data)
        assert "0 results" in caption(name, data)
        assert [text.get_text() for text in drawn(name, data).axes[0].texts] == ["no data"]
    at_rest = dataclasses.replace(results)
    banks = {name: dataclasses.replace(bank, runs=None) for name, bank in results.banks.items()}
    at_rest.__dict__["banks"] = banks
    assert ("0 results" in alt_text(name, data_of(name, at_rest))) == (name == "drift")


def test_names_of_layers_are_drawn_as_they_are(results: Results) -> None:
    titles = layer_titles(data_of("spectra", results).table)
    assert len(set(titles.values())) == len(titles) == 8
    hostile = next(title for title in titles.values() if "<b>" in title)
    assert re.fullmatch(r"[^$]*(\\\$[^$]*)+", hostile)
    assert "\n" not in hostile
    assert "\x07" not in hostile
    assert len(short_name("stage3.block1.conv0.weight")) == 14


def test_spectra_add_up_to_the_summary_of_each_layer(results: Results) -> None:
    table = data_of("spectra", results).table
    layers = results.banks["tiny.v1"].analysis.layers
    old = results.banks["tiny.v1-untrained"].analysis.layers
    low = table[table.v + table.u <= 1].groupby("layer", sort=False)
    wanted = {
        "share": layers.low_frequency_share,
        "untrained": old.low_frequency_share,
        "chance": layers.null_low_frequency_share,
    }
    for column, values in wanted.items():
        actual = low[column].sum(min_count=1).reindex(layers.name)
        np.testing.assert_allclose(actual, values, rtol=1e-9)
    whole = table.groupby("layer").share.sum(min_count=1)
    np.testing.assert_allclose(whole.drop("zeros.weight"), 1.0)
    assert np.isnan(whole["zeros.weight"])


def test_spectra_show_their_table(results: Results) -> None:
    data = data_of("spectra", results)
    figure, table = drawn("spectra", data), data.table
    layers = results.banks["tiny.v1"].analysis.layers
    bars = next(axes for axes in figure.axes if axes.get_ylabel() == "share of energy")
    tops = {round(bar.get_y() + bar.get_height(), 9) for bar in bars.patches}
    assert set(layers.low_frequency_share.dropna().round(9)) <= tops
    limits = next(item for item in bars.collections if item.get_gid() == "low_limit")
    actual = [path.vertices[0, 1] for path in limits.get_paths()]
    np.testing.assert_allclose(actual, layers.null_low_frequency_limit[layers.energy > 0])
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert len(panels) == 6
    for axes in panels:
        number = int(axes.get_title().split(":")[0])
        rows = table[table.number == number].set_index(["v", "u"]).share.fillna(0.0)
        names = [tuple(map(int, label.get_text())) for label in axes.get_xticklabels()]
        heights = [bar.get_height() for bar in axes.patches]
        np.testing.assert_array_equal(heights, rows.loc[names])
        total = next(line for line in axes.lines if line.get_gid() == "cumulative")
        if rows.any():
            np.testing.assert_allclose(total.get_ydata(), np.cumsum(heights), rtol=1e-12)


def test_coefficients_are_in_the_order_of_the_paper() -> None:
    v, u = (index.ravel() for index in np.indices((3, 3)))
    ordered = in_order(pd.DataFrame({"v": v, "u": u}))
    names = [f"{v}{u}" for v, u in zip(ordered.v, ordered.u, strict=True)]
    assert names == ["00", "01", "10", "11", "02", "20", "12", "21", "22"]


def test_symmetry_shows_types_and_shares_of_its_table(results: Results) -> None:
    data = data_of("symmetry", results)
    layers = results.banks["tiny.v1"].analysis.layers
    old = results.banks["tiny.v1-untrained"].analysis.layers
    known = data.table[data.table.mixed.notna()]
    np.testing.assert_allclose(known.symmetric + known.mixed + known.antisymmetric, 1.0)
    assert data.table.strongest.tolist() == layers.strongest.tolist()
    np.testing.assert_array_equal(data.table.untrained_odd_energy_ratio, old.odd_energy_ratio)
    # Of 3x3 kernels by chance.
    law, row = stats.beta(3, 1.5), data.table[data.table.layer == "one.weight"].iloc[0]
    chance = row.chance_symmetric, row.chance_antisymmetric
    assert chance == pytest.approx((law.cdf(0.25), law.sf(0.75)))
    types, shares = drawn("symmetry", data).axes
    tops = sorted(bar.get_y() + bar.get_height() for bar in types.patches)[-len(known) :]
    np.testing.assert_allclose(tops, 1.0)
    for name in ("odd_energy_ratio", "untrained_asymmetric_share"):
        same(points(marks(shares, name)), data.table.index, data.table[name])


def test_a_pair_of_taps_holds_nothing_but_low_frequencies_by_nature(results: Results) -> None:
    data = data_of("spectra", results, "pair")
    assert (data.table.low_limit == 1.0).all()
    assert data.table.share.tolist() == pytest.approx([1.0, 0.0])
    assert "1.00, 1.00" in alt_text("spectra", data)
    assert "Of 0 layers that can decide" in alt_text("spectra", data)


def test_space_shows_points_at_their_energies_and_the_axes_of_filters(results: Results) -> None:
    data = data_of("space", results)
    table = data.table
    kernels = kernels_of(results.banks["tiny.v1"].analysis, [])
    merged = table.merge(kernels, on=["number", "out", "in", "plane"])
    squares = merged.point_x**2 + merged.point_y**2 + merged.point_z**2
    known = squares.notna()
    np.testing.assert_allclose(squares[known], merged.energy[known], rtol=1e-9)
    right = table[table.layer == "right.weight"]
    np.testing.assert_allclose(right.point_y, 0.0, atol=1e-9)
    assert (right.point_x > 0).all()
    planes = drawn("space", data).axes
    same(points(marks(planes[0], "point_y")), table.point_x, table.point_y)
    same(points(marks(planes[2], "point_z")), table.point_y, table.point_z)
    axes = [line.get_xydata()[1] for line in planes[0].lines if line.get_gid() == "axis"]
    first = table.drop_duplicates("number").dropna(subset=["covariance_major"])
    np.testing.assert_allclose(np.square(axes).sum(axis=1), first.covariance_major)
    whole = results.banks["tiny.v1"].analysis.summary.iloc[0]
    assert f"of {whole.slices - whole.zero_slices:.0f} kernels" in caption("space", data)


def test_space_turns_the_points_that_it_draws(results: Results) -> None:
    data = data_of("space", results)
    space = FIGURES["space"].figure().space(data)
    drawn_points = data.table[["point_x", "point_y", "point_z"]].dropna()
    shown = np.array(space["points"])
    assert np.abs(shown).max() == 1.0
    # 5e-4: three decimals.
    scale = drawn_points.abs().max().max()
    np.testing.assert_allclose(shown * scale, drawn_points, atol=5e-4 * scale)
    assert len(space["colours"]) == len(shown)
    assert FIGURES["space"].figure().space(data_of("space", results, "void")) is None


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
    table = data_of("drift", results).table
    assert list(dict.fromkeys(table.activation)) == ["relu", "modulus"]
    exact = table[table.no_negative_tap & table.momentum_angle.notna()]
    assert len(exact) >= 8
    np.testing.assert_allclose(exact.measured, exact.predicted, atol=1e-9)
    line = table[(table.layer == "line.conv.weight") & table.light_speed.notna()]
    np.testing.assert_allclose(line.light_speed, 2.0)
    assert (table.measured.abs() <= table.light_speed + 1e-9)[table.measured.notna()].all()


def test_drift_shows_its_table(results: Results) -> None:
    data = data_of("drift", results)
    panels = drawn("drift", data).axes
    for column, (activation, rows) in enumerate(data.table.groupby("activation", sort=False)):
        speeds, angles = panels[column], panels[column + 2]
        sound = rows[~rows.unsound]
        inside = sound[(sound.predicted / sound.light_speed).abs() <= 2]
        x, y = inside.predicted / inside.light_speed, inside.measured / inside.light_speed
        same(points(marks(speeds, "measured")), x, y)
        same(points(marks(angles, "deviation")), sound.beta, sound.deviation)
        extinct = f"{rows.extinct.sum()} of {len(rows)}"
        assert speeds.get_title() == f"{activation}, {extinct} extinct"
        assert f"{activation}: {extinct} states extinct" in alt_text("drift", data)
    lines = [line for line in panels[0].lines if line.get_gid() == "measured"]
    filled = [len(line.get_xdata()) for line in lines if line.get_markerfacecolor() != "none"]
    relu = data.table[(data.table.activation == "relu") & data.table.momentum_angle.notna()]
    assert sum(filled) == relu[~relu.unsound].no_negative_tap.sum()


def test_drift_counts_what_it_leaves_out(results: Results) -> None:
    data = data_of("drift", results)
    unsound = dataclasses.replace(data, table=data.table.assign(unsound=True))
    assert f"{len(data.table)} are decided by rounding" in caption("drift", unsound)
    assert points(marks(drawn("drift", unsound), "measured")) == []
    table = data.table.assign(
        predicted=0.1, measured=0.1, light_speed=1.0, extinct=False, unsound=False
    )
    table.iloc[:3, table.columns.get_loc("predicted")] = -2.5
    changed = dataclasses.replace(data, table=table)
    assert "the predictions of 3 are beyond 2 light speeds" in caption("drift", changed)
    assert len(points(marks(drawn("drift", changed), "measured"))) == len(table) - 3


def test_of_many_layers_some_are_drawn_and_all_are_in_the_table(results: Results) -> None:
    for name in ("spectra", "symmetry"):
        data = data_of(name, results, "deep")
        assert data.table.number.nunique() == DEEP
        assert f"40 of {DEEP} layers" in caption(name, data)
    labels = [text.get_text() for text in drawn("symmetry", data).axes[1].get_xticklabels()]
    assert (labels[0], labels[-1], len(labels)) == ("1", str(DEEP), 40)
