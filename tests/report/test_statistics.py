"""The tables of fits on the page."""

from __future__ import annotations

import pytest

from mechcore.report import statistics
from mechcore.report.numbers import with_error
from mechcore.report.statistics import chapters
from tests.helpers.reports import Report


def test_tables_show_the_fits(small: Report) -> None:
    tables = {name: tables for name, (_, tables) in chapters(small.results).items()}
    fits = small.results.regressions
    fit = fits[(fits.cell == "dct-relu-k3") & (fits.pattern == "disc")]
    fit = fit[(fit.predictor == "beta") & (fit.domain == "all beta")].iloc[0]
    lines = next(table for table in tables["regressions"] if table.title.startswith("Speed on β"))
    row = next(row for row in lines.rows if row[:2] == ["dct-relu-k3", "disc"])
    assert row[2] == with_error(fit.slope, fit.slope_se)
    for chapter in tables.values():
        assert chapter
        for table in chapter:
            assert {len(row) for row in table.rows} == {len(table.headings)}
            assert sum(group.span for group in table.groups) in (0, len(table.headings))


def test_long_tables_keep_representative_cells(
    small: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statistics, "MOST_ROWS", 6)
    for name, (_, tables) in chapters(small.results).items():
        if name != "pooled":
            assert all("dct, k = 3" in table.title for table in tables)
            assert all(len(table.rows) == 6 for table in tables)
