"""The report of real, small experiments: whole, self-contained, honest about its data."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from mechcore import figures, provenance
from mechcore.config import Experiment, load_experiment
from mechcore.figures import Evidence, FigureData
from mechcore.figures.fits import confidence_band
from mechcore.figures.speed import draw_speed, speed_table
from mechcore.grid import expand
from mechcore.regressions import regress
from mechcore.report import config_text, render, write_report
from mechcore.report.findings import findings
from mechcore.report.fit_table import with_error
from mechcore.simulation import simulate
from mechcore.storage import write_dataset
from mechcore.tables import collect_metrics, write_table

SMALL: dict[str, object] = {
    "experiment": "small",
    "kernels": ["dct"],
    "activations": ["relu", "modulus"],
    "sizes": [2, 3],
    "patterns": ["delta", "disc"],
    "betas": {"start": 0, "stop": 1, "count": 5},
    "steps": 12,
    "snapshots": {"layers": [0, 12], "window": 33},
    "engine": "reference",
}

SUBSETS: dict[str, dict[str, object]] = {
    "one-of-each": {
        "activations": ["tanh"],
        "sizes": [4],
        "patterns": ["square"],
        "betas": [0.5],
        "snapshots": {"layers": []},
    },
    "zero-sum-and-angles": {
        "kernels": ["highpass", "random"],
        "activations": ["identity"],
        "sizes": [3],
        "patterns": ["delta"],
        "angles": [0.0, 45.0],
        "snapshots": {"layers": []},
    },
    "odd-only-on-a-torus": {
        "activations": ["leaky_relu"],
        "sizes": [2],
        "betas": [1.0],
        "boundary": "wrap",
        "domain": 33,
    },
}


class Page(HTMLParser):
    """The parts of a page that the tests look at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append(tag)
        if tag == "img":
            self.images.append(attributes)
        if tag == "a":
            self.links.append(attributes["href"] or "")

    def handle_data(self, data: str) -> None:
        self.text += data


def run(folder: Path, config: dict[str, object]) -> Experiment:
    """Make the results of an experiment in a folder, as the workflow does before the report."""
    experiment = load_experiment(config)
    cells = expand(experiment)
    for name, cell in cells.items():
        write_dataset(simulate(cell), folder / "trajectories" / f"{name}.nc")
    metrics = collect_metrics(cells, folder / "trajectories")
    write_table(metrics, folder / "metrics.csv")
    write_table(regress(metrics), folder / "regressions.csv")
    return experiment


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Experiment, Path, Path]:
    """A small experiment, its results and its report."""
    folder = tmp_path_factory.mktemp("small")
    experiment = run(folder / "results", SMALL)
    output = folder / "report" / "index.html"
    write_report(experiment, folder / "results", output)
    return experiment, folder / "results", output


