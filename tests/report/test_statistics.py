"""The tables of fits on the page."""

from __future__ import annotations

from mechcore.report.numbers import significant
from mechcore.report.statistics import chapters
from tests.helpers.reports import Report


def test_tables_show_the_fits(small: Report) -> None:
    tables = {name: tables for name, (_, tables) in chapters(small.results).items()}
    fits = small.results.regressions
    fit = fits[(fits.cell == "dct-relu-k3") & (fits.pattern == "disc")]
    fit = fit[(fit.predictor == "beta") & (fit.domain == "all beta")].iloc[0]
    lines = next(table for table in tables["regressions"] if table.title.startswith("Speed on β"))
    row = next(row for row in lines.rows if row[:3] == ("dct-relu-k3", "disc", "all β"))
    assert row[3] == significant(fit.slope, 3)
    for chapter in tables.values():
        assert chapter
        for table in chapter:
            assert {len(row) for row in table.rows} == {len(table.headings)}
