"""The figures of the page: drawn, written beside it, and embedded in it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path

from mechcore.analysis.tables import DIGITS, write_table
from mechcore.report.figures.registry import FIGURES
from mechcore.report.figures.style import paper_style, save
from mechcore.results.results import Results


@dataclass(frozen=True)
class Point:
    """A point of a drawing that says its values on hover and focus."""

    x: float
    y: float
    """Its place, as shares of the width and the height from the top left."""
    text: str
    cell: str
    """The id of its cell; empty if there is none."""


@dataclass(frozen=True)
class Picture:
    """A figure that was written to files; lengths in px."""

    stem: str
    """The name of its files, without suffix."""
    topic: str
    svg_source: str
    """The drawing as a data URI."""
    width: int
    height: int
    alt: str
    caption: str
    points: list[Point] = field(default_factory=list)
    space: dict[str, object] | None = None
    """Points that the page turns."""


@dataclass(frozen=True)
class Section:
    """The figures that answer one question."""

    name: str
    title: str
    main: bool
    """Whether it stands on the page; the others are in the appendix."""
    pictures: list[Picture]


def draw_sections(results: Results, folder: Path) -> list[Section]:
    """Draw all figures that this grid can fill, and write them and their data."""
    topics = {name: entry.topics(results.experiment) for name, entry in FIGURES.items()}
    return [
        Section(
            name,
            FIGURES[name].title,
            FIGURES[name].main,
            [_draw(name, topic, results, folder) for topic in known],
        )
        for name, known in topics.items()
        if known
    ]


def _draw(name: str, topic: str, results: Results, folder: Path) -> Picture:
    kind, stem = FIGURES[name].figure(), f"{name}-{topic}"
    data = kind.data(results, topic)
    write_table(data.table, folder / f"{stem}.csv", DIGITS)
    with paper_style():
        figure = kind.draw(data)
    (svg,) = save(figure, folder / stem, suffixes=[".svg"])
    width, height = (round(96 * side) for side in figure.get_size_inches())
    return Picture(
        stem=stem,
        topic=topic,
        svg_source=_embedded(svg),
        width=width,
        height=height,
        alt=kind.alt_text(data),
        caption=kind.caption(data),
        space=kind.space(data),
    )


def _embedded(file: Path) -> str:
    """A data URI: unlike inline SVG it keeps the ids of figures apart, and takes alt text."""
    data = base64.b64encode(file.read_bytes()).decode("ascii")
    return f"data:image/svg+xml;base64,{data}"
