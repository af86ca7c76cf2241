"""Which file of a figure the page shows."""

from __future__ import annotations

from mechcore.report.pictures import Picture, shown_files
from tests.helpers.reports import Report


def test_heaviest_figures_are_shown_as_images(small: Report) -> None:
    drawn = [
        Picture("speed", small.page.parent / stem, False, "", "", 1, 1)  # noqa: FBT003
        for stem in ("speed-dct", "energy-dct")
    ]
    light = shown_files(drawn)
    assert [file.suffix for file in light.values()] == [".svg", ".svg"]
    heavy = shown_files(drawn, most=sum(file.stat().st_size for file in light.values()) - 1)
    assert sorted(file.suffix for file in heavy.values()) == [".png", ".svg"]
