"""The figures: drawn from their tables, in one language of colours and shapes, on any grid."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex

from mechcore.analysis.beta_ranges import within_theory
from mechcore.claims.verdict import read_claims
from mechcore.report.figures.compact_svg import compact
from mechcore.report.figures.registry import FIGURES
from mechcore.report.figures.style import activation_colours, marker, paper_style, write_svg
from mechcore.report.first_screen import OPENINGS
from mechcore.report.page import Content, render
from mechcore.results.results import TABLES, Results
from tests.helpers.experiments import SMALL, run
from tests.helpers.figures import NAMED, check_contract, drawn, figure_of, marks, points, same

CONFIG = SMALL | {
    "kernels": ["dct", "highpass"],
    "sizes": [2, 3],
    "patterns": ["delta", "disc"],
    "angles": [0, 45],
    "betas": {"start": 0, "stop": 1, "count": 11},
    "steps": 12,
    "engine": "reference",
}

HEAVIEST = 250_000
"""Bytes of a file of a figure."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("figures")
    return Results.load(run(folder, CONFIG), folder)


def extinct(results: Results) -> Results:
    late = (results.metrics.beta > 0.6) | (results.metrics.activation == "relu")
    dead = results.metrics.assign(
        speed=results.metrics.speed.mask(late),
        extinct_at=results.metrics.extinct_at.mask(late, 3),
    )
    return dataclasses.replace(results, metrics=dead)


def test_the_page_has_ten_figures_at_most() -> None:
    # Pages that are about whole networks have few others.
    beside = {"census", "roses"}.union(*(o.sections for o in OPENINGS if not o.with_film))
    assert sum(figure.main for figure in FIGURES if figure.name not in beside) <= 10
    assert all(name in NAMED for opening in OPENINGS for name in opening.sections)
    assert len(NAMED) == len(FIGURES)


@pytest.mark.parametrize("change", [lambda results: results, extinct], ids=["all", "extinct"])
def test_every_figure_keeps_the_contract(
    results: Results, change: Callable[[Results], Results], tmp_path: Path
) -> None:
    captions = check_contract(change(results), tmp_path, HEAVIEST)
    assert {"headline-dct", "families", "speed-highpass", "isotropy-dct", "strip"} <= {*captions}
    assert not [stem for stem in captions if stem.startswith(("spectra", "published"))]


def test_odd_kernels_on_a_torus_keep_the_contract(tmp_path: Path) -> None:
    changes = {"kernels": ["dct"], "sizes": [4], "angles": [0], "betas": [1.0], "steps": 4}
    torus = {"activations": ["tanh", "modulus", "relu"], "boundary": "wrap", "domain": 33}
    odd = Results.load(run(tmp_path, CONFIG | changes | torus), tmp_path)
    captions = check_contract(odd, tmp_path, HEAVIEST)
    # One family, one angle, and no kernel at rest.
    assert not {"families", "isotropy-dct", "contraction-dct"} & {*captions}
    # Nothing is exact there.
    pages = render(odd, Content(read_claims(tmp_path / "claims.json"), [], {}))
    assert not re.search(r"[ >]nan[ <]", "".join(pages), re.IGNORECASE)


def test_without_results_there_are_no_figures_but_the_kernels(
    results: Results, tmp_path: Path
) -> None:
    tables: dict[str, Any] = {name: getattr(results, name).iloc[:0] for name in TABLES}
    nothing = dataclasses.replace(results, folder=tmp_path, **tables)
    assert set(check_contract(nothing, tmp_path, HEAVIEST)) == {"kernels"}


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        ("speed", "odd_energy_ratio", "speed"),
        ("headline", "share", "squared_speed"),
        ("contraction", "relative_speed", "contraction_along"),
        ("trajectories", "t", "displacement"),
        ("isotropy", "angle", "deviation"),
        ("isotropy", "angle", "speed"),
    ],
)
def test_the_marks_are_those_of_the_table(results: Results, name: str, x: str, y: str) -> None:
    data, panels = drawn(name, results)
    table = data.table
    if name == "contraction":
        table = table[table.relative_speed.between(-0.06, 1.35) & (table[y] <= 1.45)]
    same(points(marks(panels.figure, y)), table[x], table[y])


@pytest.mark.parametrize("name", ["headline", "families", "speed", "contraction", "diffusion"])
def test_colour_is_the_activation_and_shape_the_size(results: Results, name: str) -> None:
    data, panels = drawn(name, results)
    known = data.table.dropna(subset=[NAMED[name].value])
    rows = known[["activation", "size"]].drop_duplicates().to_numpy()
    wanted = {(activation_colours()[activation], marker(size)) for activation, size in rows}
    lines = [line for axes in panels.axes for line in axes.lines if line.get_marker() != "None"]
    assert {(to_hex(line.get_color()), line.get_marker()) for line in lines} == wanted


def test_theory_meets_the_exact_points(results: Results) -> None:
    data, panels = drawn("speed", results)
    x, y = np.asarray(marks(panels.axes[1], "theory")[0].get_xydata()).T
    table = data.table
    rows = table[(table["size"] == 3) & (table.pattern == "delta") & (table.activation == "relu")]
    exact = rows[within_theory(rows)]
    assert len(exact) > 4
    # Speeds are sums of a few hundred products.
    np.testing.assert_allclose(x, exact.odd_energy_ratio)
    np.testing.assert_allclose(y, exact.speed, atol=1e-12)


