"""The figures of the page: drawn, written beside it, and embedded in it."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from pathlib import Path

from mechcore.analysis.tables import DIGITS, write_table
from mechcore.io.atomic import replace_file
from mechcore.report.figures.figure import FigureData, ReportFigure
from mechcore.report.figures.panels import Point
from mechcore.report.figures.registry import FIGURES
from mechcore.report.figures.style import paper_style, write_svg
from mechcore.report.page_files import FIGURES_FOLDER
from mechcore.results.results import Results

REST = "-more"
"""What follows the name of a section of the page in the name of that of the appendix."""


@dataclass(frozen=True)
class Picture:
    """A figure that was written to files; lengths in px."""

    stem: str
    """The name of its files, without suffix."""
    topic: str
    """A kernel family, a bank or another part of the results; empty if it shows all."""
    svg_source: str
    """The drawing as a data URI."""
    width: int
    height: int
    alt: str
    caption: str
    points: list[Point] = field(default_factory=list)
    space: dict[str, object] | None = None
    """Points that the page turns."""

    @property
    def file(self) -> str:
        """Path of its files from the page, without suffix."""
        return f"{FIGURES_FOLDER}/{self.stem}"


@dataclass(frozen=True)
class Section:
    """The figures that answer one question."""

    name: str
    title: str
    main: bool
    """Whether it stands on the page; the others are in the appendix."""
    pictures: list[Picture]


def draw_sections(results: Results, page_folder: Path) -> list[Section]:
    """Draw all figures that this grid can fill, and write them and their data.

    A figure of several topics has the first on the page and the others in the appendix.
    """
    folder = page_folder / FIGURES_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    sections = []
    for figure in FIGURES:
        pictures = [_draw(figure, data, folder) for data in figure.data(results)]
        if figure.main:
            sections.append(Section(figure.name, figure.question, main=True, pictures=pictures[:1]))
        rest = pictures[figure.main :]
        name = f"{figure.name}{REST}" if figure.main else figure.name
        sections.append(Section(name, figure.question, main=False, pictures=rest))
    return [section for section in sections if section.pictures]


def _draw(figure: ReportFigure, data: FigureData, folder: Path) -> Picture:
    stem = figure.stem(data)
    write_table(data.table, folder / f"{stem}.csv", DIGITS)
    with paper_style():
        panels = figure.draw(data)
    svg = write_svg(panels.figure, folder / f"{stem}.svg")
    width, height = (round(96 * side) for side in panels.figure.get_size_inches())
    caption = figure.caption(data)
    _write_caption(f"{figure.question} {caption}", folder / f"{stem}.rst")
    return Picture(
        stem=stem,
        topic=data.topic,
        # Unlike inline SVG it keeps the ids of figures apart, and takes alt text.
        svg_source=f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode('ascii')}",
        width=width,
        height=height,
        alt=figure.alt_text(data, panels.figure),
        caption=caption,
        points=panels.points(),
        space=figure.space(data) if figure.space else None,
    )


def _write_caption(text: str, file: Path) -> None:
    """As Snakemake's own report includes it (workflow/report/figure.rst)."""
    escaped = re.sub(r"[\\`*_|]", r"\\\g<0>", text)
    replace_file(file, lambda draft: draft.write_text(f"{escaped}\n", encoding="utf-8"))
