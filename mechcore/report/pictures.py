"""The figures of the page: drawn, written beside it, and embedded in it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from mechcore.analysis.tables import DIGITS, write_table
from mechcore.report.figures.registry import FIGURES
from mechcore.report.figures.style import paper_style, save
from mechcore.results.results import Results

HEAVIEST_SVG = 100_000
"""A larger vector figure (bytes) is shown as PNG, so that the page loads on a phone."""

MIME_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True)
class Picture:
    """A figure that was written to files; lengths in px."""

    stem: str
    """The name of its files, without suffix."""
    alt: str
    caption: str
    width: int
    height: int
    source: str
    """The file that the page shows, as a data URI."""
    space: dict[str, object] | None = None
    """Points that the page turns."""


@dataclass(frozen=True)
class Section:
    """The figures of one kind."""

    name: str
    title: str
    pictures: list[Picture]


def draw_sections(results: Results, folder: Path) -> list[Section]:
    """Draw all figures that this grid can fill, and write them and their data."""
    topics = {name: entry.topics(results.experiment) for name, entry in FIGURES.items()}
    return [
        Section(name, FIGURES[name].title, [_draw(name, topic, results, folder) for topic in known])
        for name, known in topics.items()
        if known
    ]


def _draw(name: str, topic: str, results: Results, folder: Path) -> Picture:
    kind, stem = FIGURES[name].figure(), f"{name}-{topic}"
    data = kind.data(results, topic)
    write_table(data.table, folder / f"{stem}.csv", DIGITS)
    with paper_style():
        figure = kind.draw(data)
    png, svg = save(figure, folder / stem)
    width = round(96 * figure.get_figwidth())
    with Image.open(png) as image:
        height = round(width * image.height / image.width)
    shown = png if kind.raster or svg.stat().st_size > HEAVIEST_SVG else svg
    words = kind.alt_text(data), kind.caption(data)
    return Picture(stem, *words, width, height, _embedded(shown), kind.space(data))


def _embedded(file: Path) -> str:
    """A data URI: unlike inline SVG it keeps the ids of figures apart, and takes alt text."""
    data = base64.b64encode(file.read_bytes()).decode("ascii")
    return f"data:{MIME_TYPES[file.suffix]};base64,{data}"
