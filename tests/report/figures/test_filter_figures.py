"""The figures of the kernels of networks: drawn from their tables, for any bank of any names."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Polygon, StepPatch
from safetensors.numpy import save_file
from scipy import stats

from mechcore.errors import MechcoreError
from mechcore.experiment.banks import planned_banks
from mechcore.experiment.config import load_experiment
from mechcore.report.figures.figure import FigureData
from mechcore.report.figures.filter_layers import (
    kernels_of,
    layer_titles,
    short_name,
    strongest_of_layers,
)
from mechcore.report.figures.registry import FIGURES, figure_stems
from mechcore.results.banks import BankResults
from mechcore.results.results import Results
from tests.helpers import figures
from tests.helpers.experiments import run
from tests.helpers.figures import alt_text, caption, check_contract, drawn, marks, points, same

SMALL: dict[str, object] = {
    "experiment": "banks",
    "kernels": ["dct"],
    "activations": ["modulus", "relu"],
    "sizes": [2],
    "patterns": ["delta"],
    "betas": [0.5],
    "steps": 5,
    "slices_per_layer": 6,
    "engine": "reference",
}
NAMES = ("spectra", "parity", "space", "roses", "gallery", "drift")
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
    experiment = run(folder, SMALL | {"filter_banks": banks})
    # Analysed, but its kernels have not run: as in a report of a part of the results.
    (folder / "filters" / "late.nc").unlink()
    return Results.load(experiment, folder)


def data_of(name: str, results: Results, bank: str = "tiny.v1") -> FigureData:
    return figures.data_of(name, results, bank)


def shown_panels(name: str, data: FigureData) -> list[Axes]:
    return [axes for axes in drawn(name, data).axes if axes.get_visible()]


def test_each_trained_bank_has_each_figure(results: Results) -> None:
    stems = [f"{name}-{bank}" for name in NAMES for bank in BANKS]
    planned = list(figure_stems(results.experiment))
    assert [stem for stem in planned if stem in stems] == stems
    assert "untrained" not in " ".join(planned)
    alone = load_experiment(SMALL)
    assert all(FIGURES[name].topics(alone) == [] for name in NAMES)
    # Said once, in the place of all of them.
    assert ["filter_banks" in FIGURES[name].absent for name in NAMES] == [True, *[False] * 5]


@pytest.mark.parametrize("bank", BANKS)
def test_any_bank_keeps_the_contract(results: Results, bank: str, tmp_path: Path) -> None:
    for name in NAMES:
        check_contract(name, data_of(name, results, bank), tmp_path, HEAVIEST)
        # A name of a layer must not end the drawing early.
        ElementTree.parse(tmp_path / f"{name}-{bank}.svg")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bank", ["late", "void"])
def test_a_bank_without_kernels_says_so(results: Results, name: str, bank: str) -> None:
    data = data_of(name, results, bank)
    assert "0 kernels" in alt_text(name, data)
    assert "0 kernels" in caption(name, data)
    written = [text.get_text() for axes in drawn(name, data).axes for text in axes.texts]
    assert written in (["no kernels to show"], ["no kernel ran yet"])


def test_a_bank_that_did_not_run_yet_is_shown_at_rest(results: Results) -> None:
    banks = {name: dataclasses.replace(bank, runs=None) for name, bank in results.banks.items()}
    at_rest = dataclasses.replace(results)
    at_rest.__dict__["banks"] = banks
    for name in NAMES:
        assert ("0 kernels" in alt_text(name, data_of(name, at_rest))) == (name == "drift")


CHANGED = {
    "spectra": "share",
    "parity": "share",
    "space": "beta",
    "roses": "share",
    "gallery": "tap",
    "drift": "measured",
}


@pytest.mark.parametrize(("name", "column"), CHANGED.items(), ids=CHANGED)
def test_alternative_text_follows_the_table(results: Results, name: str, column: str) -> None:
    data = data_of(name, results)
    changed = dataclasses.replace(
        data, table=data.table.assign(**{column: 0.3 * data.table[column]})
    )
    assert alt_text(name, changed) != alt_text(name, data)


def test_names_of_layers_are_drawn_as_they_are(results: Results) -> None:
    titles = layer_titles(data_of("spectra", results).table)
    assert len(set(titles.values())) == len(titles) == 8
    hostile = next(title for title in titles.values() if "<b>" in title)
    assert re.fullmatch(r"[^$]*(\\\$[^$]*)+", hostile)
    assert "\n" not in hostile
    assert "\x07" not in hostile
    long = short_name("stage3.block1.conv0.weight")
    assert len(long) == 17
    assert long.startswith("stage3.b")


def test_spectra_add_up_to_the_summary_of_each_layer(results: Results) -> None:
    table = data_of("spectra", results).table
    layers = results.banks["tiny.v1"].analysis.layers
    old = results.banks["tiny.v1-untrained"].analysis.layers
    low = table[table.v + table.u <= 1].groupby("layer", sort=False)
    wanted = {
        "share": layers.low_frequency_share,
        "share_mean": layers.low_frequency_share_mean,
        "untrained": old.low_frequency_share,
        "untrained_mean": old.low_frequency_share_mean,
        "chance": layers.null_low_frequency_share,
    }
    for column, values in wanted.items():
        found = low[column].sum(min_count=1).reindex(layers.name)
        np.testing.assert_allclose(found, values, rtol=1e-9)
    whole = table.groupby("layer").share.sum(min_count=1)
    np.testing.assert_allclose(whole.drop("zeros.weight"), 1.0)
    assert np.isnan(whole["zeros.weight"])


def test_spectra_show_their_table(results: Results) -> None:
    data = data_of("spectra", results)
    figure, table = drawn("spectra", data), data.table
    layers = results.banks["tiny.v1"].analysis.layers
    bars = next(axes for axes in figure.axes if axes.get_ylabel() == "share of energy")
    for gid, column in (("low", "low_frequency_share"), ("low_mean", "low_frequency_share_mean")):
        heights = [height for _, height in points(marks(bars, gid))]
        np.testing.assert_allclose(heights, layers[column].dropna())
    limits = next(item for item in bars.collections if item.get_gid() == "low_limit")
    found = [path.vertices[0, 1] for path in limits.get_paths()]
    np.testing.assert_allclose(found, layers.null_low_frequency_limit[layers.energy > 0])
    panels = [axes for axes in figure.axes if axes.get_xlabel() == "u"]
    assert len(panels) == 6
    for axes in panels:
        number = int(axes.get_title().split(":")[0])
        rows = table[table.number == number].sort_values(["v", "u"])
        image = axes.images[0]
        shown = np.ma.filled(np.ma.asarray(image.get_array(), float), np.nan)
        np.testing.assert_array_equal(shown.ravel(), rows.share)


def test_a_pair_of_taps_holds_nothing_but_low_frequencies_by_nature(results: Results) -> None:
    data = data_of("spectra", results, "pair")
    assert (data.table.low_limit == 1.0).all()
    assert data.table.share.tolist() == pytest.approx([1.0, 0.0])
    assert "1.00, 1.00" in alt_text("spectra", data)
    assert "Of 0 layers that can decide" in alt_text("spectra", data)


def test_parity_is_counted_in_bins(results: Results) -> None:
    data = data_of("parity", results)
    sums = data.table.groupby("layer")[["share", "chance", "untrained"]].sum(min_count=1)
    np.testing.assert_allclose(sums.drop("zeros.weight"), 1.0)
    assert sums.share.isna().tolist() == (sums.index == "zeros.weight").tolist()
    line = data.table[data.table.layer == "line.conv.weight"]
    # Of five taps in a row two are odd.
    law = stats.beta(1, 1.5)
    np.testing.assert_allclose(
        line.chance, law.cdf(line.beta_to**2) - law.cdf(line.beta_from**2), atol=1e-12
    )
    for axes in shown_panels("parity", data):
        rows = data.table[data.table.number == int(axes.get_title().split(":")[0])]
        stairs = [patch for patch in axes.patches if isinstance(patch, StepPatch)]
        for patch in stairs:
            np.testing.assert_array_equal(patch.get_data().values, rows[patch.get_gid()])
        assert len(stairs) == (3 if rows.share.notna().all() else 0)


def test_momentum_space_is_a_sphere(results: Results) -> None:
    data = data_of("space", results)
    table = data.table
    directed = table[table.momentum_angle.notna()]
    length = np.sqrt(directed.momentum_x**2 + directed.momentum_y**2 + directed.rest_mass**2)
    np.testing.assert_allclose(length, 1.0)
    alone = table[table.momentum_angle.isna()]
    assert (alone[["momentum_x", "momentum_y"]] == 0).all(axis=None)
    right = table[table.layer == "right.weight"]
    assert (right.momentum_x > 0).all()
    assert (right.rest_mass > 0).all()
    sphere, plane = drawn("space", data).axes
    same(points(marks(plane, "map")), table.momentum_angle.fillna(-34.0), table.rest_mass)
    on_paper = points(marks(sphere, "points"))
    assert len(on_paper) == len(table)
    assert max(np.hypot(x, y) for x, y in on_paper) <= 1 + 1e-12
    kernels = results.banks["tiny.v1"].analysis.summary.iloc[0]
    assert f"of {kernels.slices - kernels.zero_slices:.0f} kernels" in caption("space", data)


def test_momentum_space_shows_the_strongest_of_each_layer(results: Results) -> None:
    kernels = kernels_of(results.banks["tiny.v1"].analysis, [])
    assert (kernels.energy > 0).all()
    few = strongest_of_layers(kernels, 14)
    assert few.groupby("number").size().max() == 2
    for number, rows in few.groupby("number"):
        layer = kernels[kernels.number == number].energy.nlargest(2)
        assert sorted(rows.energy) == sorted(layer)
    assert strongest_of_layers(kernels, 3).number.nunique() == 3


def test_roses_point_where_the_kernels_do(results: Results) -> None:
    data = data_of("roses", results)
    right = data.table[data.table.layer == "right.weight"]
    assert right.angle[right.share == right.share.max()].tolist() == [0.0]
    assert right.share.max() == pytest.approx(1.0)
    assert right.alignment.iloc[0] == pytest.approx(1.0)
    sums = data.table.groupby("layer").share.sum(min_count=1).dropna()
    np.testing.assert_allclose(sums, 1.0)
    for axes in shown_panels("roses", data):
        rows = data.table[data.table.number == int(axes.get_title().split(":")[0])]
        petals = [patch for patch in axes.patches if isinstance(patch, Polygon)]
        assert len(petals) == int(rows.share.notna().all())
        for petal in petals:
            # y is downwards.
            assert axes.get_ylim()[0] > axes.get_ylim()[1]
            corners = petal.get_xy()
            far = corners[np.hypot(*corners.T) > 1e-9]
            reach = np.hypot(*far.T).max()
            assert reach == pytest.approx(np.sqrt(len(rows) * rows.share.max()))
            assert reach < axes.get_xlim()[1]


def test_gallery_shows_strong_kernels_from_even_to_odd(results: Results) -> None:
    data = data_of("gallery", results)
    kernels = data.table.drop_duplicates(["kind", "rank"])
    for kind, rising in (("even", True), ("odd", False)):
        betas = kernels[kernels.kind == kind].beta
        assert len(betas) == 8
        assert list(betas) == sorted(betas, reverse=not rising)
    assert kernels.beta.max() < 1 - 1e-9, "the kernel that is only noise"
    everything = kernels_of(results.banks["tiny.v1"].analysis, [])
    medians = everything.groupby("number").energy.median()
    energy = data.table.groupby(["kind", "rank"]).tap.apply(lambda taps: (taps**2).sum())
    limits = kernels.set_index(["kind", "rank"]).number.map(medians)
    assert (energy >= limits.reindex(energy.index) * (1 - 1e-6)).all()


def test_gallery_shows_the_taps(results: Results) -> None:
    data = data_of("gallery", results)
    groups = data.table.groupby(["kind", "rank"], sort=False)
    for axes, (_, taps) in zip(drawn("gallery", data).axes, groups, strict=True):
        shown = np.ma.filled(np.ma.asarray(axes.images[0].get_array(), float), np.nan)
        assert shown.shape == (taps.height.iloc[0], taps.width.iloc[0])
        np.testing.assert_allclose(shown.ravel(), taps.tap / taps.tap.abs().max())
        moment = (taps.tap * taps.x).sum(), (taps.tap * taps.y).sum()
        momentum = taps.iloc[0][["momentum_x", "momentum_y"]].to_numpy(float)
        np.testing.assert_allclose(momentum, moment, atol=1e-6)
        for arrow in axes.texts:
            assert np.dot(arrow.xy, moment) > 0


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
        speeds, angles = panels[2 * column : 2 * column + 2]
        sound = rows[~rows.unsound]
        inside = sound[(sound.predicted / sound.light_speed).abs() <= 2]
        x, y = inside.predicted / inside.light_speed, inside.measured / inside.light_speed
        same(points(marks(speeds, "points")), x, y)
        same(points(marks(angles, "deviation")), sound.beta, sound.deviation)
        extinct = f"{rows.extinct.sum()} of {len(rows)}"
        assert speeds.get_title() == f"{activation}, {extinct} extinct"
        assert f"{activation}: {extinct} states extinct" in alt_text("drift", data)
    lines = [line for line in panels[0].lines if line.get_gid() == "points"]
    filled = [len(line.get_xdata()) for line in lines if line.get_markerfacecolor() != "none"]
    relu = data.table[(data.table.activation == "relu") & data.table.momentum_angle.notna()]
    assert sum(filled) == relu[~relu.unsound].no_negative_tap.sum()


def test_drift_leaves_out_what_rounding_decides(results: Results) -> None:
    data = data_of("drift", results)
    changed = dataclasses.replace(data, table=data.table.assign(unsound=True))
    assert f"{len(data.table)} are decided by rounding" in caption("drift", changed)
    assert all(len(points(marks(axes, "points"))) == 0 for axes in drawn("drift", changed).axes)


def test_drift_counts_what_is_outside(results: Results) -> None:
    data = data_of("drift", results)
    table = data.table.assign(
        predicted=0.1, measured=0.1, light_speed=1.0, extinct=False, unsound=False
    )
    table.iloc[:3, table.columns.get_loc("predicted")] = -2.5
    changed = dataclasses.replace(data, table=table)
    assert "the predictions of 3 are beyond 2 light speeds" in caption("drift", changed)
    panels = drawn("drift", changed).axes
    shown = len(points(marks(panels[0], "points"))) + len(points(marks(panels[2], "points")))
    assert shown == len(table) - 3


def test_of_many_layers_some_are_drawn_and_all_are_in_the_table(results: Results) -> None:
    for name, shown in (("spectra", 40), ("parity", 12), ("roses", 12)):
        data = data_of(name, results, "deep")
        assert data.table.number.nunique() == DEEP
        assert f"{shown} of {DEEP} layers" in caption(name, data)
    titles = [axes.get_title() for axes in drawn("parity", data_of("parity", results, "deep")).axes]
    assert titles[0] == "1: stage00"
    assert titles[-1] == f"{DEEP}: stage{DEEP - 1}"


def test_results_of_other_weights_or_settings_are_refused(results: Results, tmp_path: Path) -> None:
    folder, plan = tmp_path / "results", planned_banks(results.experiment)["deep"]
    shutil.copytree(results.folder, folder)
    BankResults.load(plan, folder, results.experiment)
    other = results.experiment.model_copy(update={"steps": 9})
    with pytest.raises(MechcoreError, match=r"filter_runs/deep\.nc: made with other settings"):
        BankResults.load(plan, folder, other)
    for kind in ("filter_runs", "filters"):
        shutil.copy(folder / kind / "pair.nc", folder / kind / "deep.nc")
        with pytest.raises(
            MechcoreError, match=rf"{kind}/deep\.nc: made with other weights_sha256"
        ):
            BankResults.load(plan, folder, results.experiment)
