"""The figures: drawn from their tables, in the colours that their legends say, on any grid."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mechcore.claims.verdict import read_claims
from mechcore.experiment.config import load_experiment
from mechcore.report.figures.compact_svg import compact
from mechcore.report.figures.registry import FIGURES, figure_stems
from mechcore.report.figures.style import paper_style, save
from mechcore.report.page import Content, render
from mechcore.results.results import TABLES, Results
from tests.helpers.experiments import SMALL, run
from tests.helpers.figures import (
    alt_text,
    caption,
    check_contract,
    data_of,
    drawn,
    every_figure,
    legend,
    look,
    marks,
    points,
    same,
)

CONFIG = SMALL | {
    "kernels": ["dct", "highpass"],
    "sizes": [2, 3],
    "patterns": ["delta", "disc"],
    "angles": [0, 45],
    "betas": {"start": 0, "stop": 1, "count": 11},
    "steps": 12,
    "engine": "reference",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("figures")
    return Results.load(run(folder, CONFIG), folder)


def extinct(results: Results) -> Results:
    late = results.metrics.beta > 0.6
    dead = results.metrics.assign(
        speed=results.metrics.speed.mask(late),
        extinct_at=results.metrics.extinct_at.mask(late, 3),
    )
    return dataclasses.replace(results, metrics=dead)


@pytest.mark.parametrize("change", [lambda results: results, extinct], ids=["all", "extinct"])
def test_every_figure_keeps_the_contract(
    results: Results, change: Callable[[Results], Results], tmp_path: Path
) -> None:
    names = set()
    for name, data in every_figure(change(results)):
        check_contract(name, data, tmp_path, most_bytes=250_000)
        names.add(f"{name}-{data.topic}")
    assert names == set(figure_stems(results.experiment))


def test_odd_kernels_on_a_torus_keep_the_contract(tmp_path: Path) -> None:
    changes = {"kernels": ["dct"], "sizes": [4], "angles": [0], "betas": [1.0], "steps": 4}
    torus = {"activations": ["tanh", "modulus", "relu"], "boundary": "wrap", "domain": 33}
    odd = Results.load(run(tmp_path, CONFIG | changes | torus), tmp_path)
    for name, data in every_figure(odd):
        check_contract(name, data, tmp_path, most_bytes=250_000)
    # Nothing is exact there.
    page = render(odd, Content(read_claims(tmp_path / "claims.json"), [], {}))
    assert not re.search(r"[ >]nan[ <]", page, re.IGNORECASE)


@pytest.mark.parametrize(
    ("changes", "absent"),
    [
        ({"angles": [0]}, "isotropy"),
        ({"betas": [0.5]}, "contraction"),
        ({"activations": ["relu"]}, "rectifiers"),
        ({}, "spectra"),
    ],
)
def test_what_a_grid_cannot_show_is_left_out(changes: dict[str, object], absent: str) -> None:
    whole = load_experiment(CONFIG | {"filter_banks": ["resources/banks/digits.safetensors"]})
    assert FIGURES[absent].topics(whole)
    assert FIGURES[absent].topics(load_experiment(CONFIG | changes)) == []


def test_figures_without_results_say_so(results: Results, tmp_path: Path) -> None:
    tables: dict[str, Any] = {name: getattr(results, name).iloc[:0] for name in TABLES}
    nothing = dataclasses.replace(results, folder=tmp_path, **tables)
    for name, data in every_figure(nothing):
        if name != "kernels":
            assert "0 results" in alt_text(name, data), name
            assert "0 results" in caption(name, data), name
            check_contract(name, data, tmp_path, most_bytes=20_000)


BETA = r"$\beta$ = {:.3g}"
SERIES = [
    ("isotropy", "deviation", "beta", BETA, "angle", "deviation"),
    ("isotropy", "relative_speed", "beta", BETA, "angle", "relative_speed"),
    ("rectifiers", "lead", "size", "k = {}", "beta", "lead"),
    ("controls", "controls", "activation", "{}", "drift", ""),
    ("speed", "points", "", "", "beta", "speed"),
    ("contraction", "contraction_along", "", "", "relative_speed", "contraction_along"),
    ("contraction", "contraction_across", "", "", "relative_speed", "contraction_across"),
    ("trajectories", "displacement", "", "", "t", "displacement"),
    ("diffusion", "width", "", "", "t", "width"),
]
"""Figure, marks, column of the series, its name in the legend, columns of x and y; without a name
the series are side by side along that axis, or are taken together."""

INSIDE: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "rectifiers": lambda rows: rows[rows.beta < 1],
    "controls": lambda rows: rows.assign(drift=rows.drift.clip(1e-18)).dropna(subset=["drift"]),
    "contraction": lambda rows: rows[rows.relative_speed.between(-0.06, 1.35)],
    "diffusion": lambda rows: rows[(rows.t > 0) & (rows.width > 1e-6)],
}
"""What the axes of a figure show of its table."""


@pytest.mark.parametrize(("name", "gid", "series", "label", "x", "y"), SERIES)
def test_each_series_is_drawn_in_the_colour_of_its_legend(
    results: Results, name: str, gid: str, series: str, label: str, x: str, y: str
) -> None:
    data = data_of(name, results)
    figure, shown = drawn(name, data), INSIDE.get(name, lambda rows: rows)(data.table)
    if name == "contraction":
        shown = shown[shown[y] <= 1.45]
    styles = legend(figure)
    for value, rows in shown.groupby(series) if series else [("", shown)]:
        own = marks(figure, gid)
        if series:
            own = [line for line in own if look(line) == styles[label.format(value)]]
        places = sorted(map(tuple, (np.array(points(own)) * [bool(x), bool(y)]).tolist()))
        columns = (rows[column] if column else np.zeros(len(rows)) for column in (x, y))
        same(places, *columns)


def test_theory_meets_the_exact_points(results: Results) -> None:
    data = data_of("speed", results)
    figure, table = drawn("speed", data), data.table
    x, y = np.asarray(marks(figure.axes[1], "theory")[0].get_xydata()).T
    rows = table[(table["size"] == 3) & (table.pattern == "delta") & (table.activation == "relu")]
    exact = rows[rows.beta <= rows.beta_star]
    assert len(exact) > 4
    # The curve is drawn in chords; a thousandth of the panel is thinner than its line.
    np.testing.assert_allclose(np.interp(exact.beta, x, y), exact.speed, atol=1e-3)
    assert x.max() == pytest.approx(exact.beta_star.iloc[0])


def test_the_headline_shows_the_square_of_speeds_and_the_exact_law(results: Results) -> None:
    data = data_of("headline", results)
    steps = results.experiment.steps
    means = results.mean_speeds
    means = means[(means.pattern == "delta") & (means.cell == "dct-relu-k3")]
    shown = data.table[(data.table.layers == steps) & (data.table["size"] == 3)]
    ends = (means[f"end_speed_{steps}"] / results.mean_light_speed(3)) ** 2
    relu = shown[shown.activation == "relu"]
    np.testing.assert_allclose(relu.squared_speed, ends, rtol=1e-12)
    first = drawn("headline", data).axes[0]
    np.testing.assert_array_equal(marks(first, "law")[0].get_xydata(), [[0, 0], [1, 1]])
    fits = results.regressions[results.regressions.predictor == "squared_celerity"]
    for line, size in zip(marks(first, "theory"), (2, 3), strict=True):
        g = fits.law[fits.cell == f"dct-relu-k{size}"].iloc[0]
        ratio, square = np.asarray(line.get_xydata()).T
        np.testing.assert_allclose(square, g * ratio / (1 - ratio), rtol=1e-12)
    miss = (relu.squared_speed - relu.share).abs()
    words = f"relu, T = {steps}, k = 3: {miss.max():.3f} at "
    assert words in alt_text("headline", data)


def test_filled_points_are_those_of_the_exact_theory(results: Results) -> None:
    data = data_of("isotropy", results)
    lines = list(marks(drawn("isotropy", data), "relative_speed"))
    filled = [line for line in lines if line.get_markerfacecolor() != "none"]
    shown = data.table[data.table.relative_speed.notna()]
    exact = shown[shown.beta <= shown.beta_star + 1e-12]
    same(points(filled), exact.angle, exact.relative_speed)
    assert 0 < len(points(filled)) < len(points(lines)) == len(shown)


def test_contraction_counts_the_points_outside(results: Results) -> None:
    data = data_of("contraction", results)
    sound = {"relative_speed": 0.5, "contraction_along": 1.0, "contraction_across": 1.0}
    widths = data.table.assign(**sound)
    # The first point is outside in one panel, the second in both.
    widths.loc[0, "contraction_across"], widths.loc[1, "relative_speed"] = 9.0, -2.0
    changed = dataclasses.replace(data, table=widths)
    for text in (caption("contraction", changed), alt_text("contraction", changed)):
        assert f"3 of {2 * len(widths)} points are outside" in text


def test_velocity_follows_the_momentum_below_beta_star(results: Results) -> None:
    table = data_of("isotropy", results).table
    exact = table[table.beta <= table.beta_star]
    assert len(exact) >= 4
    # Velocities of 0.1 px/layer and more, known to 1e-13: directions to 1e-10 degrees.
    assert exact.deviation.abs().max() < 1e-9
    turned = results.mechanics.assign(
        velocity_x=-results.mechanics.velocity_y, velocity_y=results.mechanics.velocity_x
    )
    other = data_of("isotropy", dataclasses.replace(results, mechanics=turned)).table
    # A quarter turn from +x to +y is 90 degrees.
    np.testing.assert_allclose(other.deviation.dropna() % 360, 90 + table.deviation.dropna())


def test_controls_are_filled_without_negative_taps(results: Results) -> None:
    data = data_of("controls", results)
    lines = marks(drawn("controls", data), "controls")
    filled = [line for line in lines if line.get_markerfacecolor() != "none"]
    positive = data.table[data.table.smallest_tap >= 0].drift.clip(lower=1e-18)
    assert sorted(drift for drift, _ in points(filled)) == sorted(positive)
    assert 0 < len(positive) < len(data.table)


def test_rare_colours_survive_in_the_png(results: Results, tmp_path: Path) -> None:
    figure = drawn("controls", data_of("controls", results))
    file = save(figure, tmp_path / "controls", suffixes=[".png"])[0]
    pixels = np.asarray(Image.open(file).convert("RGB"), dtype=int).reshape(-1, 3)
    for name in results.experiment.activations:
        colour = bytes.fromhex(legend(figure)[name][0][1:])
        # A palette of 256 colours that covers the cube of colours moves none by more than this.
        assert np.abs(pixels - list(colour)).max(axis=1).min() <= 16


COPY = r'<use [^>]*x="([^"]+)" y="([^"]+)"'


def test_compact_drawings_hold_every_point(results: Results, tmp_path: Path) -> None:
    figure = drawn("isotropy", data_of("isotropy", results))
    with paper_style():
        figure.savefig(tmp_path / "plain.svg", metadata={"Date": None})
    plain = (tmp_path / "plain.svg").read_text(encoding="utf-8")
    short = compact(plain)
    # To a tenth of a point.
    before, after = (
        {(f"{float(x):.1f}", f"{float(y):.1f}") for x, y in re.findall(COPY, svg)}
        for svg in (plain, short)
    )
    assert before <= after
    assert short.count("<g") == short.count("</g>")
    assert len(short) < 0.6 * len(plain)
    names = set(re.findall(r' id="([^"]+)"', short))
    references = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', short)
    assert {first or second for first, second in references} <= names
    assert "style=" not in short
