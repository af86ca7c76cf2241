"""The figures of the page: drawn, written beside it, and embedded in it."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from mechcore.analysis.tables import DIGITS, write_table
from mechcore.report.figures.registry import FIGURES
from mechcore.report.figures.style import paper_style, save
from mechcore.results.results import Results

HEAVIEST_SVG = 350_000
"""A larger vector figure (bytes) is shown as PNG, so that the page loads on a phone."""

HEAVIEST_PAGE = 1_600_000
"""Bytes of all pictures; where the vector figures are more, the heaviest are shown as PNG."""

MIME_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True)
class Picture:
    """A figure that was written to files; lengths in px."""

    section: str
    stem: Path
    raster: bool
    alt: str
    caption: str
    width: int
    height: int
    source: str = ""
    """The file that the page shows, as a data URI."""


@dataclass(frozen=True)
class Section:
    """The figures of one kind; a note where there are none."""

    name: str
    title: str
    pictures: list[Picture]
    absent: str


def draw_sections(results: Results, folder: Path) -> list[Section]:
    """Draw all figures, and write them and their data."""
    drawn = [
        _draw(name, topic, results, folder)
        for name, entry in FIGURES.items()
        for topic in entry.topics(results.experiment)
    ]
    files = shown_files(drawn)
    pictures = [replace(picture, source=_embedded(files[picture.stem])) for picture in drawn]
    sections = [
        Section(
            name, entry.title, [item for item in pictures if item.section == name], entry.absent
        )
        for name, entry in FIGURES.items()
    ]
    return [section for section in sections if section.pictures or section.absent]


def drawn_files(sections: Iterable[Section]) -> list[Path]:
    """Return what `draw_sections` wrote."""
    stems = [picture.stem for section in sections for picture in section.pictures]
    return [_with_suffix(stem, suffix) for stem in stems for suffix in (".csv", ".png", ".svg")]


def shown_files(pictures: Iterable[Picture], most: int = HEAVIEST_PAGE) -> dict[Path, Path]:
    """Return which file of each figure the page shows: the vector figure, if it is light enough."""
    chosen = {picture.stem: _light_file(picture) for picture in pictures}
    vectors = [stem for stem, file in chosen.items() if file.suffix == ".svg"]
    for stem in sorted(vectors, key=lambda stem: -chosen[stem].stat().st_size):
        if sum(file.stat().st_size for file in chosen.values()) <= most:
            break
        chosen[stem] = _with_suffix(stem, ".png")
    return chosen


def _light_file(picture: Picture) -> Path:
    vector = _with_suffix(picture.stem, ".svg")
    heavy = picture.raster or vector.stat().st_size > HEAVIEST_SVG
    return _with_suffix(picture.stem, ".png") if heavy else vector


def _draw(name: str, topic: str, results: Results, folder: Path) -> Picture:
    kind, stem = FIGURES[name].figure(), folder / f"{name}-{topic}"
    data = kind.data(results, topic)
    write_table(data.table, _with_suffix(stem, ".csv"), DIGITS)
    with paper_style():
        figure = kind.draw(data)
    save(figure, stem)
    width = round(96 * figure.get_figwidth())
    with Image.open(_with_suffix(stem, ".png")) as image:
        height = round(width * image.height / image.width)
    words = kind.alt_text(data), kind.caption(data)
    return Picture(name, stem, kind.raster, *words, width, height)


def _embedded(file: Path) -> str:
    """A data URI: unlike inline SVG it keeps the ids of figures apart, and takes alt text."""
    data = base64.b64encode(file.read_bytes()).decode("ascii")
    return f"data:{MIME_TYPES[file.suffix]};base64,{data}"


def _with_suffix(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)
