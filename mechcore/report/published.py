"""The part of the page that is about the published numbers."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from mechcore.claims.reproduction import summary
from mechcore.report.numbers import significant
from mechcore.report.statistics import StatisticsTable
from mechcore.results.results import Results

HEADINGS = ["figure", "tolerance", "numbers", "agree", "worst, in tolerances"]
AS_PRINTED = "the precision of print"


@dataclass(frozen=True)
class PublishedPart:
    """What the page says of the published numbers."""

    numbers: int
    agree: int
    as_printed: int
    """How many agree to the precision of print."""
    table: StatisticsTable
    """A row for each title of the protocols."""
    exceptions: pd.DataFrame
    """Rows of ``reproduction.csv`` that do not agree."""

    @property
    def count(self) -> str:
        """How many numbers agree, in words."""
        return f"{self.agree:,} of {self.numbers:,} published numbers agree with ours"


def published_part(results: Results) -> PublishedPart | None:
    """Return what the page says of the published numbers, if they were computed."""
    table = results.reproduction
    if table.empty:
        return None
    counts = summary(table)
    rows: list[tuple[str, ...]] = [
        (title, note or AS_PRINTED, f"{numbers:,}", f"{agree:,}", significant(worst, 2))
        for title, numbers, agree, _, worst, note in counts.itertuples(index=False)
    ]
    return PublishedPart(
        numbers=len(table),
        agree=int(counts.agree.sum()),
        as_printed=int((counts.agree - counts.beyond).sum()),
        table=StatisticsTable("", HEADINGS, rows),
        exceptions=table[~table.within],
    )
