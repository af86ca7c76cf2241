"""What a figure of the report shows: its marks, as numbers and colours."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Panels
from mechcore.report.figures.registry import FIGURES
from mechcore.report.figures.style import paper_style
from mechcore.report.pictures import draw_sections
from mechcore.results.results import Results

Points = list[tuple[float, ...]]

NAMED = {figure.name: figure for figure in FIGURES}


def figure_of(name: str, results: Results) -> tuple[ReportFigure, FigureData]:
    """Return a figure, and what is known of its first topic."""
    return NAMED[name], NAMED[name].data(results)[0]


def drawn(name: str, results: Results) -> tuple[FigureData, Panels]:
    """Return what is known of the first topic of a figure, and the drawing."""
    figure, data = figure_of(name, results)
    with paper_style():
        return data, figure.draw(data)


def check_contract(results: Results, folder: Path, most_bytes: int) -> dict[str, str]:
    """Draw and write all figures of whatever part of the results; return captions by stem."""
    captions = {}
    for section in draw_sections(results, folder):
        assert section.title.endswith("?")
        assert not section.main or len(section.pictures) == 1
        for picture in section.pictures:
            files = [folder / f"{picture.file}.{suffix}" for suffix in ("svg", "csv")]
            assert all(100 < file.stat().st_size < most_bytes for file in files), files
            for text in (picture.alt, picture.caption, *(point.text for point in picture.points)):
                assert not re.search(r"\b(nan|NaN|inf|None)\b", text), text
            assert re.search(r"\d", picture.alt)
            assert len(picture.points) <= 150
            assert all(0 <= place <= 1 for point in picture.points for place in (point.x, point.y))
            captions[picture.stem] = picture.caption
    return captions


def marks(where: Figure | Axes, gid: str) -> list[Line2D]:
    panels = [where] if isinstance(where, Axes) else where.axes
    return [line for axes in panels for line in axes.lines if line.get_gid() == gid]


def points(lines: list[Line2D]) -> Points:
    """Return the places of all marks that are drawn: those that are known."""
    places = np.concatenate([np.asarray(line.get_xydata()) for line in lines])
    return sorted(map(tuple, places[np.isfinite(places).all(axis=1)].tolist()))


def same(actual: Points, x: object, y: object) -> None:
    """Compare points with two columns of a table, of which unknown values are not drawn."""
    expected = np.column_stack([np.asarray(x, float), np.asarray(y, float)])
    expected = expected[np.isfinite(expected).all(axis=1)]
    np.testing.assert_allclose(actual, sorted(map(tuple, expected.tolist())), atol=1e-12)
