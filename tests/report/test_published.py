"""The published numbers of an experiment: on the page, in its figures, hashed, verified."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mechcore.analysis.tables import write_table
from mechcore.claims.criteria import judge
from mechcore.claims.verdict import write_claims
from mechcore.errors import MechcoreError
from mechcore.report.figures.published import LOOKS, PUBLISHED
from mechcore.report.page import write_report
from mechcore.results.results import Results
from mechcore.results.sweep import describe_sweep, write_sweep
from mechcore.verification.certificate import Certificate
from mechcore.verification.experiment import Extent, verify
from tests.helpers.experiments import SMALL, run
from tests.helpers.figures import marks, points
from tests.helpers.published import few_published


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("published")
    config = SMALL | {"published": str(few_published(folder))}
    return Results.load(run(folder / "results", config), folder / "results")


def test_the_page_counts_all_and_explains_what_does_not_agree(
    results: Results, tmp_path: Path
) -> None:
    write_report(results.experiment, results.folder, tmp_path / "index.html")
    table = results.reproduction
    count = f"{table.within.sum():,} of {len(table):,} published numbers agree with ours"
    names = ("index.html", "appendix.html", "README.md")
    front, text, summary = ((tmp_path / name).read_text("utf-8") for name in names)
    assert count in front
    assert count in text
    assert count in summary
    assert all(title in text for title in table.title.unique())
    assert all(note in text.casefold() for note in table.note[~table.within].str.casefold())


@pytest.mark.parametrize("topic", LOOKS)
def test_figures_draw_both_numbers(results: Results, topic: str) -> None:
    (data,) = (data for data in PUBLISHED.data(results) if data.topic == topic)
    figure, table = PUBLISHED.draw(data).figure, data.table
    published = points(marks(figure, "published"))
    np.testing.assert_allclose([y for _, y in sorted(published)], _values(table, "published"))
    # Of dense curves every fifth of ours is drawn.
    ours = {*points(marks(figure, "ours"))}
    assert ours <= {*zip(table.x, table.ours, strict=True)}
    assert len(ours) >= len(table) / 6


def _values(table: pd.DataFrame, column: str) -> list[float]:
    return [y for _, y in sorted(zip(table.x, table[column], strict=True))]


def test_without_published_numbers_nothing_speaks_of_them(results: Results, tmp_path: Path) -> None:
    plain = results.experiment.without_banks()
    assert plain.published is None
    shutil.copytree(results.folder, tmp_path / "results")
    folder = tmp_path / "results"
    loaded = Results.load(plain, folder)
    write_claims(judge(loaded), folder / "claims.json")
    write_sweep(describe_sweep(loaded, None), folder)
    write_report(plain, folder, tmp_path / "index.html")
    assert not re.search("published", (tmp_path / "index.html").read_text("utf-8"))
    assert not list(tmp_path.glob("figures/published-*"))


def verified(results: Results, folder: Path) -> Certificate:
    # All figures, few simulations.
    return verify(results.experiment, folder, Extent(cells=None, simulations=1))


def test_verification_computes_published_figures_again(results: Results, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    shutil.copytree(results.folder, folder)
    true = {check.name: check for check in verified(results, folder).checks}
    assert true["reproduction"].holds
    assert true["reproduction"].compared == len(results.reproduction) > 500
    table = pd.read_csv(folder / "reproduction.csv")
    table.loc[100, "ours"] += 1e-3
    write_table(table, folder / "reproduction.csv")
    (changed,) = verified(results, folder).checks
    assert "reproduction.csv: changed after" in changed.failures[0]
    # A sweep of the changed table.
    write_sweep(describe_sweep(Results.load(results.experiment, folder), None), folder)
    forged = {check.name: check for check in verified(results, folder).checks}
    assert [name for name, check in forged.items() if not check.holds] == ["reproduction"]
    assert "values of ours differ" in forged["reproduction"].failures[0]


def test_a_table_without_a_column_is_refused(results: Results, tmp_path: Path) -> None:
    shutil.copytree(results.folder, tmp_path / "results")
    path = tmp_path / "results" / "reproduction.csv"
    write_table(pd.read_csv(path).drop(columns="ours"), path)
    with pytest.raises(MechcoreError, match=r"reproduction\.csv: no column ours"):
        Results.load(results.experiment, path.parent).reproduction  # noqa: B018
