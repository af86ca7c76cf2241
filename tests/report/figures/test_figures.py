"""The figures: drawn from their tables, in the colours that their legends say, on any grid."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, QuadMesh
from PIL import Image

from mechcore.analysis.beta_ranges import DOMAINS
from mechcore.analysis.regressions import PREDICTORS
from mechcore.experiment.config import load_experiment
from mechcore.report.figures.compact_svg import compact
from mechcore.report.figures.registry import FIGURES, figure_stems
from mechcore.report.figures.speed_panels import confidence_band, fitted_row
from mechcore.report.figures.style import paper_style, save
from mechcore.results.results import TABLES, Results
from tests.helpers.experiments import run
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

SMALL: dict[str, object] = {
    "experiment": "small",
    "kernels": ["dct", "gaussian"],
    "activations": ["relu", "modulus"],
    "sizes": [2, 3],
    "patterns": ["delta", "disc"],
    "angles": [0, 45],
    "betas": {"start": 0, "stop": 1, "count": 11},
    "steps": 12,
    "engine": "reference",
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """All results of a small experiment."""
    folder = tmp_path_factory.mktemp("figures")
    return Results.load(run(folder, SMALL), folder)


def without(results: Results, folder: Path, **missing: object) -> Results:
    """The same results without the rows that hold these values; without controls and films."""
    (folder / "trajectories").symlink_to(results.folder / "trajectories")

    def kept(table: pd.DataFrame) -> pd.DataFrame:
        rows = pd.Series(data=True, index=table.index)
        for column, value in missing.items():
            if column in table:
                rows &= table[column] != value
            elif "cell" in table:
                rows &= ~table.cell.str.contains(f"{value}-", regex=False)
        return table[rows].reset_index(drop=True)

    tables: dict[str, Any] = {name: kept(getattr(results, name)) for name in TABLES}
    return dataclasses.replace(results, folder=folder, **tables)


def extinct(results: Results, _: Path) -> Results:
    late = results.metrics.beta > 0.6
    dead = results.metrics.assign(
        speed=results.metrics.speed.mask(late),
        extinct_at=results.metrics.extinct_at.mask(late, 3),
    )
    return dataclasses.replace(results, metrics=dead)


PARTS = {
    "all": lambda results, _: results,
    "one activation": partial(without, activation="modulus"),
    "without the paper's family": partial(without, kernel="dct"),
    "extinct states": extinct,
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_every_figure_keeps_the_contract(results: Results, part: Any, tmp_path: Path) -> None:
    names = set()
    for name, data in every_figure(part(results, tmp_path)):
        check_contract(name, data, tmp_path, most_bytes=250_000)
        names.add(f"{name}-{data.topic}")
    assert names == set(figure_stems(results.experiment))


def test_the_workflow_learns_the_names_of_figures_without_plotting() -> None:
    code = (
        "import sys, mechcore.report.figures.registry; "
        "print({'matplotlib', 'pandas', 'xarray'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("changes", "absent"),
    [
        ({"angles": [0]}, "isotropy"),
        ({"betas": [0.5]}, "contraction"),
        ({"activations": ["relu"]}, "rectifiers"),
    ],
)
def test_what_a_grid_cannot_show_is_said_in_its_place(
    changes: dict[str, object], absent: str
) -> None:
    assert FIGURES[absent].topics(load_experiment(SMALL))
    assert FIGURES[absent].topics(load_experiment(SMALL | changes)) == []
    assert FIGURES[absent].absent


COLUMNS = {
    "speed": "speed",
    "contraction": "relative_speed",
    "rectifiers": "lead",
    "sizes": "largest_speed",
    "residuals": "relative_residual",
    "collapse": "relative_speed",
    "isotropy": "relative_speed",
    "controls": "drift",
    "trajectories": "displacement",
    "diffusion": "width",
    "kernels": "tap",
    "energy": "energy_defect",
    "models": "relative_error",
    "strip": "mu_x",
}


@pytest.mark.parametrize(("name", "column"), COLUMNS.items(), ids=COLUMNS)
def test_alternative_text_follows_the_table(results: Results, name: str, column: str) -> None:
    data = data_of(name, results)
    changed = data.table.assign(**{column: data.table[column] * 1.7})
    assert alt_text(name, data) != alt_text(name, dataclasses.replace(data, table=changed))


def test_zeros_have_no_sign(results: Results) -> None:
    zero = ["mu_x", "mu_y", "displacement", "relative_residual", "residual", "tap", "lead"]
    for name, data in every_figure(results):
        known = [column for column in zero if column in data.table]
        table = data.table.assign(**dict.fromkeys(known, -1e-9))
        text = alt_text(name, dataclasses.replace(data, table=table))
        assert not re.search(r"[-\u2212]0(\.0+)?(?![.\d]|e)", text), text


BETA = r"$\beta$ = {:.3g}"
SERIES = [
    ("isotropy", "deviation", "beta", BETA, "angle", "deviation"),
    ("isotropy", "relative_speed", "beta", BETA, "angle", "relative_speed"),
    ("collapse", "points", "kernel", "{}", "celerity", "relative_speed"),
    ("rectifiers", "points", "size", "k = {}", "beta", "lead"),
    ("sizes", "diffusion_coefficient", "activation", "{}", "", "diffusion_coefficient"),
    ("sizes", "largest_speed", "activation", "{}", "", "largest_speed"),
    ("sizes", "slope", "activation", "{}", "", "slope"),
    ("controls", "controls", "activation", "{}", "drift", ""),
]
"""Figure, marks, column of the series, its name in the legend, columns of x and y; without a name
the series are side by side along that axis."""

INSIDE: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "collapse": lambda rows: rows[rows.relative_speed.between(0.01, 10)],
    "rectifiers": lambda rows: rows[rows.beta < 1],
    "controls": lambda rows: rows.assign(drift=rows.drift.clip(lower=1e-18)),
}
"""What the axes of a figure show of its table."""


@pytest.mark.parametrize(("name", "gid", "series", "label", "x", "y"), SERIES)
def test_each_series_is_drawn_in_the_colour_of_its_legend(
    results: Results, name: str, gid: str, series: str, label: str, x: str, y: str
) -> None:
    data = data_of(name, results)
    figure, shown = drawn(name, data), INSIDE.get(name, lambda rows: rows)(data.table)
    styles = legend(figure)
    for value, rows in shown.groupby(series):
        own = [line for line in marks(figure, gid) if look(line) == styles[label.format(value)]]
        places = sorted(map(tuple, (np.array(points(own)) * [bool(x), bool(y)]).tolist()))
        columns = (rows[column] if column else np.zeros(len(rows)) for column in (x, y))
        same(places, *columns)


def test_speed_shows_points_lines_and_peaks(results: Results) -> None:
    data = data_of("speed", results)
    figure = drawn("speed", data)
    for panel, (activation, size) in enumerate((a, k) for a in ("relu", "modulus") for k in (2, 3)):
        chosen = (data.table.activation == activation) & (data.table["size"] == size)
        rows = data.table[chosen]
        same(points(marks(figure.axes[panel], "points")), rows.beta, rows.speed)
        assert f"{activation}, k = {size} {rows.speed.max():.3f}" in alt_text("speed", data)
    fit = fitted_row(results.regressions, "dct-relu-k2", "delta", "beta")
    assert fit is not None
    x, y = np.asarray(marks(figure.axes[0], "fit")[0].get_xydata()).T
    np.testing.assert_allclose(y, fit.intercept + fit.slope * x, rtol=1e-12)
    assert (x.min(), x.max()) == (0.0, 1.0)


def test_theory_meets_the_exact_points(results: Results) -> None:
    figure, table = drawn("speed", data_of("speed", results)), data_of("speed", results).table
    x, y = np.asarray(marks(figure.axes[1], "theory")[0].get_xydata()).T
    rows = table[(table["size"] == 3) & (table.pattern == "delta") & (table.activation == "relu")]
    exact = rows[rows.beta <= rows.beta_star]
    assert len(exact) > 4
    # The curve is drawn in chords; a thousandth of the panel is thinner than its line.
    np.testing.assert_allclose(np.interp(exact.beta, x, y), exact.speed, atol=1e-3)
    assert x.max() == pytest.approx(exact.beta_star.iloc[0])


def test_band_is_that_of_a_textbook(rng: np.random.Generator) -> None:
    import statsmodels.api as sm

    x = rng.uniform(0, 1, 12)
    fit = sm.OLS(3 * x + rng.normal(size=12), sm.add_constant(x)).fit()
    low, high = fit.conf_int(0.05)[1]
    row = pd.Series({"ci_low": low, "ci_high": high})
    where = np.array([0.0, 0.3, 1.5])
    interval = fit.get_prediction(sm.add_constant(where)).conf_int(alpha=0.05)
    half = (interval[:, 1] - interval[:, 0]) / 2
    np.testing.assert_allclose(confidence_band(row, x, where), half, rtol=1e-10)


LINES = {"fit": "all beta", "slow fit": "beta <= beta*"}


@pytest.mark.parametrize(("gid", "domain"), LINES.items(), ids=LINES)
def test_linearity_draws_the_line_of_each_domain(results: Results, gid: str, domain: str) -> None:
    data = data_of("linearity", results)
    figure, panels = drawn("linearity", data), iter(range(6))
    for activation in results.experiment.activations:
        rows = data.table[data.table.activation == activation].dropna(subset=["speed"])
        for predictor in PREDICTORS:
            cell = results.cell_name("dct", activation, 3)
            fit = fitted_row(results.regressions, cell, "delta", predictor, domain)
            assert fit is not None
            used = rows[DOMAINS[domain](rows)][predictor].dropna()
            assert len(used) == fit.n
            ends = np.array([used.min(), used.max()])
            same(
                points(marks(figure.axes[next(panels)], gid)),
                ends,
                fit.intercept + fit.slope * ends,
            )


def test_linearity_extends_the_slow_line_to_the_last_point(results: Results) -> None:
    data = data_of("linearity", results)
    figure = drawn("linearity", data)
    for panel in range(6):
        (near, low), (far, high) = points(marks(figure.axes[panel], "slow fit"))
        (start, _), (end, last) = points(marks(figure.axes[panel], "extension"))
        known = data.table[PREDICTORS[panel % 3]].dropna()
        assert (start, end) == (far, known.max())
        # Two points of one line: its slope is the same to rounding.
        assert (last - high) / (end - far) == pytest.approx((high - low) / (far - near))


def test_linearity_says_r2_of_both_lines(results: Results) -> None:
    data = data_of("linearity", results)
    figure, text = drawn("linearity", data), alt_text("linearity", data)
    for panel, predictor in enumerate(PREDICTORS):
        fits = [
            fitted_row(results.regressions, "dct-relu-k3", "delta", predictor, domain)
            for domain in LINES.values()
        ]
        everywhere, slow = (f"{fit.r2:.4f}" for fit in fits if fit is not None)
        assert everywhere in figure.axes[panel].get_title(loc="left")
        assert slow in figure.axes[panel].get_title(loc="right")
        assert f"{everywhere}/{slow}" in text


@pytest.mark.parametrize(
    ("value", "written"),
    [(1.0, " 1.0000"), (0.99998, "> 0.9999"), (0.9965, " 0.9965"), (np.nan, "none")],
)
def test_only_an_exact_line_has_an_r2_of_one(results: Results, value: float, written: str) -> None:
    changed = dataclasses.replace(results, regressions=results.regressions.assign(r2=value))
    assert written in alt_text("linearity", data_of("linearity", changed))


def test_linearity_says_no_theory_where_none_is_exact(results: Results, tmp_path: Path) -> None:
    changes = {"kernels": ["dct"], "sizes": [3], "patterns": ["delta"], "activations": ["tanh"]}
    bent = Results.load(run(tmp_path, SMALL | changes), tmp_path)
    assert "exactly linear in the celerity" in caption("linearity", data_of("linearity", results))
    assert "exact theory" not in caption("linearity", data_of("linearity", bent))


def test_map_of_residuals_has_each_value_in_its_place(results: Results) -> None:
    data = data_of("residuals", results)
    panel = drawn("residuals", data).axes[1]
    mesh = next(item for item in panel.collections if isinstance(item, QuadMesh))
    values = np.ma.filled(np.ma.asarray(mesh.get_array()).astype(float), np.nan)
    rows = data.table[data.table.predictor == "beta"]
    rows = rows.set_index(["activation", "size", "beta"]).sort_index()
    cells = [(activation, size) for activation in ("relu", "modulus") for size in (2, 3)]
    for row, cell in enumerate(cells):
        np.testing.assert_array_equal(values[row], rows.relative_residual[cell])
    lines = (item for item in panel.collections if isinstance(item, LineCollection))
    stars = next(item for item in lines if item.get_gid() == "beta_star")
    places = [segment[0, 0] for segment in stars.get_segments()]
    assert places == [rows.beta_star[cell].iloc[0] for cell in cells]


def test_models_show_medians_and_light_speeds(results: Results) -> None:
    data = data_of("models", results)
    figure = drawn("models", data)
    table = data.table[data.table.domain == "all beta"]
    medians = table.groupby(["activation", "model"]).relative_error.median().dropna()
    shown = sorted(error for error, _ in points(marks(figure.axes[0], "errors")))
    np.testing.assert_allclose(shown, sorted(medians.clip(lower=1e-17)))
    limits = table[(table.model == "Lorentz") & (table.pattern == results.point)].light_speed
    top = figure.axes[3].get_ylim()[1]
    speeds = sorted(speed for _, speed in points(marks(figure.axes[3], "points")))
    assert speeds == sorted(limits[limits <= top])
    assert len(points(marks(figure.axes[3], "beyond"))) == (limits > top).sum()


def test_filled_points_are_those_of_the_exact_theory(results: Results) -> None:
    data = data_of("collapse", results)
    lines = list(marks(drawn("collapse", data), "points"))
    filled = [line for line in lines if line.get_markerfacecolor() != "none"]
    shown = data.table[data.table.relative_speed.between(0.01, 10)]
    exact = shown[shown.beta <= shown.beta_star + 1e-12]
    same(points(filled), exact.celerity, exact.relative_speed)
    assert 0 < len(points(filled)) < len(points(lines)) == len(shown)


def test_rectifiers_show_the_lead_of_the_modulus(results: Results) -> None:
    data = data_of("rectifiers", results)
    metrics = results.metrics[results.metrics.kernel == "dct"]
    means = metrics.groupby(["activation", "pattern", "size", "beta"]).speed.mean()
    expected = means["modulus"] - means["relu"]
    rows = data.table.set_index(["pattern", "size", "beta"]).lead
    np.testing.assert_allclose(rows, expected.reindex(rows.index), atol=1e-15)
    for axes, pattern in zip(drawn("rectifiers", data).axes, results.patterns, strict=False):
        odd = data.table[(data.table.pattern == pattern) & (data.table.beta == 1)]
        written = " ".join(text.get_text() for text in axes.texts)
        assert all(f"{abs(lead):.3f}" in written for lead in odd.lead)


def test_contraction_has_a_mark_for_each_pattern_and_angle(results: Results) -> None:
    data = data_of("contraction", results)
    figure = drawn("contraction", data)
    styles = legend(figure)
    groups = data.table.groupby(["size", "pattern", "angle"])
    assert len(groups) == 8
    for column, panels in (("contraction", (0, 1)), ("contraction_across", (2, 3))):
        lines = [line for panel in panels for line in marks(figure.axes[panel], "contraction")]
        for (size, pattern, angle), rows in groups:
            style = styles[f"k = {size}"][0], styles[f"{pattern}, {angle:g}°"][1]
            inside = rows[(rows[column] <= 1.45) & rows.relative_speed.between(-0.06, 1.35)]
            own = [line for line in lines if look(line) == style]
            same(points(own), inside.relative_speed, inside[column])


def test_contraction_takes_one_of_angles_a_quarter_turn_apart(tmp_path: Path) -> None:
    changes = {"kernels": ["dct"], "sizes": [3], "angles": [30, 120, 75, 300]}
    data = data_of("contraction", Results.load(run(tmp_path, SMALL | changes), tmp_path))
    assert set(data.table.angle) == {30, 75}
    assert "quarter turn" in caption("contraction", data)


def test_contraction_counts_the_points_outside(results: Results) -> None:
    data = data_of("contraction", results)
    widths = data.table.assign(relative_speed=0.5, contraction=1.0, contraction_across=1.0)
    widths.loc[0, "contraction_across"] = 9.0
    widths.loc[1, "relative_speed"] = -2.0
    changed = dataclasses.replace(data, table=widths)
    # The first point is outside in one panel, the second in both.
    expected = f"3 of {2 * len(widths)} points are outside"
    assert expected in caption("contraction", changed)
    assert expected in alt_text("contraction", changed)


def test_each_beta_has_one_colour_in_all_panels(results: Results) -> None:
    """A state that does not grow has no line, and takes no colour from the others."""
    data = data_of("diffusion", results)
    table = data.table.assign(width=data.table.width.where(data.table.beta > 0.3, 0.0))
    shrunk = drawn("diffusion", dataclasses.replace(data, table=table))
    colours = {line.get_color() for line in marks(shrunk, "width")}
    everywhere = {line.get_color() for line in marks(drawn("diffusion", data), "width")}
    assert colours < everywhere


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


def test_defects_of_energy_are_at_the_floor_if_zero(results: Results) -> None:
    kernels = results.kernels.assign(parity_product=0.0)
    kernels.loc[kernels.index[3], "parity_product"] = -1e-3
    data = data_of("energy", dataclasses.replace(results, kernels=kernels))
    figure = drawn("energy", data)
    heights = sorted(height for _, height in points(marks(figure, "parity_product")))
    assert heights == [1e-18] * 3 + [1e-3]
    assert "exactly 0" in [text.get_text() for text in figure.axes[2].get_yticklabels()]
    assert "1.0e-03" in alt_text("energy", data)


def test_controls_are_filled_without_negative_taps(results: Results) -> None:
    data = data_of("controls", results)
    lines = marks(drawn("controls", data), "controls")
    filled = [line for line in lines if line.get_markerfacecolor() != "none"]
    positive = data.table[data.table.smallest_tap >= -1e-15].drift.clip(lower=1e-18)
    assert sorted(drift for drift, _ in points(filled)) == sorted(positive)
    assert 0 < len(positive) < len(data.table)


def test_rare_colours_survive_in_the_png(results: Results, tmp_path: Path) -> None:
    figure = drawn("energy", data_of("energy", results))
    file = save(figure, tmp_path / "energy", suffixes=[".png"])[0]
    pixels = np.asarray(Image.open(file).convert("RGB"), dtype=int).reshape(-1, 3)
    for name in results.experiment.kernels:
        colour = bytes.fromhex(legend(figure)[name][0][1:])
        # A palette of 256 colours that covers the cube of colours moves none by more than this.
        assert np.abs(pixels - list(colour)).max(axis=1).min() <= 16


def test_compact_drawings_hold_every_point(results: Results, tmp_path: Path) -> None:
    figure = drawn("collapse", data_of("collapse", results))
    with paper_style():
        figure.savefig(tmp_path / "plain.svg", metadata={"Date": None})
    plain = (tmp_path / "plain.svg").read_text(encoding="utf-8")
    short = compact(plain)
    assert places_of_marks(plain) <= places_of_marks(short)
    assert short.count("<g") == short.count("</g>")
    assert len(short) < 0.6 * len(plain)
    names = set(re.findall(r' id="([^"]+)"', short))
    references = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', short)
    assert {first or second for first, second in references} <= names
    assert "style=" not in short


def places_of_marks(svg: str) -> set[tuple[str, str]]:
    """Where copies are put, to a tenth of a point."""
    found = re.findall(r'<use [^>]*x="([^"]+)" y="([^"]+)"', svg)
    return {(f"{float(x):.1f}", f"{float(y):.1f}") for x, y in found}