def test_the_headline_shows_the_square_of_speeds_and_the_exact_law(results: Results) -> None:
    data, panels = drawn("headline", results)
    steps, means = results.experiment.steps, results.mean_speeds
    means = means[(means.pattern == "delta") & (means.cell == "dct-relu-k3")]
    table = data.table
    relu = table[(table.layers == steps) & (table["size"] == 3) & (table.activation == "relu")]
    ends = (means[f"end_speed_{steps}"] / results.mean_light_speed(3)) ** 2
    np.testing.assert_allclose(relu.squared_speed, ends, rtol=1e-12)
    first = panels.axes[0]
    np.testing.assert_array_equal(marks(first, "law")[0].get_xydata(), [[0, 0], [1, 1]])
    fits = results.regressions[results.regressions.predictor == "squared_celerity"]
    for line, size in zip(marks(first, "theory"), (2, 3), strict=True):
        g = fits.law[fits.cell == f"dct-relu-k{size}"].iloc[0]
        ratio, square = np.asarray(line.get_xydata()).T
        np.testing.assert_allclose(square, g * ratio / (1 - ratio), rtol=1e-12)
    relu = table[table.activation == "relu"].dropna(subset=["squared_speed"])
    worst = (relu.squared_speed - relu.share).abs().max()
    assert f"misses it by {worst:.2f} (" in NAMED["headline"].caption(data)


def test_the_lead_of_the_modulus_is_in_the_caption(results: Results) -> None:
    figure, data = figure_of("speed", results)
    speeds = data.table.pivot_table("speed", ["pattern", "size", "beta"], "activation")
    lead = (speeds.modulus - speeds.relu).dropna()
    differ = (lead.abs() > 1e-3).sum()
    caption = figure.caption(data)
    assert f"differ for {differ} of {len(lead)} kernels" in caption
    assert f"modulus is {lead.abs().max():.2f} px/layer" in caption


def test_velocity_follows_the_momentum_below_beta_star(results: Results) -> None:
    table = figure_of("isotropy", results)[1].table
    exact = table[table.beta <= table.beta_star]
    assert len(exact) >= 4
    # Velocities of 0.1 px/layer and more, known to 1e-13: directions to 1e-10 degrees.
    assert exact.deviation.abs().max() < 1e-9
    turned = results.mechanics.assign(
        velocity_x=-results.mechanics.velocity_y, velocity_y=results.mechanics.velocity_x
    )
    other = figure_of("isotropy", dataclasses.replace(results, mechanics=turned))[1].table
    # A quarter turn from +x to +y is 90 degrees.
    np.testing.assert_allclose(other.deviation.dropna() % 360, 90 + table.deviation.dropna())


def test_controls_are_hollow_with_negative_taps(results: Results) -> None:
    data, panels = drawn("controls", results)
    lines = marks(panels.figure, "level")
    filled = [line for line in lines if line.get_markerfacecolor() != "white"]
    positive = data.table[data.table.smallest_tap >= 0].drift.dropna().clip(lower=1e-18)
    assert sorted(drift for drift, _ in points(filled)) == sorted(positive)
    assert 0 < len(positive) < len(data.table)


COPY = r'<use [^>]*x="([^"]+)" y="([^"]+)"'


def copies(svg: str) -> set[tuple[str, str]]:
    """Places of the marks of a drawing, to a tenth of a point."""
    return {(f"{float(x):.1f}", f"{float(y):.1f}") for x, y in re.findall(COPY, svg)}


def test_points_are_where_their_marks_are(results: Results, tmp_path: Path) -> None:
    _, panels = drawn("speed", results)
    svg = write_svg(panels.figure, tmp_path / "speed.svg")
    # In points, 72 an inch.
    width, height = 72 * panels.figure.get_size_inches()
    places = np.array(sorted(copies(svg)), float)
    said = panels.points()
    assert len(said) > 40
    for point in said:
        assert re.fullmatch(r"\w+, k = \d, ρ = [\d.]+: v = -?[\d.]+ px/layer", point.text)
        assert point.cell in results.cells
        # Four decimals of a share of 600 points, and a decimal of a point.
        away = np.abs(places - [point.x * width, point.y * height]).max(axis=1)
        assert away.min() < 0.12


def test_compact_drawings_hold_every_mark(results: Results, tmp_path: Path) -> None:
    _, panels = drawn("headline", results)
    with paper_style():
        panels.figure.savefig(tmp_path / "plain.svg", metadata={"Date": None})
    plain = (tmp_path / "plain.svg").read_text(encoding="utf-8")
    short = compact(plain)
    assert copies(plain) <= copies(short)
    assert short.count("<g") == short.count("</g>")
    assert len(short) < 0.6 * len(plain)
    names = set(re.findall(r' id="([^"]+)"', short))
    references = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', short)
    assert {first or second for first, second in references} <= names
    assert "style=" not in short
