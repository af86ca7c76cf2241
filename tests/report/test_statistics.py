"""The tables of fits on the page."""

from __future__ import annotations

import math

from mechcore.analysis.regressions import law_fits, squared
from mechcore.report.numbers import significant, two_digits
from mechcore.report.statistics import chapters
from tests.helpers.reports import Report


def test_tables_show_the_fits(small: Report) -> None:
    tables = {name: tables for name, (_, tables) in chapters(small.results).items()}
    fits = law_fits(small.results.regressions)
    fit = fits[(fits.cell == "dct-relu-k3") & (fits.pattern == "disc")]
    fit = fit[(fit.response == squared(math.inf)) & (fit.domain == "all beta")].iloc[0]
    lines = next(table for table in tables["law"] if table.title.endswith("T → ∞"))
    row = next(row for row in lines.rows if row[:2] == ("dct-relu-k3", "disc"))
    assert row[2] == two_digits(fit.law_miss)
    assert row[4] == significant(fit.slope, 3)
    for chapter in tables.values():
        assert chapter
        for table in chapter:
            assert {len(row) for row in table.rows} == {len(table.headings)}
