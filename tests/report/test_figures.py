"""The figures: drawn from their tables, in the colours that their legends say, on any grid."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from mechcore.analysis.beta_ranges import DOMAINS
from mechcore.analysis.regressions import PREDICTORS
from mechcore.experiment.config import Experiment
from mechcore.report import figures
from mechcore.report.figures import DRAWINGS
from mechcore.report.figures.data import FigureData
from mechcore.report.figures.fits import fitted_row
from mechcore.report.figures.vector import compact
from mechcore.report.sections import SECTIONS, figure_stems
from mechcore.results.results import Results
from tests.helpers.experiments import run

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
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """All results of a small experiment."""
    folder = tmp_path_factory.mktemp("figures")
    return Results.load(run(folder, SMALL), folder)


def data_of(name: str, evidence: Results) -> FigureData:
    topic = SECTIONS[name].topics(evidence.experiment)[0]
    return FigureData(evidence, topic, DRAWINGS[name].table(evidence, topic))


def drawn(name: str, data: FigureData) -> Figure:
    with figures.paper_style():
        return DRAWINGS[name].draw(data)


def marks(figure: Figure, gid: str, panel: int | None = None) -> Iterator[Line2D]:
    chosen = figure.axes if panel is None else [figure.axes[panel]]
    return (line for axes in chosen for line in axes.lines if line.get_gid() == gid)


def points(figure: Figure, gid: str, panel: int | None = None) -> list[tuple[float, float]]:
    places = [np.asarray(line.get_xydata()) for line in marks(figure, gid, panel)]
    return sorted(map(tuple, np.concatenate(places).tolist()))


def look(line: Line2D) -> tuple[str, object]:
    return to_hex(line.get_markeredgecolor()), line.get_marker()


def legend(figure: Figure) -> dict[str, tuple[str, object]]:
    entries = figure.legends[0]
    texts = [text.get_text() for text in entries.get_texts()]
    lines = [line for line in entries.legend_handles if isinstance(line, Line2D)]
    return dict(zip(texts, map(look, lines), strict=False))


def same(found: list[tuple[float, float]], x: object, y: object) -> None:
    expected = pd.DataFrame({"x": np.asarray(x, float), "y": np.asarray(y, float)}).dropna()
    assert found == sorted(map(tuple, expected.to_numpy().tolist()))


def every_figure(evidence: Results) -> Iterator[tuple[str, FigureData]]:
    for name, section in SECTIONS.items():
        for topic in section.topics(evidence.experiment):
            yield name, FigureData(evidence, topic, DRAWINGS[name].table(evidence, topic))


def test_zeros_have_no_sign(evidence: Results) -> None:
    zero = ["mu_x", "mu_y", "displacement", "relative_residual", "residual", "tap", "lead"]
    for name, data in every_figure(evidence):
        known = [column for column in zero if column in data.table]
        table = data.table.assign(**dict.fromkeys(known, -1e-9))
        text = DRAWINGS[name].alt(dataclasses.replace(data, table=table))
        assert not re.search(r"[-\u2212]0(\.0+)?(?![.\d]|e)", text), text


def test_what_is_planned_is_what_is_drawn(evidence: Results) -> None:
    assert list(SECTIONS) == list(DRAWINGS)
    names = [f"{name}-{data.topic}" for name, data in every_figure(evidence)]
    assert names == list(figure_stems(evidence.experiment))


@pytest.mark.parametrize("column", ["deviation", "relative_speed"])
def test_isotropy_shows_its_table(evidence: Results, column: str) -> None:
    data = data_of("isotropy", evidence)
    figure = drawn("isotropy", data)
    same(points(figure, column), data.table.angle, data.table[column])
    styles = legend(figure)
    for line in marks(figure, column):
        spots = pd.DataFrame(np.asarray(line.get_xydata()), columns=["angle", column])
        betas = set(spots.merge(data.table, on=["angle", column]).beta)
        assert any(styles[rf"$\beta$ = {beta:.3g}"] == look(line) for beta in betas)


def test_velocity_follows_the_momentum_below_beta_star(evidence: Results) -> None:
    table = data_of("isotropy", evidence).table
    exact = table[table.beta <= table.beta_star]
    assert len(exact) >= 4
    # Velocities of 0.1 px/layer and more, known to 1e-13: directions to 1e-10 degrees.
    assert exact.deviation.abs().max() < 1e-9
    turned = evidence.mechanics.assign(
        velocity_x=-evidence.mechanics.velocity_y, velocity_y=evidence.mechanics.velocity_x
    )
    other = data_of("isotropy", dataclasses.replace(evidence, mechanics=turned)).table
    # A quarter turn from +x to +y is 90 degrees.
    np.testing.assert_allclose(other.deviation.dropna() % 360, 90 + table.deviation.dropna())


def test_collapse_shows_each_family_in_its_colour(evidence: Results) -> None:
    data = data_of("collapse", evidence)
    figure, styles = drawn("collapse", data), legend(drawn("collapse", data))
    for panel, activation in enumerate(evidence.experiment.activations):
        for family in evidence.experiment.kernels:
            rows = data.table[(data.table.kernel == family) & (data.table.activation == activation)]
            rows = rows[rows.relative_speed.between(0.01, 10)]
            lines = [one for one in marks(figure, "points", panel) if look(one) == styles[family]]
            found = np.concatenate([np.asarray(line.get_xydata()) for line in lines])
            same(sorted(map(tuple, found.tolist())), rows.celerity, rows.relative_speed)


def test_filled_points_are_those_of_the_exact_theory(evidence: Results) -> None:
    data = data_of("collapse", evidence)
    figure = drawn("collapse", data)
    filled = {True: 0, False: 0}
    for line in marks(figure, "points"):
        filled[line.get_markerfacecolor() != "none"] += len(line.get_xdata())
    shown = data.table[data.table.relative_speed.between(0.01, 10)]
    exact = int((shown.beta <= shown.beta_star + 1e-12).sum())
    assert filled == {True: exact, False: len(shown) - exact}
    assert 0 < exact < len(shown)


def test_rectifiers_show_the_lead_of_the_modulus(evidence: Results) -> None:
    data = data_of("rectifiers", evidence)
    metrics = evidence.metrics[evidence.metrics.kernel == "dct"]
    means = metrics.groupby(["activation", "pattern", "size", "beta"]).speed.mean()
    expected = means["modulus"] - means["relu"]
    rows = data.table.set_index(["pattern", "size", "beta"]).lead
    np.testing.assert_allclose(rows, expected.reindex(rows.index), atol=1e-15)
    figure = drawn("rectifiers", data)
    for panel, pattern in enumerate(evidence.patterns):
        part = data.table[(data.table.pattern == pattern) & (data.table.beta < 1)]
        same(points(figure, "points", panel), part.beta, part.lead)
        odd = data.table[(data.table.pattern == pattern) & (data.table.beta == 1)]
        written = " ".join(text.get_text() for text in figure.axes[panel].texts)
        assert all(f"{abs(lead):.3f}" in written for lead in odd.lead)


LINES = {"fit": "all beta", "slow fit": "beta <= beta*"}


@pytest.mark.parametrize(("gid", "domain"), LINES.items(), ids=LINES)
def test_linearity_draws_the_line_of_each_domain(evidence: Results, gid: str, domain: str) -> None:
    data = data_of("linearity", evidence)
    figure, places = drawn("linearity", data), iter(range(6))
    for activation in evidence.experiment.activations:
        rows = data.table[data.table.activation == activation].dropna(subset=["speed"])
        for predictor in PREDICTORS:
            cell = evidence.cell_name("dct", activation, 3)
            fit = fitted_row(evidence.regressions, cell, "delta", predictor, domain)
            assert fit is not None
            used = rows[DOMAINS[domain](rows)][predictor].dropna()
            assert len(used) == fit.n
            ends = np.array([used.min(), used.max()])
            found = points(figure, gid, next(places))
            np.testing.assert_allclose(
                found, np.column_stack([ends, fit.intercept + fit.slope * ends])
            )


def test_linearity_extends_the_slow_line_to_the_last_point(evidence: Results) -> None:
    data = data_of("linearity", evidence)
    figure = drawn("linearity", data)
    for panel in range(6):
        (near, low), (far, high) = points(figure, "slow fit", panel)
        (start, _), (end, last) = points(figure, "extension", panel)
        known = data.table[PREDICTORS[panel % 3]].dropna()
        assert (start, end) == (far, known.max())
        # Two points of one line: its slope is the same to rounding.
        assert (last - high) / (end - far) == pytest.approx((high - low) / (far - near))


def test_linearity_says_r2_of_both_lines(evidence: Results) -> None:
    data = data_of("linearity", evidence)
    figure, text = drawn("linearity", data), DRAWINGS["linearity"].alt(data)
    for panel, predictor in enumerate(PREDICTORS):
        fits = [
            fitted_row(evidence.regressions, "dct-relu-k3", "delta", predictor, domain)
            for domain in LINES.values()
        ]
        everywhere, slow = (f"{fit.r2:.4f}" for fit in fits if fit is not None)
        axes = figure.axes[panel]
        assert everywhere in axes.get_title(loc="left")
        assert slow in axes.get_title(loc="right")
        assert f"{everywhere}/{slow}" in text


def with_r2(evidence: Results, value: float) -> FigureData:
    changed = evidence.regressions.assign(r2=value)
    return data_of("linearity", dataclasses.replace(evidence, regressions=changed))


@pytest.mark.parametrize(
    ("value", "written"),
    [(1.0, " 1.0000"), (0.99998, "> 0.9999"), (0.9965, " 0.9965"), (np.nan, "none")],
)
def test_only_an_exact_line_has_an_r2_of_one(evidence: Results, value: float, written: str) -> None:
    assert written in DRAWINGS["linearity"].alt(with_r2(evidence, value))


def test_linearity_says_no_theory_where_none_is_exact(tmp_path: Path) -> None:
    changes = {"kernels": ["dct"], "sizes": [3], "patterns": ["delta"], "angles": [0]}
    captions = {}
    for name, more in (("exact", {}), ("bent", {"activations": ["tanh"]})):
        folder = tmp_path / name
        loaded = Results.load(run(folder, SMALL | changes | more), folder)
        captions[name] = DRAWINGS["linearity"].caption(data_of("linearity", loaded))
    assert "exactly linear in the celerity" in captions["exact"]
    assert "exact theory" not in captions["bent"]


def test_contraction_has_a_mark_for_each_pattern_and_angle(evidence: Results) -> None:
    data = data_of("contraction", evidence)
    figure = drawn("contraction", data)
    styles = legend(figure)
    assert {(row.pattern, row.angle) for row in data.table.itertuples()} == {
        (pattern, angle) for pattern in ("delta", "disc") for angle in (0, 45)
    }
    for (size, pattern, angle), rows in data.table.groupby(["size", "pattern", "angle"]):
        wanted = styles[f"k = {size}"][0], styles[f"{pattern}, {angle:g}°"][1]
        shown = rows[rows.contraction.le(1.45) & rows.relative_speed.between(-0.06, 1.35)]
        lines = [one for place in (0, 1) for one in marks(figure, "contraction", place)]
        found = [np.asarray(one.get_xydata()) for one in lines if look(one) == wanted]
        places = sorted(map(tuple, np.concatenate(found).tolist()))
        same(places, shown.relative_speed, shown.contraction)


def test_contraction_takes_one_of_angles_a_quarter_turn_apart(tmp_path: Path) -> None:
    changes = {"kernels": ["dct"], "sizes": [3], "angles": [30, 120, 75, 300]}
    data = data_of("contraction", Results.load(run(tmp_path, SMALL | changes), tmp_path))
    assert set(data.table.angle) == {30, 75}
    assert "quarter turn" in DRAWINGS["contraction"].caption(data)


def test_contraction_counts_the_points_outside(evidence: Results) -> None:
    data = data_of("contraction", evidence)
    widths = data.table.assign(relative_speed=0.5, contraction=1.0, contraction_across=1.0)
    widths.loc[0, "contraction_across"] = 9.0
    widths.loc[1, "relative_speed"] = -2.0
    changed = dataclasses.replace(data, table=widths)
    # The first point is outside in one panel, the second in both.
    expected = f"3 of {2 * len(widths)} points lie outside"
    assert expected in DRAWINGS["contraction"].caption(changed)
    assert expected in DRAWINGS["contraction"].alt(changed)


def test_contraction_shows_both_widths(evidence: Results) -> None:
    data = data_of("contraction", evidence)
    figure = drawn("contraction", data)
    columns = len(evidence.experiment.activations)
    for panel, activation in enumerate(evidence.experiment.activations):
        rows = data.table[data.table.activation == activation]
        for name, place in (("contraction", panel), ("contraction_across", panel + columns)):
            inside = rows[(rows[name] <= 1.45) & rows.relative_speed.between(-0.06, 1.35)]
            same(points(figure, "contraction", place), inside.relative_speed, inside[name])


def test_map_of_residuals_has_each_value_in_its_place(evidence: Results) -> None:
    data = data_of("residuals", evidence)
    panel = drawn("residuals", data).axes[1]
    mesh = next(one for one in panel.collections if isinstance(one, QuadMesh))
    values = np.ma.filled(np.ma.asarray(mesh.get_array()).astype(float), np.nan)
    betas = sorted(data.table.beta.unique())
    rows = data.table[data.table.predictor == "beta"]
    rows = rows.set_index(["activation", "size", "beta"]).sort_index()
    for row, cell in enumerate([(a, k) for a in ("relu", "modulus") for k in (2, 3)]):
        expected = [rows.relative_residual[(*cell, beta)] for beta in betas]
        np.testing.assert_array_equal(values[row], expected)
    stars = next(
        one
        for one in panel.collections
        if isinstance(one, LineCollection) and one.get_gid() == "beta_star"
    )
    places = [segment[0, 0] for segment in stars.get_segments()]
    expected = [rows.beta_star[(a, k)].iloc[0] for a in ("relu", "modulus") for k in (2, 3)]
    assert places == expected


def test_sizes_show_their_table(evidence: Results) -> None:
    data = data_of("sizes", evidence)
    figure, styles = drawn("sizes", data), legend(drawn("sizes", data))
    for column in ("diffusion_coefficient", "largest_speed", "slope"):
        for activation in evidence.experiment.activations:
            lines = [one for one in marks(figure, column) if look(one) == styles[activation]]
            rows = data.table[data.table.activation == activation]
            found = np.concatenate([np.asarray(line.get_ydata(), float) for line in lines])
            assert sorted(found) == sorted(rows[column])
    exact = data.table[data.table.activation == "relu"]
    np.testing.assert_allclose(exact.diffusion_coefficient, np.sqrt((exact["size"] ** 2 - 1) / 12))


def test_defects_of_energy_stand_at_the_floor_if_zero(evidence: Results) -> None:
    kernels = evidence.kernels.assign(parity_product=0.0)
    kernels.loc[kernels.index[3], "parity_product"] = -1e-3
    data = data_of("energy", dataclasses.replace(evidence, kernels=kernels))
    assert data.table.parity_product.max() == 1e-3
    figure = drawn("energy", data)
    heights = sorted(height for _, height in points(figure, "parity_product"))
    assert heights == [1e-18] * 3 + [1e-3]
    assert "exactly 0" in [text.get_text() for text in figure.axes[2].get_yticklabels()]
    assert "1.0e-03" in DRAWINGS["energy"].alt(data)


def test_controls_show_drift_and_taps(evidence: Results) -> None:
    data = data_of("controls", evidence)
    figure = drawn("controls", data)
    for panel, beta in enumerate((0.0, 1.0)):
        rows = data.table[data.table.beta == beta]
        drifts = sorted(drift for drift, _ in points(figure, "controls", panel))
        assert drifts == sorted(rows.drift.clip(lower=1e-18))
    filled = sum(
        len(line.get_xdata())
        for line in marks(figure, "controls")
        if line.get_markerfacecolor() != "none"
    )
    assert filled == int((data.table.smallest_tap >= -1e-15).sum())


def test_models_show_medians_and_light_speeds(evidence: Results) -> None:
    data = data_of("models", evidence)
    figure = drawn("models", data)
    table = data.table[data.table.domain == "all beta"]
    medians = table.groupby(["activation", "model"]).relative_error.median().dropna()
    assert len(medians)
    found = sorted(error for error, _ in points(figure, "errors", 0))
    np.testing.assert_allclose(found, sorted(medians.clip(lower=1e-17)))
    limits = table[(table.model == "Lorentz") & (table.pattern == evidence.point)].light_speed
    top = figure.axes[3].get_ylim()[1]
    speeds = [speed for _, speed in points(figure, "points", 3)]
    assert sorted(speeds) == sorted(limits[limits <= top])


ALT_COLUMNS = {
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


@pytest.mark.parametrize(("name", "column"), ALT_COLUMNS.items(), ids=ALT_COLUMNS)
def test_alternative_text_follows_the_table(evidence: Results, name: str, column: str) -> None:
    data = data_of(name, evidence)
    changed = data.table.assign(**{column: data.table[column] * 1.7})
    before = DRAWINGS[name].alt(data)
    after = DRAWINGS[name].alt(dataclasses.replace(data, table=changed))
    assert before != after
    assert re.search(r"\d", before)


def drawn_whole(evidence: Results, folder: Path) -> None:
    """Of whole grids, and that figures are the same twice, see test_report.py."""
    for name, data in every_figure(evidence):
        files = figures.save(drawn(name, data), folder / name)
        assert all(file.stat().st_size > 1000 for file in files)
        texts = DRAWINGS[name].alt(data), DRAWINGS[name].caption(data)
        assert all(len(text) > 60 for text in texts)
        assert not re.search(r"\bnan\b|\bNaN\b", " ".join(texts)), name


def without(evidence: Results, results: Path, **missing: object) -> Results:
    """The same evidence without the rows that hold these values; without controls and films."""

    def kept(table: pd.DataFrame) -> pd.DataFrame:
        rows = pd.Series(data=True, index=table.index)
        for column, value in missing.items():
            if column in table:
                rows &= table[column] != value
            elif "cell" in table:
                rows &= ~table.cell.str.contains(f"{value}-", regex=False)
        return table[rows]

    tables: dict[str, Any] = {
        name: kept(getattr(evidence, name)).reset_index(drop=True)
        for name in ("metrics", "mechanics", "kernels", "regressions", "models", "pooled")
    }
    return dataclasses.replace(evidence, folder=results, **tables)


def test_a_part_of_the_grid_is_drawn(evidence: Results, tmp_path: Path) -> None:
    (tmp_path / "trajectories").symlink_to(evidence.folder / "trajectories")
    drawn_whole(without(evidence, tmp_path, activation="modulus"), tmp_path)


def test_without_the_paper_s_family_is_drawn(evidence: Results, tmp_path: Path) -> None:
    drawn_whole(without(evidence, tmp_path, kernel="dct"), tmp_path)


def test_extinct_states_are_drawn(evidence: Results, tmp_path: Path) -> None:
    late = evidence.metrics.beta > 0.6
    dead = evidence.metrics.assign(
        speed=evidence.metrics.speed.mask(late),
        extinct_at=evidence.metrics.extinct_at.mask(late, 3),
    )
    drawn_whole(dataclasses.replace(evidence, metrics=dead), tmp_path)


def test_rare_colours_survive_in_the_png(evidence: Results, tmp_path: Path) -> None:
    figure = drawn("energy", data_of("energy", evidence))
    file = figures.save(figure, tmp_path / "energy", suffixes=(".png",))[0]
    pixels = np.asarray(Image.open(file).convert("RGB"), dtype=int).reshape(-1, 3)
    for name in evidence.experiment.kernels:
        colour = legend(figure)[name][0]
        wanted = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
        # A palette of 256 colours that covers the cube of colours moves none by more than this.
        assert np.abs(pixels - wanted).max(axis=1).min() <= 16


def places_of_marks(svg: str) -> set[tuple[str, str]]:
    """Where copies are put, to a tenth of a point."""
    found = re.findall(r'<use [^>]*x="([^"]+)" y="([^"]+)"', svg)
    return {(f"{float(x):.1f}", f"{float(y):.1f}") for x, y in found}


def test_compact_drawings_hold_every_point(evidence: Results, tmp_path: Path) -> None:
    figure = drawn("collapse", data_of("collapse", evidence))
    with figures.paper_style():
        figure.savefig(tmp_path / "plain.svg", metadata={"Date": None})
    plain = (tmp_path / "plain.svg").read_text(encoding="utf-8")
    short = compact(plain)
    assert places_of_marks(plain) <= places_of_marks(short)
    assert short.count("<g") == short.count("</g>")
    assert len(short) < 0.6 * len(plain)
    names = set(re.findall(r' id="([^"]+)"', short))
    references = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', short)
    assert {one or two for one, two in references} <= names
    assert "style=" not in short


def test_contents_of_an_experiment_without_angles_or_rest() -> None:
    from mechcore.experiment.config import load_experiment

    plan: Experiment = load_experiment(SMALL | {"angles": [0], "betas": [0.5]})
    for name in ("isotropy", "contraction"):
        assert SECTIONS[name].topics(plan) == []
        assert SECTIONS[name].absent
    assert SECTIONS["rectifiers"].topics(plan) == ["dct"]
    alone = load_experiment(SMALL | {"activations": ["relu"]})
    assert SECTIONS["rectifiers"].topics(alone) == []
