"""The tables beside the page."""

from __future__ import annotations

from pathlib import Path

from mechcore.experiment.paths import APPENDIX_FILE
from mechcore.report.data_files import write_data
from mechcore.report.page_files import page_files
from mechcore.results.results import TABLES
from tests.helpers.reports import Report


def test_all_files_beside_the_page_are_declared(small: Report) -> None:
    beside = {path.name for path in small.page.parent.iterdir() if path.is_file()}
    assert beside == {small.page.name, APPENDIX_FILE, *page_files(small.experiment)}


def test_large_tables_stay_among_the_results(small: Report, tmp_path: Path) -> None:
    links = write_data(small.results, [], tmp_path)
    for name in TABLES:
        table = small.folder / f"{name}.csv"
        assert (tmp_path / links[table.name]).is_file()
    assert (tmp_path / links["metrics.csv"]).samefile(small.folder / "metrics.csv")
    assert links["regressions.csv"] == "regressions.csv"


def test_a_partial_page_links_to_its_own_tables_and_not_to_older_ones(
    small: Report, tmp_path: Path
) -> None:
    links = write_data(small.results, [], tmp_path, partial=True)
    for name in TABLES:
        assert links[f"{name}.csv"] == f"{name}.csv"
        assert (tmp_path / f"{name}.csv").is_file()