def test_page_is_self_contained(small: tuple[Experiment, Path, Path]) -> None:
    output = small[2]
    text = output.read_text(encoding="utf-8")
    page = Page(text)
    assert {"script", "link", "iframe", "object", "embed"}.isdisjoint(page.tags)
    assert all((image["src"] or "").startswith("data:image/") for image in page.images)
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", re.sub(r'src="data:[^"]*"', "", text))
    outside = {link for link in page.links if re.match(r"[a-z]+:|//", link)}
    assert outside == {"https://arxiv.org/abs/2512.24338"}
    assert output.stat().st_size < 5_000_000


def test_every_link_leads_to_something(small: tuple[Experiment, Path, Path]) -> None:
    output = small[2]
    text = output.read_text(encoding="utf-8")
    for link in Page(text).links:
        if link.startswith("#"):
            assert f'id="{link[1:]}"' in text
        elif not link.startswith("https:"):
            assert (output.parent / link).stat().st_size > 0


def test_figures_have_alternative_texts_with_numbers_and_files(
    small: tuple[Experiment, Path, Path],
) -> None:
    page = Page(small[2].read_text(encoding="utf-8"))
    assert len(page.images) >= len(figures.ENTRIES)
    for image in page.images:
        assert len(image["alt"] or "") > 80
        assert re.search(r"\d", image["alt"] or "")
    names = {path.name for path in small[2].parent.iterdir()}
    drawn = {name[:-4] for name in names if name.endswith(".svg")}
    assert len(drawn) == len(page.images)
    assert all({f"{stem}.png", f"{stem}.csv"} <= names for stem in drawn)


def test_alternative_text_follows_the_data(small: tuple[Experiment, Path, Path]) -> None:
    evidence = Evidence.load(small[0], small[1])
    entry = figures.ENTRIES[0]
    table = speed_table(evidence, "dct")
    faster = FigureData(evidence, "dct", table.assign(speed=table.speed * 3))
    plain = entry.alt(FigureData(evidence, "dct", table))
    peak = table.speed[(table.activation == "relu") & (table["size"] == 3)].max()
    assert f"{peak:.3f}" in plain
    assert f"{3 * peak:.3f}" in entry.alt(faster)


def test_points_of_the_figure_are_the_metrics(small: tuple[Experiment, Path, Path]) -> None:
    evidence = Evidence.load(small[0], small[1])
    with figures.paper_style():
        figure = draw_speed(FigureData(evidence, "dct", speed_table(evidence, "dct")))
    panel = figure.axes[0]
    chosen = evidence.metrics[
        (evidence.metrics.activation == "relu") & (evidence.metrics["size"] == 2)
    ]
    drawn = [line for line in panel.lines if line.get_gid() == "points"]
    points = np.concatenate([np.asarray(line.get_xydata()) for line in drawn])
    expected = chosen[["beta", "speed"]].to_numpy(float)
    assert sorted(map(tuple, points)) == sorted(map(tuple, expected))


def test_lines_of_the_figure_are_the_regressions(small: tuple[Experiment, Path, Path]) -> None:
    evidence = Evidence.load(small[0], small[1])
    with figures.paper_style():
        figure = draw_speed(FigureData(evidence, "dct", speed_table(evidence, "dct")))
    fits = evidence.regressions
    row = fits[(fits.cell == "dct-relu-k2") & (fits.predictor == "beta")].iloc[0]
    line = next(line for line in figure.axes[0].lines if line.get_gid() == "fit")
    x, y = np.asarray(line.get_xydata()).T
    np.testing.assert_allclose(y, row.intercept + row.slope * x, rtol=1e-12)
    assert (x.min(), x.max()) == (0.0, 1.0)


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


def test_theory_meets_the_exact_points(small: tuple[Experiment, Path, Path]) -> None:
    evidence = Evidence.load(small[0], small[1])
    with figures.paper_style():
        figure = draw_speed(FigureData(evidence, "dct", speed_table(evidence, "dct")))
    curve = next(line for line in figure.axes[1].lines if line.get_gid() == "theory")
    x, y = np.asarray(curve.get_xydata()).T
    metrics = evidence.metrics
    exact = metrics[(metrics["size"] == 3) & np.isfinite(metrics.speed_theory)]
    np.testing.assert_allclose(np.interp(exact.beta, x, y), exact.speed, atol=1e-4)
    assert x.max() == pytest.approx(exact.beta_star.iloc[0])


def test_two_builds_are_the_same_bytes(
    small: tuple[Experiment, Path, Path], tmp_path: Path
) -> None:
    experiment, results, output = small
    write_report(experiment, results, tmp_path / "index.html")
    for file in sorted(output.parent.iterdir()):
        assert file.read_bytes() == (tmp_path / file.name).read_bytes(), file.name


@pytest.mark.parametrize("subset", SUBSETS.values(), ids=SUBSETS)
def test_any_part_of_the_grid_gives_a_report(subset: dict[str, object], tmp_path: Path) -> None:
    experiment = run(tmp_path, SMALL | {"sizes": [3]} | subset)
    write_report(experiment, tmp_path, tmp_path / "report" / "index.html")
    text = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert ("keeps no snapshots" in text) == (not experiment.snapshots.layers)
    page = Page(text)
    alternatives = " ".join(image["alt"] or "" for image in page.images)
    assert not re.search(r"\bnan\b", page.text + alternatives)


def test_names_from_users_are_text_and_not_markup(tmp_path: Path) -> None:
    name = tmp_path / "_<script>alert(1)<&'$x^{$.npy"
    np.save(name, np.ones((2, 2)))
    subset = {"patterns": [str(name)], "sizes": [2], "activations": ["relu"]}
    experiment = run(tmp_path, SMALL | subset)
    write_report(experiment, tmp_path, tmp_path / "report" / "index.html")
    text = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    page = Page(text)
    assert "<script" not in text
    assert "script" not in page.tags
    assert name.name in page.text


def test_page_holds_the_configuration_that_repeats_it(
    small: tuple[Experiment, Path, Path],
) -> None:
    experiment, _, output = small
    page = Page(output.read_text(encoding="utf-8"))
    assert load_experiment(yaml.safe_load(config_text(experiment))) == experiment
    assert config_text(experiment) in page.text
    assert "snakemake -c2 --configfile config/small.yaml" in page.text
    for version in provenance.library_versions().values():
        assert version in page.text


def test_report_outside_version_control_says_so(
    small: tuple[Experiment, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evidence = Evidence.load(small[0], small[1])
    monkeypatch.setattr(provenance, "PACKAGE", tmp_path)
    assert provenance.git_commit() is None
    assert provenance.git_is_dirty() is None
    assert "outside version control" in render(evidence, [], findings(evidence))


def test_preview_of_a_cell_is_written(small: tuple[Experiment, Path, Path], tmp_path: Path) -> None:
    cell = expand(small[0])["dct-relu-k3"]
    files = figures.save(figures.cell_preview(simulate(cell)), tmp_path / "preview")
    assert [file.name for file in files] == ["preview.png", "preview.svg"]
    assert all(file.stat().st_size > 1000 for file in files)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.58516, 0.0271, "0.585 ± 0.027"),
        (-1.5, 0.25, "−1.50 ± 0.25"),
        (123.4, 31.0, "123 ± 31"),
        (0.5, 0.0, "0.500000 ± 0.000000"),
        (np.nan, np.nan, "–"),
    ],
)
def test_digits_follow_the_error(value: float, error: float, text: str) -> None:
    assert with_error(value, error) == text
