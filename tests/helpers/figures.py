"""What a figure of the report shows: its marks and its legend, as numbers and colours."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from mechcore.analysis.tables import DIGITS, write_table
from mechcore.report.figures.figure import FigureData
from mechcore.report.figures.registry import FIGURES
from mechcore.report.figures.style import paper_style, save
from mechcore.results.results import Results

Points = list[tuple[float, ...]]


def data_of(name: str, results: Results, topic: str = "") -> FigureData:
    entry = FIGURES[name]
    return entry.figure().data(results, topic or entry.topics(results.experiment)[0])


def every_figure(results: Results) -> Iterator[tuple[str, FigureData]]:
    for name, entry in FIGURES.items():
        for topic in entry.topics(results.experiment):
            yield name, data_of(name, results, topic)


def drawn(name: str, data: FigureData) -> Figure:
    with paper_style():
        return FIGURES[name].figure().draw(data)


def alt_text(name: str, data: FigureData) -> str:
    return FIGURES[name].figure().alt_text(data)


def caption(name: str, data: FigureData) -> str:
    return FIGURES[name].figure().caption(data)


def check_contract(name: str, data: FigureData, folder: Path, most_bytes: int) -> None:
    """Draw, write and describe a figure, of whatever part of the results."""
    figure, stem = drawn(name, data), folder / f"{name}-{data.topic}"
    files = [*save(figure, stem, suffixes=[".svg"]), stem.with_name(f"{stem.name}.csv")]
    write_table(data.table, files[-1], DIGITS)
    assert 1000 < files[0].stat().st_size < most_bytes
    assert files[1].stat().st_size < most_bytes
    for text in (alt_text(name, data), caption(name, data)):
        assert len(text) > 60
        assert not re.search(r"\b(nan|NaN|inf|None)\b", text), text
    assert re.search(r"\d", alt_text(name, data))
    needs = FIGURES[name].figure().needs
    known = data.table[needs].dropna().astype(float)
    # Words have three decimals.
    if not np.allclose(0.3 * known, known, atol=2e-3):
        less = data.table.assign(**{needs: 0.3 * data.table[needs]})
        changed = alt_text(name, dataclasses.replace(data, table=less))
        assert changed != alt_text(name, data), name
    for label in labels(figure):
        words = re.sub(r"\$[^$]*\$", "", label)
        assert all(unit in label for word, unit in UNITS.items() if word in words), label
    known = {colour for colour, _ in legend(figure).values()}
    if known:
        assert {colour for colour in colours_of_marks(figure) if not grey(colour)} <= known


UNITS = {
    "displacement": "(px)",
    "width": "(px)",
    "drift": "(px)",
    "diffusion coefficient": "(px)",
    "kernel size": "(px)",
    "angle": "(°)",
    "direction": "(°)",
    "deviation": "(°)",
    "speed along": "(px/layer)",
    "largest speed": "(px/layer)",
    "slope": "(px/layer)",
    "fitted light speed": "(px/layer)",
    "ReLU": "(px/layer)",
}
"""What an axis label must say after a word; ratios have no unit."""


def labels(figure: Figure) -> list[str]:
    shared = [figure.get_supxlabel(), figure.get_supylabel()]
    own = [label for axes in figure.axes for label in (axes.get_xlabel(), axes.get_ylabel())]
    return [label for label in (*shared, *own) if label]


def legend(figure: Figure) -> dict[str, tuple[str, object]]:
    entries = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    return {
        text.get_text(): look(handle)
        for entry in entries
        if entry is not None
        for text, handle in zip(entry.get_texts(), entry.legend_handles, strict=True)
        if isinstance(handle, Line2D)
    }


def look(line: Line2D) -> tuple[str, object]:
    return to_hex(line.get_markeredgecolor()), line.get_marker()


def colours_of_marks(figure: Figure) -> set[str]:
    lines = (line for axes in figure.axes for line in axes.lines)
    return {look(line)[0] for line in lines if line.get_marker() not in (None, "None", "")}


def grey(colour: str) -> bool:
    return colour[1:3] == colour[3:5] == colour[5:7]


def marks(where: Figure | Axes, gid: str) -> list[Line2D]:
    panels = [where] if isinstance(where, Axes) else where.axes
    return [line for axes in panels for line in axes.lines if line.get_gid() == gid]


def points(lines: list[Line2D]) -> Points:
    places = [np.asarray(line.get_xydata()) for line in lines]
    return sorted(map(tuple, np.concatenate(places).tolist())) if places else []


def same(actual: Points, x: object, y: object) -> None:
    """Compare points with two columns of a table, of which unknown values are not drawn."""
    expected = np.column_stack([np.asarray(x, float), np.asarray(y, float)])
    expected = expected[np.isfinite(expected).all(axis=1)]
    np.testing.assert_allclose(actual, sorted(map(tuple, expected.tolist())), atol=1e-12)
