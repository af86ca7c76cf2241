"""Figures of a study: what they draw is what the tables say."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mechcore.report.page import write_report
from mechcore.report.statistics import chapters
from mechcore.results.results import Results
from tests.helpers.experiments import SMALL, run
from tests.helpers.figures import NAMED, check_contract, drawn, marks, points, same
from tests.helpers.projects import PROJECT
from tests.helpers.studies import KEPT, STUDY

PUBLISHED = str(PROJECT / "resources" / "published" / "training.csv")
CONFIG = SMALL | {
    "betas": [0.0, 0.5, 1.0],
    "training": STUDY | {"architectures": ["plain", "residual"], "published": PUBLISHED},
}
HEAVIEST = 250_000


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("study")
    return Results.load(run(folder, CONFIG), folder)


def test_figures_of_a_study_keep_the_contract(results: Results, tmp_path: Path) -> None:
    captions = check_contract(results, tmp_path, HEAVIEST)
    names = {"cuts", "learning-plain-k3-relu", "learning-residual-k3-relu", "recovery"}
    assert names <= set(captions)
    assert "95%" in captions["cuts"]


def test_a_cut_is_drawn_beside_the_published_ones(results: Results) -> None:
    data, panels = drawn("cuts", results)
    after = data.table[(data.table.when == "after") & (data.table.source == "ours")]
    # What the study was made of, but for the noise of its seeds.
    np.testing.assert_allclose(after.kept, [*KEPT.values()] * 2, atol=0.08)
    same(points(marks(panels.axes[1], "kept")), after.components, after.kept)
    published = data.table[data.table.source == "published"].set_index(
        ["network", "when", "components"]
    )
    # The issue quotes .708 of .752, less chance.
    kept = published.loc[("resnet50", "after", 3), "kept"]
    assert kept == pytest.approx(0.708 / 0.752, abs=0.002)
    assert published.loc[("vgg16", "before", 1), "kept"] == pytest.approx(0.0, abs=1e-3)


def test_curves_are_means_over_seeds(results: Results) -> None:
    data, panels = drawn("learning", results)
    table = data.table[data.table.quantity == "score"]
    same(points(marks(panels.axes[0], "mean")), table.epoch, table["mean"])
    runs = results.training[~results.training.fine_tuned].query("architecture == 'plain'")
    last = table[table.epoch == table.epoch.max()].set_index("start")["mean"]
    expected = runs.groupby("initialisation").score.mean()
    pd.testing.assert_series_equal(last, expected[last.index], check_names=False)


def test_a_denoiser_has_decibels_and_no_cuts(results: Results) -> None:
    denoiser = dataclasses.replace(results)
    denoiser.__dict__["training"] = results.training.assign(measure="psnr")
    _, panels = drawn("learning", denoiser)
    assert panels.axes[0].get_title() == "peak to noise (dB)"
    assert NAMED["cuts"].data(denoiser) == NAMED["recovery"].data(denoiser) == []


def test_a_study_of_one_condition_has_curves_without_tests(results: Results) -> None:
    single = dataclasses.replace(results)
    table = results.training.query("initialisation == 'he'")
    single.__dict__["training"] = table[~table.fine_tuned]
    (data,) = [one for one in NAMED["learning"].data(single) if "plain" in one.topic]
    assert "0 of 0 differences" in NAMED["learning"].caption(data)


def test_a_report_has_tables_of_slopes_and_differences(results: Results, tmp_path: Path) -> None:
    _, tables = chapters(results)["trainings"]
    assert [table.title.split(":")[0] for table in tables] == ["Slopes"] * 2 + ["Differences"] * 2
    write_report(results.experiment, results.folder, tmp_path / "index.html")
    appendix = (tmp_path / "appendix.html").read_text()
    assert 'href="training_tests.csv"' in appendix
    assert "Trained networks" in appendix
    assert {"training.csv", "training_tests.csv"} <= {path.name for path in tmp_path.iterdir()}


def test_without_a_study_there_is_no_chapter(results: Results) -> None:
    plan = results.experiment.model_copy(update={"training": None})
    without = dataclasses.replace(results, experiment=plan)
    assert "trainings" not in chapters(without)
    assert NAMED["cuts"].data(without) == NAMED["learning"].data(without) == []
