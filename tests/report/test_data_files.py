"""The tables beside the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from mechcore.report import data_files
from mechcore.results.results import TABLES
from tests.helpers.reports import Report


def test_large_tables_stay_among_the_results(
    small: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {name: getattr(small.results, name).size for name in TABLES}
    smallest, *_, largest = sorted(sizes, key=lambda name: sizes[name])
    monkeypatch.setattr(data_files, "MOST_VALUES", sizes[largest] - 1)
    (tmp_path / f"{largest}.csv").write_text("of an earlier grid", encoding="utf-8")
    places = data_files.write_data(small.results, [], tmp_path)
    assert (tmp_path / places[f"{largest}.csv"]).samefile(small.folder / f"{largest}.csv")
    assert not (tmp_path / f"{largest}.csv").exists()
    assert places[f"{smallest}.csv"] == f"{smallest}.csv"
