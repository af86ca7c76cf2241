"""The figures of the page: drawn, written beside it, and embedded in it."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from mechcore.analysis.tables import DIGITS, write_table
from mechcore.report import figures
from mechcore.report import sections as contents
from mechcore.report.figures.data import FigureData
from mechcore.results.results import Results

HEAVIEST_SVG = 350_000
"""A larger vector figure (bytes) is shown as PNG, so that the page loads on a phone."""

HEAVIEST_PAGE = 1_600_000
"""Bytes of all pictures; where the vector figures are more, the heaviest are shown as PNG."""

MIME_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True)
class Picture:
    """A figure as the page shows it; lengths in px."""

    stem: str
    source: str
    alt: str
    caption: str
    width: int
    height: int


@dataclass(frozen=True)
class Section:
    """The figures of one kind; a note where there are none."""

    name: str
    title: str
    pictures: list[Picture]
    absent: str


@dataclass(frozen=True)
class Drawn:
    """A figure that was written to files."""

    section: str
    stem: Path
    raster: bool
    alt: str
    caption: str
    width: int


def draw_sections(results: Results, folder: Path) -> list[Section]:
    """Draw all figures, and write them and their data."""
    drawn = [
        _draw(name, topic, results, folder)
        for name, section in contents.SECTIONS.items()
        for topic in section.topics(results.experiment)
    ]
    files = shown_files(drawn)
    sections = [
        Section(
            name,
            section.title,
            [_picture(one, files[one.stem]) for one in drawn if one.section == name],
            section.absent,
        )
        for name, section in contents.SECTIONS.items()
    ]
    return [section for section in sections if section.pictures or section.absent]


def drawn_files(sections: Iterable[Section], folder: Path) -> list[Path]:
    """Return what `draw_sections` wrote."""
    stems = [picture.stem for section in sections for picture in section.pictures]
    return [folder / f"{stem}{suffix}" for stem in stems for suffix in (".csv", ".png", ".svg")]


def shown_files(drawn: Iterable[Drawn], most: int = HEAVIEST_PAGE) -> dict[Path, Path]:
    """Return which file of each figure the page shows: the vector figure, if it is light enough."""
    chosen = {one.stem: _light_file(one) for one in drawn}
    vectors = [stem for stem, file in chosen.items() if file.suffix == ".svg"]
    for stem in sorted(vectors, key=lambda stem: -chosen[stem].stat().st_size):
        if sum(file.stat().st_size for file in chosen.values()) <= most:
            break
        chosen[stem] = _with_suffix(stem, ".png")
    return chosen


def _light_file(one: Drawn) -> Path:
    vector = _with_suffix(one.stem, ".svg")
    heavy = one.raster or vector.stat().st_size > HEAVIEST_SVG
    return _with_suffix(one.stem, ".png") if heavy else vector


def _draw(name: str, topic: str, results: Results, folder: Path) -> Drawn:
    drawing = figures.DRAWINGS[name]
    stem = folder / f"{name}-{topic}"
    data = FigureData(results, topic, drawing.table(results, topic))
    write_table(data.table, _with_suffix(stem, ".csv"), DIGITS)
    with figures.paper_style():
        figure = drawing.draw(data)
    figures.save(figure, stem)
    width = round(96 * figure.get_figwidth())
    return Drawn(name, stem, drawing.raster, drawing.alt(data), drawing.caption(data), width)


def _picture(one: Drawn, file: Path) -> Picture:
    with Image.open(_with_suffix(one.stem, ".png")) as image:
        height = round(one.width * image.height / image.width)
    return Picture(one.stem.name, _embedded(file), one.alt, one.caption, one.width, height)


def _embedded(file: Path) -> str:
    """A data URI: unlike inline SVG it keeps the ids of figures apart, and takes alt text."""
    data = base64.b64encode(file.read_bytes()).decode("ascii")
    return f"data:{MIME_TYPES[file.suffix]};base64,{data}"


def _with_suffix(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)
